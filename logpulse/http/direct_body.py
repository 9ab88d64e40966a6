"""Request bodies past Quart, which copies each piece twice: a handler reads its body whole, and joins it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPRequestEvent,
    Scope,
    WWWScope,
)

from logpulse.http.unread_body import announces_body

_EXTENSION: Final = "logpulse.body"
_NO_BODY: Final[HTTPRequestEvent] = {"type": "http.request", "body": b"", "more_body": False}


@attrs.frozen
class DirectBody:
    """Keep the body of each POST for `read_body`, and drop that of any other request; Quart sees none.

    What nobody reads is dropped as it comes: only behind its end can the news arrive that the client has left.
    """

    app: ASGIFramework

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope; only an HTTP request that announces a body is looked at."""
        if scope["type"] != "http" or not announces_body(scope["headers"]):
            await self.app(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self.app(scope, _without_body(receive), send)
            return
        body = _Body(receive)
        scope["extensions"][_EXTENSION] = {"read": body.read}
        await self.app(scope, body.receive_rest, send)


def _without_body(receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    async def receive_rest() -> ASGIReceiveEvent:
        while (message := await receive())["type"] == "http.request":
            if not message["more_body"]:
                return _NO_BODY
        return message

    return receive_rest


async def read_body(scope: WWWScope, admit: Callable[[int], Awaitable[None]]) -> bytes:
    """Give the body of a request, once. Middleware further out bounds its size and its time.

    `admit` is awaited with the size of each piece before the piece is kept, and nothing more is received meanwhile;
    what it raises ends the reading. When the client leaves before the end of the body, this waits for the cancellation
    that Quart-Trio then brings.
    """
    extension = scope["extensions"].get(_EXTENSION)
    if extension is None:
        return b""
    body: bytes = await extension["read"](admit)
    return body


@attrs.define
class _Body:
    """Split what a server sends: the body for its reader, what comes after for Quart."""

    _receive: ASGIReceiveCallable
    _is_announced: bool = False
    _departure: ASGIReceiveEvent | None = None
    _over: trio.Event = attrs.field(factory=trio.Event)

    async def read(self, admit: Callable[[int], Awaitable[None]]) -> bytes:
        pieces = []
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self._departure = message
                self._over.set()
                await trio.sleep_forever()
            else:
                await admit(len(message["body"]))
                pieces.append(message["body"])
                if not message["more_body"]:
                    self._over.set()
                    return b"".join(pieces)

    async def receive_rest(self) -> ASGIReceiveEvent:
        if not self._is_announced:
            self._is_announced = True
            return _NO_BODY
        await self._over.wait()
        return self._departure or await self._receive()
