"""One TCP connection, so guarded that no peer can stop the server, stall it, or leave anything behind."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import attrs
import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol import ProtocolWrapper
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, LifespanState

from logpulse.errors import OverloadedError, shorten
from logpulse.http.protocol import RequestRefusedError
from logpulse.http.refusal import Refusal
from logpulse.limits import SEND_PIECE_BYTES

_LOG: Final = logging.getLogger("logpulse.http")


@attrs.define
class EdgeCounters:
    """Count the connections that the guard ended."""

    connection_errors: int = 0
    """Because of what the peer sent, or an error in serving it: each would have stopped a stock Hypercorn."""
    send_deadlines: int = 0
    """Because the peer did not read."""
    http2_refused: int = 0
    """Because the peer spoke HTTP/2, or another version that is not HTTP/1."""
    connections_refused: int = 0
    """Because there were too many."""


class GuardedConnection(TCPServer):
    """Serve one connection as Hypercorn does, with four guards.

    * It takes one of the server's `slots` or is answered 503. Hypercorn takes on any number, until the process has no
      file left to open for its own work.
    * An error ends this connection and is counted. Hypercorn lets it stop the whole server.
    * A peer that takes less than SEND_PIECE_BYTES in `send_seconds` is cut off. Hypercorn waits for it for ever, in a
      place that nothing can cancel.
    * What waits for a connection ends with it. Hypercorn keeps the idle timer, and so the socket, of a client that has
      left, or starts it even then; and at shutdown it waits for a request that it has read but will not serve.
    """

    def __init__(
        self,
        counters: EdgeCounters,
        slots: trio.CapacityLimiter,
        send_seconds: float,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        state: LifespanState,
        stream: trio.SSLStream[trio.SocketStream],
    ) -> None:
        super().__init__(app, config, context, state, stream)
        self._counters = counters
        self._slots = slots
        self._send_seconds = send_seconds
        self._reading = trio.CancelScope()

    async def run(self) -> None:
        """Serve until either side closes; raise nothing but cancellation, which drops the connection at once."""
        try:
            self._slots.acquire_on_behalf_of_nowait(self)
        except trio.WouldBlock:
            await self._turn_away()
            return
        try:
            await super().run()
        except* Exception as group:
            self._count(list(_leaves(group)))
            _LOG.debug("how the connection failed", exc_info=group)
        finally:
            self._slots.release_on_behalf_of(self)

    async def _turn_away(self) -> None:
        self._counters.connections_refused += 1
        error = OverloadedError("the number of connections", int(self._slots.total_tokens), "one more")
        refusal = Refusal.of(503, error, ((b"retry-after", str(error.retry_after).encode()),))
        answer = h11.Connection(h11.SERVER)
        parts = [
            answer.send(h11.Response(status_code=refusal.status, headers=refusal.headers)),
            answer.send(h11.Data(data=refusal.body)),
            answer.send(h11.EndOfMessage()),
        ]
        with trio.move_on_after(self._send_seconds), suppress(trio.BrokenResourceError):
            await self.stream.send_all(b"".join(parts))

    async def protocol_send(self, event: Event) -> None:
        """Do what the protocol asks: write, close, or watch for idleness.

        Cancellation does not interrupt a write, as half a message would ruin the connection; but from then on the write
        has only what is left of its deadline.
        """
        if isinstance(event, RawData):
            if not await self._write(event.data):
                await self.protocol.handle(Closed())
                self._reading.cancel()
        elif isinstance(event, Closed):
            await super().protocol_send(event)
            self._reading.cancel()
        elif not self._reading.cancel_called:
            await super().protocol_send(event)

    async def _write(self, data: bytes) -> bool:
        """Write `data` and tell whether the peer still takes any; if it was the deadline that passed, cut it off."""
        rest = memoryview(data)
        async with self.send_lock:
            with trio.move_on_after(self._send_seconds, shield=True) as patience:
                try:
                    while len(rest) > SEND_PIECE_BYTES:
                        await self.stream.send_all(rest[:SEND_PIECE_BYTES])
                        rest = rest[SEND_PIECE_BYTES:]
                        if not _is_cancelled_outside(patience):
                            patience.deadline = trio.current_time() + self._send_seconds
                    await self.stream.send_all(rest)
                except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
                    return False  # busy: with its end, the only thing sent beside this lock
                return True
            self._counters.send_deadlines += 1
            _LOG.warning("cut off %s, which did not read for %g s", self._peer, self._send_seconds)
            await trio.aclose_forcefully(self.stream)
            return False

    async def _read_data(self) -> None:
        with self._reading:
            await super()._read_data()
        self._reading.cancel()
        await self.idle_task.stop()

    @property
    def _peer(self) -> str:
        protocol: ProtocolWrapper | None = getattr(self, "protocol", None)  # not yet there while TLS begins
        if protocol is None or protocol.client is None:
            return "a peer"
        host, port = protocol.client
        return f"{host}:{port}"

    def _count(self, errors: list[Exception]) -> None:
        if any(isinstance(error, RequestRefusedError) and error.refusal.status == 505 for error in errors):
            self._counters.http2_refused += 1
        else:
            self._counters.connection_errors += 1
        reasons = "; ".join(f"{type(error).__name__}: {shorten(str(error))}" for error in errors)
        _LOG.warning("ended the connection of %s: %s", self._peer, reasons)


def _is_cancelled_outside(scope: trio.CancelScope) -> bool:
    """Look past a shield, which nothing in Trio's interface does; no checkpoint in between, so nothing gets through."""
    scope.shield = False
    cancelled = trio.current_effective_deadline() == -math.inf
    scope.shield = True
    return cancelled


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
