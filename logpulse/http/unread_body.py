"""What becomes of a request's body when its answer does not wait for it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from logpulse.limits import UNREAD_BODY_BYTES, UNREAD_BODY_SECONDS


@attrs.frozen
class UnreadBody:
    """Drop what is left of a body once its answer is out, and only then end the answer, which may close the connection.

    To close a connection with unread input resets it, and the reset can destroy the answer before the client has read
    it (RFC 9112, section 9.6): a sender would then repeat for ever what was refused for good. So the answer is sent
    whole, the body is dropped as it comes, for at most UNREAD_BODY_SECONDS and UNREAD_BODY_BYTES, and then the answer
    ends. A body that is over by then leaves the connection open for the next request.
    """

    app: ASGIFramework

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope; only an HTTP request that announces a body is looked at."""
        if scope["type"] != "http" or not announces_body(scope["headers"]):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)

        async def send_and_drop(message: ASGISendEvent) -> None:
            if message["type"] != "http.response.body" or message.get("more_body", False) or body.over.is_set():
                await send(message)
                return
            if message.get("body", b""):
                await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            async with trio.open_nursery() as nursery:
                nursery.start_soon(body.drop)
                with trio.move_on_after(UNREAD_BODY_SECONDS):
                    await body.over.wait()
                # Still dropping: the server queues a disconnect behind the body, and waits while that queue is full.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                nursery.cancel_scope.cancel()

        await self.app(scope, body.receive, send_and_drop)


def announces_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether a request says that a body follows; no other has one (RFC 9112, section 6.3)."""
    return any(name in {b"content-length", b"transfer-encoding"} for name, _ in headers)


@attrs.define
class _Body:
    """Follow a body to its end; `over` is set when nothing of it is left, or too much."""

    _receive: ASGIReceiveCallable
    over: trio.Event = attrs.field(factory=trio.Event)

    async def receive(self) -> ASGIReceiveEvent:
        message = await self._receive()
        if message["type"] != "http.request" or not message["more_body"]:
            self.over.set()
        return message

    async def drop(self) -> None:
        dropped = 0
        while (message := await self.receive())["type"] == "http.request":
            dropped += len(message["body"])
            if dropped > UNREAD_BODY_BYTES:
                self.over.set()
