"""Keep the positions on disk while the agent runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

import trio

from agent.batcher import Batch
from agent.positions import Positions, Record
from agent.positions_file import PositionsEncoder, PositionsFile
from logpulse.errors import StorageError
from logpulse.limits import AGENT_SAVE_SECONDS

_log: Final = logging.getLogger(__name__)


class Keeper:
    """Write the positions before each batch is sent, safe from the death of this process, and every second durably.

    When the disk is full the agent goes on: its positions are then as old as the last ones that could be written.
    `present` gives the records of the files that are there.
    """

    def __init__(self, file: PositionsFile, positions: Positions, present: Callable[[], Iterable[Record]]) -> None:
        self._file = file
        self._positions = positions
        self._present = present
        self._encoder = PositionsEncoder()
        self._writing = trio.Lock()
        self._saved_changes = -1
        self._is_failing = False

    async def pledge(self, batch: Batch) -> None:
        """Note on disk that a batch is about to be sent."""
        self._positions.pledge(batch.spans)
        async with self._writing:
            # Not in a thread: it goes to the page cache, in less time than a thread takes to start on it.
            self._reported(lambda: self._file.write(self._encoder.encode(self._positions)))

    def acknowledge(self, batch: Batch) -> None:
        """Note in memory that a batch was delivered; should this be lost, the server knows the batch again."""
        self._positions.acknowledge(batch.spans)

    async def save_regularly(self) -> None:
        """Save durably every AGENT_SAVE_SECONDS if anything changed, until cancelled."""
        while True:
            await trio.sleep(AGENT_SAVE_SECONDS)
            if self._saved_changes != self._positions.changes:
                await self.save()

    async def save(self) -> None:
        """Save durably."""
        async with self._writing:
            self._positions.tidy(self._present())
            changes = self._positions.changes
            document = self._encoder.encode(self._positions)
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._reported, lambda: self._file.write_durably(document))
            self._saved_changes = changes

    def _reported(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StorageError as error:
            if not self._is_failing:
                _log.error("the positions cannot be saved, lines may be repeated after a crash: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
