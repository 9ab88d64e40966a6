"""The retention task: delete segments beyond their age, now and then."""

from __future__ import annotations

import logging
from typing import Final

import trio

from logpulse.services.metrics import Metrics
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.retention")
INTERVAL_SECONDS: Final = 600  # ages are counted in days


async def run_retention(
    store: Store,
    metrics: Metrics,
    interval_seconds: float = INTERVAL_SECONDS,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Apply retention at once and then every `interval_seconds`. Cancellation waits for the deletion under way."""
    task_status.started()
    thread = trio.CapacityLimiter(1)
    while True:
        deleted = await trio.to_thread.run_sync(store.retain, limiter=thread)
        metrics.segments_deleted.inc(len(deleted))
        if deleted:
            _LOG.info("deleted %d segments beyond retention", len(deleted))
        await trio.sleep(interval_seconds)
