"""The replacement of those parts of Hypercorn that let a single peer stop or stall the server."""

from __future__ import annotations

import inspect
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version
from types import ModuleType
from typing import Final

import hypercorn.protocol
import hypercorn.protocol.h11
import hypercorn.trio.run
import hypercorn.trio.tcp_server
import trio
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.trio.tcp_server import TCPServer

from logpulse.http.connection import EdgeCounters, GuardedConnection
from logpulse.http.protocol import GuardedHTTP1, GuardedWebSocket
from logpulse.limits import CONNECTIONS, RECEIVE_BYTES, SEND_SECONDS

__all__ = ["EdgeCounters", "guarded_hypercorn"]

# What is replaced by name, and the methods that the guards override or lean on. Hypercorn promises none of this.
_REPLACED: Final[list[tuple[ModuleType, str]]] = [
    (hypercorn.trio.run, "TCPServer"),
    (hypercorn.protocol, "H11Protocol"),
    (hypercorn.protocol.h11, "WSStream"),
    (hypercorn.trio.tcp_server, "MAX_RECV"),
]
_METHODS: Final[list[tuple[type, str, str]]] = [
    (TCPServer, "__init__", "self app config context state stream"),
    (TCPServer, "run", "self"),
    (TCPServer, "protocol_send", "self event"),
    (TCPServer, "_read_data", "self"),
    (H11Protocol, "initiate", "self"),
    (H11Protocol, "_check_protocol", "self event"),
    (H11Protocol, "_send_h11_event", "self event"),
    (H11Protocol, "_send_error_response", "self status_code"),
    (H11Protocol, "_close_stream", "self"),
    (WSStream, "handle", "self event"),
    (WSStream, "app_send", "self message"),
    (WSStream, "_handle_events", "self"),
    (WSStream, "_send_error_response", "self status_code"),
    (WSStream, "_send_wsproto_event", "self event"),
    (WSStream, "_send_pings", "self"),
]


@contextmanager
def guarded_hypercorn(
    counters: EdgeCounters, *, send_seconds: float = SEND_SECONDS, connections: int = CONNECTIONS
) -> Iterator[None]:
    """Make every connection of a `hypercorn.trio.serve` that begins meanwhile a guarded one; then restore Hypercorn.

    Enter it before serving and leave it after. The guards are those of `GuardedConnection`, `GuardedHTTP1` and
    `GuardedWebSocket`. It may be nested: the innermost holds for the servers that begin in it.

    Args:
        counters: what the guards count into.
        send_seconds: a peer that takes less than SEND_PIECE_BYTES in this time is cut off.
        connections: open at once; further ones, and those over half of the process's open files, are answered 503.

    Raises:
        RuntimeError: this version of Hypercorn is built differently from the one that the guards were written for.
    """
    _check_hypercorn()
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    slots = trio.CapacityLimiter(connections if most_files < 0 else min(connections, most_files // 2))
    guards = [partial(GuardedConnection, counters, slots, send_seconds), GuardedHTTP1, GuardedWebSocket, RECEIVE_BYTES]
    with ExitStack() as restoring:
        for (module, name), guard in zip(_REPLACED, guards, strict=True):
            restoring.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, guard)
        yield


def _check_hypercorn() -> None:
    for module, name in _REPLACED:
        if not hasattr(module, name):
            raise _unknown_hypercorn(f"{module.__name__} has no {name}")
    for owner, name, expected in _METHODS:
        method = getattr(owner, name, None)
        if method is None:
            raise _unknown_hypercorn(f"{owner.__name__} has no {name}")
        found = " ".join(inspect.signature(method).parameters)
        if found != expected:
            raise _unknown_hypercorn(f"{owner.__name__}.{name} takes ({found}), not ({expected})")


def _unknown_hypercorn(difference: str) -> RuntimeError:
    return RuntimeError(
        f"LogPulse's guards do not fit Hypercorn {version('hypercorn')}: {difference}; install hypercorn>=0.18,<0.19"
    )
