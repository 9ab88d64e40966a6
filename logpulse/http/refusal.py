"""An answer given before the application's, or in its place."""

from __future__ import annotations

import attrs
import msgspec
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from logpulse.limits import REFUSED_BODY_BYTES, REFUSED_BODY_SECONDS


@attrs.frozen
class Refusal:
    """Refuse a request with an HTTP `status` and a `reason` for people; its connection ends with it."""

    status: int
    reason: str
    more_headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        """Give the answer's JSON text."""
        return msgspec.json.encode({"error": self.reason})

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Give the headers that go with `body`."""
        return [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(self.body)).encode()),
            (b"connection", b"close"),
            *self.more_headers,
        ]

    async def answer(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Send the refusal as the whole answer to `scope`, an HTTP request or a WebSocket that is not yet accepted.

        An unread body is dropped for at most REFUSED_BODY_SECONDS and REFUSED_BODY_BYTES once the answer is out: to
        close a connection with unread input resets it, and the reset can destroy the answer before the client reads it
        (RFC 9112, section 9.6). Where the server cannot answer a WebSocket with HTTP it is closed with 1008.

        Cancellation leaves the answer incomplete and the connection unusable.
        """
        if scope["type"] == "http":
            await self._answer_http(receive, send)
        elif scope["type"] == "websocket" and "websocket.http.response" in scope["extensions"]:
            await send({"type": "websocket.http.response.start", "status": self.status, "headers": self.headers})
            await send({"type": "websocket.http.response.body", "body": self.body, "more_body": False})
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": None})

    async def _answer_http(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with trio.move_on_after(REFUSED_BODY_SECONDS):
            await _drop_body(receive, REFUSED_BODY_BYTES)
        async with trio.open_nursery() as nursery:
            # The server ends an answer by queueing a disconnect behind the body, and waits while that queue is full.
            nursery.start_soon(_drop_body, receive, REFUSED_BODY_BYTES)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            nursery.cancel_scope.cancel()


async def _drop_body(receive: ASGIReceiveCallable, most: int) -> None:
    while most > 0:
        message = await receive()
        if message["type"] != "http.request" or not message["more_body"]:
            return
        most -= len(message["body"])
