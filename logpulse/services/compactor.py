"""The compactor: merge small segments in the background, chunk by chunk, giving way to queries."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

import trio

from logpulse.errors import StorageError
from logpulse.services.metrics import Metrics
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.compactor")
INTERVAL_SECONDS: Final = 30
YIELD_SECONDS: Final = 0.25  # at most before each chunk, so that merges go on under queries without end
_LOOK_SECONDS: Final = 0.005


async def run_compaction(
    store: Store,
    metrics: Metrics,
    is_busy: Callable[[], bool],
    interval_seconds: float = INTERVAL_SECONDS,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Merge until nothing is worth it, then look again every `interval_seconds`. Cancellation gives a merge up.

    Args:
        is_busy: asked in the merging thread; while it says so, a merge waits, up to YIELD_SECONDS before each chunk.
    """
    ending = threading.Event()

    def stopped() -> bool:
        deadline = time.monotonic() + YIELD_SECONDS
        while is_busy() and time.monotonic() < deadline and not ending.wait(_LOOK_SECONDS):
            pass
        return ending.is_set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_set_at_the_end, ending)
        thread = trio.CapacityLimiter(1)
        task_status.started()
        while True:
            await trio.sleep(interval_seconds)
            try:
                while merged := await trio.to_thread.run_sync(store.compact, stopped, limiter=thread):
                    metrics.compactions.inc()
                    _LOG.debug("merged %d segments into %s", len(merged.facts.replaces), merged.name)
            except (OSError, StorageError) as error:
                _LOG.error("segments cannot be merged: %s", error)


async def _set_at_the_end(ending: threading.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        ending.set()
