"""The compactor: merge small segments in the background."""

from __future__ import annotations

import logging
import threading
from typing import Final

import trio

from logpulse.errors import StorageError
from logpulse.services.metrics import Metrics
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.compactor")
INTERVAL_SECONDS: Final = 30


async def run_compaction(
    store: Store,
    metrics: Metrics,
    interval_seconds: float = INTERVAL_SECONDS,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Merge until nothing is worth it, then look again every `interval_seconds`. Cancellation gives a merge up."""
    ending = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_set_at_the_end, ending)
        thread = trio.CapacityLimiter(1)
        task_status.started()
        while True:
            await trio.sleep(interval_seconds)
            try:
                while merged := await trio.to_thread.run_sync(store.compact, ending.is_set, limiter=thread):
                    metrics.compactions.inc()
                    _LOG.debug("merged %d segments into %s", len(merged.facts.replaces), merged.name)
            except (OSError, StorageError) as error:
                _LOG.error("segments cannot be merged: %s", error)


async def _set_at_the_end(ending: threading.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        ending.set()
