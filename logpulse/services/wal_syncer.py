"""With `wal_sync: interval`, make the WAL durable once a second."""

from __future__ import annotations

import logging
from typing import Final

import trio

from logpulse.errors import UnavailableError
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.wal")
INTERVAL_SECONDS: Final = 1


async def sync_wal(store: Store, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Sync until cancelled. Cancellation waits for the sync under way."""
    task_status.started()
    while True:
        await trio.sleep(INTERVAL_SECONDS)
        try:
            await trio.to_thread.run_sync(store.sync)
        except UnavailableError as error:
            _LOG.error("%s; entries of the last second are not safe against power loss", error)
