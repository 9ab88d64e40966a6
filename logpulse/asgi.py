"""The application for `hypercorn --worker-class trio logpulse.asgi:app`, configured by the environment alone.

The services run inside the lifespan. `logpulse serve` is preferred: it also guards the listening socket, ends live
tails in order and ends the process by force when draining hangs.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from hypercorn.utils import LifespanFailureError

from logpulse.config import Config, load_config, unknown_variables
from logpulse.errors import LogPulseError
from logpulse.http.app import make_app
from logpulse.http.auth import Keyring
from logpulse.http.guard import guarded_hypercorn
from logpulse.server import edge_counters, log_to_stderr, opened_store, required_key, running_services
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.metrics import Metrics

_LOG: Final = logging.getLogger("logpulse")


class LogPulseApp:
    """Serve ASGI: start the services at the lifespan's startup, end them in order at its shutdown."""

    def __init__(self) -> None:
        self._serve: ASGIFramework | None = None

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one scope. A failing service ends the worker: Hypercorn re-raises this one error of a lifespan."""
        if scope["type"] != "lifespan":
            assert self._serve is not None, "the server sent a request before the lifespan began"
            await self._serve(scope, receive, send)
            return
        try:
            await self._live(receive, send)
        except* (LogPulseError, OSError) as group:
            _LOG.critical("%s", group.exceptions[0])
            raise LifespanFailureError("startup", str(group.exceptions[0])) from None
        except* Exception as group:
            _LOG.critical("a service failed", exc_info=group)
            raise LifespanFailureError("services", str(group.exceptions[0])) from None

    async def _live(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        config = _environment_config()
        log_to_stderr(config)
        for name in unknown_variables(os.environ):
            _LOG.warning("%s is set, but there is no such setting; it is ignored", name)
        metrics, lifecycle, keyring = Metrics(), Lifecycle(), Keyring.of(required_key(config))
        with ExitStack() as stack:
            store = stack.enter_context(opened_store(config, metrics))
            stack.enter_context(guarded_hypercorn(edge_counters(metrics)))
            async with running_services(config, store, metrics, lifecycle, keyring) as services:
                self._serve = make_app(services)
                await send({"type": "lifespan.startup.complete"})
                await receive()
                lifecycle.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _environment_config() -> Config:
    path = os.environ.get("LOGPULSE_CONFIG")
    known = {name: value for name, value in os.environ.items() if name.startswith("LOGPULSE_")}
    return load_config(Path(path) if path else None, known, {})


app = LogPulseApp()
