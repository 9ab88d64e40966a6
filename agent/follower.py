"""The task of one file: read what is there, wait to be woken, and end when the file has left."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from agent.config import FilesConfig
from agent.entry import Chunk
from agent.tailed_file import TailedFile

_log: Final = logging.getLogger(__name__)


@attrs.define
class Reading:
    """Share what the readers share: the way to the batcher, and the turn to read.

    One file is read at a time, in the order of asking. However many files there are, one chunk waits in memory, and a
    noisy file does not starve the others.
    """

    chunks: trio.MemorySendChannel[Chunk]
    turn: trio.Lock = attrs.field(factory=trio.Lock)


class Follower:
    """Follow one file. It is told what happens to the file by `Roster`, which looks at all of them.

    `drained` is set when all complete lines were read, or cannot be; the files that took its place wait for it, so that
    old lines come before new ones. `is_finished` tells that nothing more of the file will be read.
    """

    def __init__(self, tail: TailedFile, config: FilesConfig, predecessors: Sequence[Follower]) -> None:
        self.tail = tail
        self.drained = trio.Event()
        self.has_failed = False
        self.is_finished = False
        self.whole_at = time.time()
        self._config = config
        self._predecessors = tuple(predecessors)
        self._woken = trio.Event()
        self._scope = trio.CancelScope()
        self._left_at: float | None = None
        self._is_handed_over = False
        self._last_write = self._last_progress = trio.current_time()

    # -- what the roster says ------------------------------------------------------------------------------------------

    @property
    def has_left(self) -> bool:
        """Whether the path leads to another file or to none."""
        return self._left_at is not None

    def wake(self) -> None:
        """Look again whether there is something to read, or whether this is the end."""
        self._woken.set()

    def written(self) -> None:
        """Note that the file was written to."""
        self._last_write = trio.current_time()

    def leave(self) -> None:
        """Note that the file was renamed or deleted: read it to its end and end with it."""
        self._left_at = self._last_progress = self._last_write = trio.current_time()
        if self.drained.is_set():  # else a file that took its place may be waiting for this very event
            self.drained = trio.Event()

    def come_back(self, path: str) -> None:
        """Note that the file is at a path that is followed after all."""
        self._left_at = None
        self.tail.path = self.tail.record.path = path

    def let_pass(self, copy: Follower) -> None:
        """Read nothing until another file was read to its end, which takes this one's turn."""
        copy._predecessors, self._predecessors = self._predecessors, (copy,)

    def hand_over(self) -> None:
        """Read no more, since another file goes on with the same bytes."""
        self._is_handed_over = True
        self.wake()

    @property
    def is_handed_over(self) -> bool:
        """Whether another file goes on with this one's record."""
        return self._is_handed_over

    @property
    def is_stuck(self) -> bool:
        """Whether the file has left and nothing of it could be sent for too long."""
        return self.has_left and trio.current_time() - self._last_progress > self._config.rotate_wait.seconds

    def give_up(self) -> None:
        """End at once."""
        self.is_finished = True
        self._scope.cancel()

    # -- the task ------------------------------------------------------------------------------------------------------

    async def follow(self, reading: Reading) -> None:
        """Read until the file has left and was quiet for a while, or is handed over or given up."""
        with self._scope:
            while not self._is_handed_over:
                self._woken = trio.Event()
                try:
                    await self._read_lines(reading)
                    if self._is_over():
                        await self._read_rest(reading)
                        self.is_finished = True
                        return
                except OSError as error:
                    self._fail(error)
                await self._woken.wait()

    async def read_to_end(self, reading: Reading) -> None:
        """Read what the file has now. A last line without newline waits if it may yet go on."""
        try:
            await self._read_lines(reading)
            if self.has_left or self.tail.is_quiet():
                await self._read_rest(reading)
            elif self.tail.unread():
                _log.info("%s: the last line has no newline yet and is left for the next run", self.tail.path)
        except OSError as error:
            self._fail(error)

    async def _read_lines(self, reading: Reading) -> None:
        while not self._is_handed_over:
            for predecessor in self._predecessors:
                await predecessor.drained.wait()
            async with reading.turn:
                # The file may have got a predecessor meanwhile.
                if all(predecessor.drained.is_set() for predecessor in self._predecessors):
                    self._predecessors = ()
                    chunk = self.tail.read()
                    if chunk is None:
                        break
                    await self._send(reading, chunk)
        self.has_failed = False
        self.drained.set()

    async def _read_rest(self, reading: Reading) -> None:
        async with reading.turn:
            chunk = self.tail.read_rest()
            if chunk is not None:
                await self._send(reading, chunk)

    async def _send(self, reading: Reading, chunk: Chunk) -> None:
        await reading.chunks.send(chunk)
        self._last_progress = trio.current_time()

    def _is_over(self) -> bool:
        if self._left_at is None:
            return False
        now = trio.current_time()
        is_quiet = now - self._last_write >= self._config.settle_time.seconds
        return is_quiet or now - self._left_at >= self._config.rotate_wait.seconds

    def _fail(self, error: OSError) -> None:
        if not self.has_failed:
            _log.error("%s cannot be read now: %s; trying again", self.tail.path, error.strerror or error)
        self.has_failed = True
        self.drained.set()
