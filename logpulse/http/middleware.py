"""The ASGI middleware between Hypercorn and the application: what holds for every request, whatever its route."""

from __future__ import annotations

import logging
from typing import Final

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

from logpulse.http.body_limit import BodyLimit
from logpulse.http.request_bounds import RequestBounds
from logpulse.http.unread_body import UnreadBody
from logpulse.limits import BODY_PAUSE_SECONDS, BODY_SECONDS

_LOG: Final = logging.getLogger("logpulse.http")
_CLOSE: Final = (b"connection", b"close")


def harden(app: ASGIFramework, *, body_bytes: int, stopping: trio.Event) -> ASGIFramework:
    """Wrap `app` so that no client can hurt it and no disconnect troubles it.

    From the outside in: an answer that does not wait for the body outlives it (`UnreadBody`), and ends the connection
    once `stopping` is set (`ClosedWhenStopping`); the head of a request is bounded (`RequestBounds`), and its body by
    `body_bytes`, BODY_SECONDS and BODY_PAUSE_SECONDS (`BodyLimit`); the end of the application's answer cannot be
    cancelled (`FinishShielded`), and what it says or raises after its client has left is dropped (`QuietDeparture`).
    """
    forgiving = FinishShielded(QuietDeparture(app))
    bounded = RequestBounds(BodyLimit(forgiving, body_bytes, BODY_SECONDS, BODY_PAUSE_SECONDS))
    return UnreadBody(ClosedWhenStopping(bounded, stopping))


@attrs.frozen
class FinishShielded:
    """Let the end of an answer complete although the application is cancelled meanwhile.

    The last message makes Hypercorn queue a disconnect; quart-trio answers it by cancelling its nursery, and with that
    the rest of this very send, which would have readied the connection for its next request. Without this guard,
    connections never become idle and every shutdown waits for its whole grace period. A body in the last message goes
    ahead unshielded, so that what is shielded is short: `guarded_hypercorn` bounds it.
    """

    app: ASGIFramework

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""

        async def send_shielded(message: ASGISendEvent) -> None:
            if message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            if message.get("body", b""):
                await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            with trio.CancelScope(shield=True):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app(scope, receive, send_shielded)


@attrs.frozen
class ClosedWhenStopping:
    """Announce `Connection: close` in every answer once the server stops, so that no client sends another request."""

    app: ASGIFramework
    stopping: trio.Event

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope."""

        async def send_closing(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start" and self.stopping.is_set():
                message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        await self.app(scope, receive, send_closing)


@attrs.frozen
class QuietDeparture:
    """Let an application end in peace once its client has left, or once it has itself closed its WebSocket.

    What it still sends is dropped: Hypercorn would raise on it, as another task of the application may not know yet.
    What it raises after the client left is logged for debugging only: it is about the client, not about the server.
    """

    app: ASGIFramework

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope; lifespan passes unseen."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        talk = _Talk(receive, send)
        try:
            await self.app(scope, talk.receive, talk.send)
        except Exception:
            if not talk.client_left:
                raise
            _LOG.debug("the application failed after its client had left", exc_info=True)


@attrs.define
class _Talk:
    """Remember whether a conversation with a client is over, and which side ended it."""

    _receive: ASGIReceiveCallable
    _send: ASGISendCallable
    client_left: bool = False
    _ended: bool = False

    async def receive(self) -> ASGIReceiveEvent:
        message = await self._receive()
        if message["type"] in {"http.disconnect", "websocket.disconnect"} and not self._ended:
            self.client_left = self._ended = True
        return message

    async def send(self, message: ASGISendEvent) -> None:
        if self._ended:
            await trio.lowlevel.checkpoint()
            return
        self._ended = _is_last(message)
        await self._send(message)


def _is_last(message: ASGISendEvent) -> bool:
    if message["type"] in {"http.response.body", "websocket.http.response.body"}:
        return not message.get("more_body", False)
    return message["type"] == "websocket.close"
