"""The compactor: merge small segments in the background."""

from __future__ import annotations

import logging
from typing import Final

import trio

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
    """Merge until nothing is worth it, then look again every `interval_seconds`. Cancellation waits for a merge."""
    task_status.started()
    thread = trio.CapacityLimiter(1)
    while True:
        await trio.sleep(interval_seconds)
        try:
            while merged := await trio.to_thread.run_sync(store.compact, limiter=thread):
                metrics.compactions.inc()
                _LOG.debug("merged %d segments into %s", len(merged.facts.replaces), merged.name)
        except OSError as error:
            _LOG.error("segments cannot be merged: %s", error)
