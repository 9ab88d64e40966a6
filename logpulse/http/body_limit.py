"""The bound of a request body, in bytes and in time."""

from __future__ import annotations

from typing import Final

import attrs
import trio
from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPDisconnectEvent,
    Scope,
)

from logpulse.errors import BodyTooLargeError, LimitExceededError
from logpulse.http.refusal import Refusal
from logpulse.http.unread_body import announces_body

_SETTING: Final = "ingest.max_body_bytes"
_ADVICE: Final = "send it in parts"
_CLIENT_LEFT: Final[HTTPDisconnectEvent] = {"type": "http.disconnect"}


@attrs.frozen
class BodyLimit:
    """Refuse a body of more than `body_bytes` with 413; with 408 one `body_seconds` late or pausing `pause_seconds`.

    A declared length is judged before the application runs. Otherwise bytes are counted on their way to it: once they
    are too many, the application is told that its client has left, so that its handler ends, and then the refusal is
    sent in its place; if its own answer has begun, the connection is cut instead. No further byte reaches the
    application, whatever it does, so what it buffers is bounded too.
    """

    app: ASGIFramework
    body_bytes: int
    body_seconds: float
    pause_seconds: float

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one ASGI scope; only an HTTP request that announces a body is looked at."""
        if scope["type"] != "http" or not announces_body(scope["headers"]):
            await self.app(scope, receive, send)
            return
        declared = int(dict(scope["headers"]).get(b"content-length", 0))
        if declared > self.body_bytes:
            await _too_large(self.body_bytes, declared).answer(scope, receive, send)
            return
        body = _MeteredBody(receive, self.body_bytes, self.body_seconds, self.pause_seconds)
        answer_begun = False

        async def send_and_note(message: ASGISendEvent) -> None:
            nonlocal answer_begun
            answer_begun = True
            await send(message)

        await self.app(scope, body.receive, send_and_note)
        if body.refusal is not None and not answer_begun:
            await body.refusal.answer(scope, receive, send)


@attrs.define
class _MeteredBody:
    """Count a body's bytes and the time spent waiting for them; the application's own time is not the client's."""

    _receive: ASGIReceiveCallable
    _most_bytes: int
    _most_seconds: float
    _longest_pause: float
    _bytes: int = 0
    _waited: float = 0
    _complete: bool = False
    refusal: Refusal | None = None

    async def receive(self) -> ASGIReceiveEvent:
        """Give the application its next message, or, past a limit, the news that its client has left.

        Cancellation loses no message.
        """
        if self.refusal is not None:
            await trio.lowlevel.checkpoint()
            return _CLIENT_LEFT
        if self._complete:
            return await self._receive()
        began, left = trio.current_time(), self._most_seconds - self._waited
        with trio.move_on_after(min(left, self._longest_pause)) as patience:
            message = await self._receive()
        self._waited += trio.current_time() - began
        if patience.cancelled_caught:
            is_pause = self._longest_pause < left
            self.refusal = _stalled(self._longest_pause) if is_pause else _too_slow(self._most_seconds, self._bytes)
            return _CLIENT_LEFT
        if message["type"] == "http.request":
            self._bytes += len(message["body"])
            self._complete = not message["more_body"]
            if self._bytes > self._most_bytes:
                self.refusal = _too_large(self._most_bytes, f"{self._bytes} and more")
                return _CLIENT_LEFT
        return message


def _too_large(most: int, sent: int | str) -> Refusal:
    return Refusal.of(413, BodyTooLargeError("the size of a request body in bytes", most, sent, _SETTING, _ADVICE))


def _stalled(most: float) -> Refusal:
    return Refusal.of(408, LimitExceededError("a pause within a request body", f"{most:g} seconds", "a longer one"))


def _too_slow(most: float, received: int) -> Refusal:
    sent = f"{received} bytes in that time"
    return Refusal.of(408, LimitExceededError("the wait for a request body", f"{most:g} seconds", sent, advice=_ADVICE))
