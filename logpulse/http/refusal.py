"""An answer given before the application's, or in its place."""

from __future__ import annotations

import attrs
import msgspec
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from logpulse.errors import LogPulseError
from logpulse.http.problems import problem_body


@attrs.frozen
class Refusal:
    """Refuse a request with an HTTP `status` and a `reason` for people; its connection ends with it."""

    status: int
    reason: str
    more_headers: tuple[tuple[bytes, bytes], ...] = ()
    more_fields: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, status: int, error: LogPulseError, more_headers: tuple[tuple[bytes, bytes], ...] = ()) -> Refusal:
        """Refuse a request because of `error`, with all that it carries."""
        fields = tuple((name, value) for name, value in problem_body(error).items() if name != "error")
        return cls(status, str(error), more_headers, fields)

    @property
    def body(self) -> bytes:
        """Give the answer's JSON text."""
        return msgspec.json.encode({"error": self.reason} | dict(self.more_fields))

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

        Where the server cannot answer a WebSocket with HTTP it is closed with 1008. Cancellation leaves the answer
        incomplete and the connection unusable.
        """
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": False})
            return
        await receive()  # the opening, which comes before any answer
        if scope["type"] == "websocket" and "websocket.http.response" in scope["extensions"]:
            await send({"type": "websocket.http.response.start", "status": self.status, "headers": self.headers})
            await send({"type": "websocket.http.response.body", "body": self.body, "more_body": False})
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": None})
