"""A LogPulse server in a thread of its own, for tests that share one, and for such as are no coroutines."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs
import httpx
import trio
from hypercorn.trio import serve

from logpulse.config import Config, load_config
from logpulse.http.app import make_app
from logpulse.http.auth import Keyring
from logpulse.http.guard import guarded_hypercorn
from logpulse.http.listener import hypercorn_config, open_listener
from logpulse.server import edge_counters, opened_store, running_services
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.metrics import Metrics

from .serving import PATIENCE, RunningServer

T = TypeVar("T")


@attrs.frozen(eq=False)
class ServerThread:
    """A server under test in another thread; `token` is that of its event loop."""

    running: RunningServer
    token: trio.lowlevel.TrioToken

    def client(self) -> httpx.Client:
        """Make an HTTP client of it."""
        return httpx.Client(base_url=self.running.url, timeout=6 * PATIENCE, trust_env=False)

    def call(self, function: Callable[[RunningServer], Awaitable[T]]) -> T:
        """Run a coroutine function in the thread of the server, and give its result."""
        return trio.from_thread.run(function, self.running, trio_token=self.token)


@contextmanager
def server_thread(folder: Path, **settings: str) -> Iterator[ServerThread]:
    """Run a server over a data folder. Settings are dotted paths with two underscores for the dot.

    It lives as one in a process does, but for the signals, which are the main thread's.
    """
    given = {name.replace("__", "."): value for name, value in settings.items()}
    config = load_config(None, {}, {"storage.path": str(folder), "server.port": "0", **given})
    with open_listener("127.0.0.1", 0) as listener, ThreadPoolExecutor(1, "server") as threads:
        started = Future[ServerThread]()
        ended = threads.submit(trio.run, _serve, config, listener, started)
        ended.add_done_callback(lambda _: started.cancel())  # without effect once it has started
        try:
            server = started.result(PATIENCE)
        except CancelledError:
            ended.result()
            raise
        try:
            yield server
        finally:
            server.token.run_sync_soon(server.running.services.lifecycle.stop)
            ended.result(PATIENCE)


async def _serve(config: Config, listener: socket.socket, started: Future[ServerThread]) -> None:
    metrics, lifecycle = Metrics(), Lifecycle()
    port = listener.getsockname()[1]
    with opened_store(config, metrics) as store, guarded_hypercorn(edge_counters(metrics)):
        async with (
            running_services(config, store, metrics, lifecycle, Keyring.of("")) as services,
            trio.open_nursery() as nursery,
        ):
            stopped = lifecycle.stopping.wait
            await nursery.start(
                partial(serve, make_app(services), hypercorn_config(listener), shutdown_trigger=stopped)
            )
            started.set_result(ServerThread(RunningServer({}, services, port), trio.lowlevel.current_trio_token()))
