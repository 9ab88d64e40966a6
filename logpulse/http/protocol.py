"""HTTP/1.1 and WebSocket as Hypercorn speaks them, without what lets a peer break, confuse or stall the server."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

import attrs
import h11
import trio
from hypercorn.events import RawData
from hypercorn.protocol import events
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import (
    AppWrapper,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    H11SendableEvent,
    Scope,
)
from wsproto.events import CloseConnection, Ping

from logpulse.errors import LimitExceededError, LogPulseError, shorten
from logpulse.http.refusal import Refusal
from logpulse.limits import CLOSE_SECONDS, DISCONNECT_SECONDS, HEADER_BYTES, TARGET_BYTES

_DECODED_BY_HANDSHAKE: Final = {b"connection", b"sec-websocket-protocol"}
_NOT_HTTP: Final = "the request is not HTTP/1.1 as RFC 9112 defines it"
_HEAD_BYTES: Final = TARGET_BYTES + HEADER_BYTES
_UNREADABLE: Final = {
    431: Refusal.of(
        431,
        LimitExceededError(
            "the size of the first line and all headers in bytes", _HEAD_BYTES, f"more than {_HEAD_BYTES}"
        ),
    ),
    501: Refusal(501, "the only Transfer-Encoding here is chunked"),
}
_EARLY_DATA: Final = Refusal(400, "a WebSocket client must not send data before its handshake is answered")

_VERSION: Final = b"13"
_BAD_HANDSHAKE: Final = Refusal(400, "a WebSocket handshake is HTTP/1.1 and has a Sec-WebSocket-Key")
_WRONG_VERSION: Final = Refusal(
    426,
    "Sec-WebSocket-Version: must be 13",
    ((b"upgrade", b"websocket"), (b"sec-websocket-version", _VERSION)),
)


@attrs.define(eq=False, slots=False)
class RequestRefusedError(LogPulseError):
    """End a connection whose peer broke the protocol and has been told so."""

    refusal: Refusal

    def __str__(self) -> str:
        return f"{self.refusal.status} {self.refusal.reason}"


@attrs.define(eq=False, slots=False)
class DeafApplicationError(LogPulseError):
    """End a connection whose application does not take the news that its client has left."""

    def __str__(self) -> str:
        return f"the application did not notice within {DISCONNECT_SECONDS} s that its client has left"


class GuardedHTTP1(H11Protocol):
    """Speak HTTP/1 on one connection, and nothing else.

    * Other versions are answered 505. `Upgrade: h2c` is ignored and the request served, as RFC 9110 (section 7.8) lets
      a server do: without a 101 no proxy can be made to tunnel, and clients that always offer it keep working.
    * What cannot be read is refused with the reason as JSON, like everything else; Hypercorn's answer has no body.
    * A WebSocket handshake that cannot be read, or with data right behind it, is answered 400 before any application.
    * `100 Continue` is sent when the application asks for the body, so that a refusal comes first and alone.
    * An application that ignores the end of its client is cancelled; Hypercorn waits for it, with whatever it holds.
    """

    async def initiate(self) -> None:
        """Prepare for the first request."""
        self.app = _ContinuingApp(self.app, self._send_continue)
        await super().initiate()

    async def _check_protocol(self, event: h11.Request) -> None:
        refusal = _refusal(event, self.connection.trailing_data[0])
        if refusal is None:
            return
        await self._send_refusal(refusal)
        raise RequestRefusedError(refusal)

    async def _send_error_response(self, status_code: int) -> None:
        await self._send_refusal(_UNREADABLE.get(status_code) or Refusal(status_code, _NOT_HTTP))

    async def _send_refusal(self, refusal: Refusal) -> None:
        headers = [*refusal.headers, *self.config.response_headers("h11")]
        head = h11.Response(status_code=refusal.status, headers=headers)
        # In one write: an application that ends meanwhile would close the connection between two.
        pieces = [self.connection.send(each) for each in (head, h11.Data(data=refusal.body), h11.EndOfMessage())]
        await self.send(RawData(data=b"".join(filter(None, pieces))))

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        if not (isinstance(event, h11.InformationalResponse) and event.status_code == 100):
            await super()._send_h11_event(event)

    async def _send_continue(self) -> None:
        if self.connection.they_are_waiting_for_100_continue:
            headers = self.config.response_headers("h11")
            await super()._send_h11_event(h11.InformationalResponse(status_code=100, headers=headers))

    async def _close_stream(self) -> None:
        # Shielded, because whoever noticed the end may be cancelled by it, and nobody else would tell the application.
        with trio.move_on_after(DISCONNECT_SECONDS, shield=True) as patience:
            await super()._close_stream()
        if patience.cancelled_caught:
            self.task_group.spawn(_abandon)


async def _abandon() -> None:
    raise DeafApplicationError


def _refusal(request: h11.Request, trailing: bytes) -> Refusal | None:
    if not request.http_version.startswith(b"1."):
        version = request.http_version.decode("ascii")
        return Refusal(505, f"HTTP/{version} is not served; use HTTP/1.1")
    headers = list(request.headers)
    if not any(name == b"upgrade" and value.strip().lower() == b"websocket" for name, value in headers):
        return None
    if trailing:
        return _EARLY_DATA
    for name, value in headers:
        if name in _DECODED_BY_HANDSHAKE and not value.isascii():
            return Refusal(400, f"{name.decode()}: must be ASCII, got {shorten(value)}")
    return None


@attrs.frozen
class _ContinuingApp:
    """Run an application, telling the client to continue whenever it waits for that and the application for a body."""

    app: AppWrapper
    send_continue: Callable[[], Awaitable[None]]

    async def __call__(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        sync_spawn: Callable[..., object],
        call_soon: Callable[..., object],
    ) -> None:
        async def continue_and_receive() -> ASGIReceiveEvent:
            await self.send_continue()
            return await receive()

        await self.app(scope, continue_and_receive, send, sync_spawn, call_soon)


class GuardedWebSocket(WSStream):
    """Speak WebSocket on one connection.

    * Data before the handshake is answered ends the connection. Hypercorn answers 400 over whatever the application is
      saying, and never tells it that its client has left.
    * A handshake of another version is answered 426 with ours (RFC 6455, section 4.4), any other bad one 400, with the
      reason as JSON, and its connection ends. Hypercorn answers without a body, and waits for the client to close.
    * Compression is not negotiated: what one read brings could unfold a thousandfold before its size is looked at.
    * What the application sends after the end is dropped with a checkpoint. Without one, an application that sends in a
      loop would never be cancelled and stop the event loop for good.
    * A message over the limit ends the connection with 1009; Hypercorn keeps it, and lets the application send on.
    * What a client sends to an application that has closed the WebSocket, or has ended, is dropped. Hypercorn puts it
      into the application's queue, and once that is full it reads no more: not even the answer to the close frame.
    * A close frame of ours has CLOSE_SECONDS to be answered before the connection is closed (RFC 6455, section 7.1.1).
      Hypercorn closes it at once, and the client's answer then meets a reset.
    * The first ping is sent after one interval, and the last before the end. Hypercorn's first crosses the close of a
      short-lived client, on which trio-websocket raises; and it sleeps on after the end, for which a shutdown waits.
    """

    _ended: trio.Event
    _deliveries: dict[trio.CancelScope, ASGIReceiveEvent]
    _is_answering: bool = False
    _is_leaving: bool = False
    _has_application_closed: bool = False
    _has_application_ended: bool = False

    async def handle(self, event: events.Event) -> None:
        """Take one event of the connection.

        Raises:
            RequestRefusedError: the client sent data before its handshake was answered.
        """
        if isinstance(event, events.Request):
            self._ended, self._deliveries = trio.Event(), {}
            headers = [header for header in event.headers if header[0] != b"sec-websocket-extensions"]
            event = replace(event, headers=headers)
        elif isinstance(event, events.Body | events.Data) and not (self.closed or self.handshake.accepted):
            await self._refuse_early_data()
            return
        try:
            await super().handle(event)
        finally:
            if self.closed:
                self._ended.set()
        if isinstance(event, events.Request) and self.app_put is not None:
            self.app_put = partial(self._deliver, self.app_put)

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """Take one message of the application, `None` at its end."""
        self._has_application_ended = message is None
        self._has_application_closed |= message is not None and message["type"] == "websocket.close"
        for delivery, waiting in self._deliveries.items():
            if not self._is_heard(waiting):
                delivery.cancel()
        if self.closed:
            await trio.lowlevel.checkpoint()
        elif message is None and self.state is ASGIWebsocketState.CLOSED:
            await self._wait_for_close()
        self._is_answering = True
        await super().app_send(message)

    def _is_heard(self, message: ASGIReceiveEvent) -> bool:
        if self._has_application_ended:
            return False
        return not self._has_application_closed or message["type"] != "websocket.receive"

    async def _deliver(self, put: Callable[[ASGIReceiveEvent], Awaitable[None]], message: ASGIReceiveEvent) -> None:
        if not self._is_heard(message):
            await trio.lowlevel.checkpoint()
            return
        with trio.CancelScope() as delivery:
            self._deliveries[delivery] = message
            try:
                await put(message)
            finally:
                del self._deliveries[delivery]

    async def _send_error_response(self, status_code: int) -> None:
        if status_code != _BAD_HANDSHAKE.status:
            await super()._send_error_response(status_code)
            return
        refusal = _BAD_HANDSHAKE if self.handshake.version == _VERSION else _WRONG_VERSION
        await self._send_refusal(refusal)
        await self.send(events.StreamClosed(self.stream_id))

    async def _send_refusal(self, refusal: Refusal) -> None:
        await self.send(events.Response(self.stream_id, headers=refusal.headers, status_code=refusal.status))
        await self.send(events.Body(self.stream_id, data=refusal.body))
        await self.send(events.EndBody(self.stream_id))

    async def _refuse_early_data(self) -> None:
        if self._is_answering or self.app_put is None:
            return  # the handshake is being refused as it is
        self.closed = True
        await self.app_put({"type": "websocket.disconnect", "code": 1006})
        await self._send_refusal(_EARLY_DATA)
        raise RequestRefusedError(_EARLY_DATA)

    async def _handle_events(self) -> None:
        if self._is_leaving:
            if any(isinstance(event, CloseConnection) for event in self.connection.events()):
                await self.send(events.StreamClosed(self.stream_id))
            return
        await super()._handle_events()
        if self.buffer.length > self.buffer.max_length:
            self._is_leaving = True
            self.task_group.spawn(self._leave)

    async def _leave(self) -> None:
        await self._wait_for_close()
        if not self.closed:
            await self.send(events.StreamClosed(self.stream_id))

    async def _wait_for_close(self) -> None:
        with trio.move_on_after(CLOSE_SECONDS):
            await self._ended.wait()

    async def _send_pings(self) -> None:
        while True:
            with trio.move_on_after(self.config.websocket_ping_interval or math.inf):
                await self._ended.wait()
                return
            await self._send_wsproto_event(Ping())
