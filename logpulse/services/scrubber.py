"""The scrubber: prove every segment once after the start and then about once a day, in the background.

Damage is thus found while there is a backup to restore from, and not by the query that needs the entries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio

from logpulse.errors import DamagedFileError, StorageError
from logpulse.services.metrics import Metrics
from logpulse.storage.segment import Segment
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.scrubber")
AGAIN_SECONDS: Final = 86_400
LOOK_SECONDS: Final = 30  # between looks for segments that are due
_PAUSE_SECONDS: Final = 0.05  # after each chunk at least
_REST: Final = 9  # times as long as the chunk took: a tenth of one core and of the disk


class Scrubber:
    """Prove the segments of one store, one chunk at a time."""

    def __init__(self, store: Store, metrics: Metrics, clock: Callable[[], float] = trio.current_time) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._thread = trio.CapacityLimiter(1)
        self._proven: dict[str, float] = {}  # when each segment was looked at last

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Scrub until cancelled. Cancellation waits for the chunk under way."""
        task_status.started()
        while True:
            await trio.sleep(LOOK_SECONDS)
            while segment := self._due():
                self._proven[segment.name] = self._clock()
                await self._scrub(segment)

    def _due(self) -> Segment | None:
        """Give the segment that was looked at longest ago, if that is a day or more."""
        segments = self._store.view.segments
        names = {segment.name for segment in segments}
        self._proven = {name: when for name, when in self._proven.items() if name in names}
        latest = self._clock() - AGAIN_SECONDS
        due = (segment for segment in segments if self._proven.get(segment.name, latest) <= latest)
        return min(due, key=lambda each: self._proven.get(each.name, -AGAIN_SECONDS), default=None)

    async def _scrub(self, segment: Segment) -> None:
        for chunk in range(segment.facts.chunks):
            began = self._clock()
            try:
                if not await trio.to_thread.run_sync(self._store.verify, segment, chunk, limiter=self._thread):
                    return
                self._metrics.chunks_verified.inc()
            except DamagedFileError as error:
                await self._set_aside(segment, error.reason)
                return
            except StorageError as error:
                _LOG.warning("segment %s cannot be looked at now: %s", segment.name, error)
                return
            await trio.sleep(max(_PAUSE_SECONDS, _REST * (self._clock() - began)))

    async def _set_aside(self, segment: Segment, reason: str) -> None:
        try:
            await trio.to_thread.run_sync(self._store.set_aside, segment, reason, limiter=self._thread)
        except StorageError as error:
            _LOG.warning("damaged segment %s cannot be set aside now: %s", segment.name, error)
