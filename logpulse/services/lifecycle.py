"""The server's life: starting, ready, stopping; and the signals that move it."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from typing import Final

import trio

from logpulse.limits import SHUTDOWN_SECONDS

_LOG: Final = logging.getLogger("logpulse.lifecycle")


class Lifecycle:
    """Say where in its life the server is. `stopping` is set once and for all."""

    def __init__(self) -> None:
        self.stopping = trio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether the server drains."""
        return self.stopping.is_set()

    def stop(self) -> None:
        """Begin to drain; calling it again makes no difference."""
        self.stopping.set()


async def watch_signals(
    lifecycle: Lifecycle,
    cancel: Callable[[], None],
    reload: Callable[[], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Drain on the first SIGTERM or SIGINT, call `cancel` on the second, `reload` on each SIGHUP."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        task_status.started()
        async for number in signals:
            if number == signal.SIGHUP:
                reload()
            elif lifecycle.is_stopping:
                _LOG.warning("second signal: stopping at once; the WAL holds what is not flushed")
                cancel()
                return
            else:
                _LOG.info("%s: finishing what is in work", signal.Signals(number).name)
                lifecycle.stop()


async def force_end(lifecycle: Lifecycle, seconds: float = SHUTDOWN_SECONDS) -> None:
    """End the process with code 1 if draining takes longer than `seconds`. Acknowledged entries are in the WAL."""
    await lifecycle.stopping.wait()
    await trio.sleep(seconds)
    _LOG.critical("stopping took longer than %g s; ending by force", seconds)
    os._exit(1)
