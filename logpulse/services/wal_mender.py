"""After a failed write, ask the disk again and again, so that the server is ready without a push having to try."""

from __future__ import annotations

import logging
from typing import Final

import trio

from logpulse.errors import UnavailableError
from logpulse.storage.store import Store

_LOG: Final = logging.getLogger("logpulse.wal")
INTERVAL_SECONDS: Final = 5  # a broken disk does not mend itself faster


async def mend_wal(
    store: Store,
    interval_seconds: float = INTERVAL_SECONDS,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Try while the last write of the WAL failed, until cancelled. Cancellation waits for the attempt under way."""
    task_status.started()
    while True:
        await trio.sleep(interval_seconds)
        if not store.wal_failure:
            continue
        try:
            await trio.to_thread.run_sync(store.mend_wal)
        except UnavailableError as error:
            _LOG.error("%s; pushes are refused", error)
        else:
            _LOG.info("the WAL can be written again")
