"""The flusher: turn the head into segments when it is large, or when its oldest entries have waited long enough."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final, Literal

import pyarrow as pa
import trio
import trio.lowlevel

from logpulse.services.metrics import Metrics
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.flusher")
_RETRY_SECONDS: Final = 5  # a full disk does not empty itself faster

Reason = Literal["size", "interval"]


class Flusher:
    """Flush one store. `failure` says why the last flush failed, `last_flush` when one last succeeded."""

    def __init__(self, store: Store, metrics: Metrics, interval_seconds: float) -> None:
        self._store = store
        self._metrics = metrics
        self._interval = interval_seconds
        self._wake_send, self._wake_receive = trio.open_memory_channel[None](1)
        self._thread = trio.CapacityLimiter(1)
        self._ends = trio.lowlevel.ParkingLot()
        self.failure = ""
        self.last_flush = 0  # unix nanoseconds; 0 before the first

    def wake(self) -> None:
        """Ask for a flush now; further calls until it starts make no difference."""
        with suppress(trio.WouldBlock):  # already asked
            self._wake_send.send_nowait(None)

    async def flushed(self) -> None:
        """Ask for a flush, and return at the next end of one, successful or not."""
        self.wake()
        await self._ends.park()

    def close(self) -> None:
        """End the task after the flush under way. What is not flushed is in the WAL."""
        self._wake_send.close()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Flush until closed. Cancellation waits for the flush under way."""
        task_status.started()
        while True:
            reason: Reason = "interval"
            with trio.move_on_after(_RETRY_SECONDS if self.failure else self._interval):
                try:
                    await self._wake_receive.receive()
                    while self.failure:  # a failing disk is not asked more often because pushes come in
                        await self._wake_receive.receive()
                except trio.EndOfChannel:
                    return
                reason = "size"
            await self._flush(reason)
            self._ends.unpark_all()

    async def _flush(self, reason: Reason) -> None:
        try:
            flushed = await trio.to_thread.run_sync(self._store.flush, limiter=self._thread)
        except OSError as error:
            self.failure = f"segments cannot be written: {error.strerror or error}"
            _LOG.error("%s; the entries stay in memory and in the WAL", self.failure)
            self._metrics.flushes.labels(reason, "failed").inc()
            await trio.lowlevel.checkpoint()
            return
        self.failure = ""
        self.last_flush = time.time_ns()
        if flushed is None:
            return
        self._metrics.flushes.labels(reason, "done").inc()
        self._metrics.flush_seconds.observe(flushed.seconds)
        self._metrics.chunks_stored.inc(sum(segment.facts.chunks for segment in flushed.segments))
        await trio.to_thread.run_sync(pa.default_memory_pool().release_unused, limiter=self._thread)
        _LOG.debug("flushed %d entries, %d bytes of text in %.3f s", flushed.rows, flushed.text_bytes, flushed.seconds)
