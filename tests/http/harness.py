"""Serve an ASGI application over real sockets, and talk to it byte by byte."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import attrs
import h11
import trio
from hypercorn.trio import serve
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from trio_websocket import WebSocketConnection, wrap_client_stream

from logpulse.http.listener import hypercorn_config, open_listener

PATIENCE = 15.0
"""Seconds after which a test gives up on something that should have happened at once, however busy the machine.

Less than what the guards save a shutdown from: a ping interval of 20 s, a grace of 60 s.
"""

SMALL_BUFFER = 4096
"""Bytes of kernel buffers, so that a peer that does not read is felt after little data."""

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
"""The plainest request."""

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
"""The head of a WebSocket request, open for more headers."""


@attrs.define(eq=False)
class Server:
    """A server under test: stop it by `stopping`; `ended` tells that it is over, `error` why if it was not asked to."""

    port: int
    stopping: trio.Event
    ended: trio.Event = attrs.field(factory=trio.Event)
    error: ExceptionGroup[Exception] | None = None

    async def serves(self) -> None:
        """Check that it answers a new client."""
        async with connected(self) as client:
            await client.send(GET)
            assert (await client.answer()).status == 200

    async def stopped(self, *, within: float) -> None:
        """Stop it and wait for its end, which must come `within` seconds."""
        with trio.fail_after(within):
            self.stopping.set()
            await self.ended.wait()


def bare(app: ASGIFramework) -> ASGIFramework:
    """Give an application without a framework the lifespan that Hypercorn waits for."""

    async def with_lifespan(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    return with_lifespan


@bare
async def greet(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer every request, and refuse every WebSocket."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})
    else:
        await send({"type": "websocket.close", "code": 1000, "reason": None})


@asynccontextmanager
async def serving(
    app: ASGIFramework,
    *,
    guard: AbstractContextManager[None] | None = None,
    stopping: trio.Event | None = None,
    **settings: float,
) -> AsyncIterator[Server]:
    """Serve `app` on a free port, with our listener and configuration; without a `guard` on the stock Hypercorn.

    `settings` replace single settings of Hypercorn's configuration.
    """
    listener = open_listener("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
    server = Server(listener.getsockname()[1], trio.Event() if stopping is None else stopping)
    config = hypercorn_config(listener)
    for name, value in settings.items():
        setattr(config, name, value)

    started = False

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        try:
            await serve(app, config, shutdown_trigger=server.stopping.wait, task_status=task_status)
        except* Exception as group:
            if not started:
                raise
            server.error = group
        server.ended.set()

    with guard or nullcontext():
        async with trio.open_nursery() as nursery:
            await nursery.start(run)
            started = True
            yield server
            nursery.cancel_scope.cancel()


@attrs.frozen
class Answer:
    """One HTTP answer: the statuses that came before it, its own, its headers by lower-case name, its body."""

    early: tuple[int, ...]
    status: int
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class Client:
    """One raw connection to a server."""

    stream: trio.SocketStream
    _unread: bytes = b""

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        await self.stream.send_eof()

    async def close(self) -> None:
        """Leave."""
        await self.stream.aclose()

    def reset(self) -> None:
        """Leave without a word: let the connection be reset when it is closed."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def receive(self) -> bytes:
        """Give the next bytes that are not part of an answer yet; nothing at the end, also after a reset."""
        try:
            return await self.stream.receive_some(SMALL_BUFFER)
        except trio.BrokenResourceError:
            return b""

    async def answer(self, method: str = "GET") -> Answer:
        """Read the next answer, to a request made with `method`; ConnectionError if the connection ends instead."""
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("host", "test")]))
        parser.send(h11.EndOfMessage())
        if self._unread:
            parser.receive_data(self._unread)
        early: list[int] = []
        head: h11.Response | None = None
        body = b""
        with trio.fail_after(PATIENCE):
            while True:
                try:
                    event = parser.next_event()
                except h11.RemoteProtocolError as error:
                    raise ConnectionError(str(error)) from error
                if event is h11.NEED_DATA:
                    parser.receive_data(await self.receive())
                elif isinstance(event, h11.InformationalResponse):
                    early.append(event.status_code)
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage) and head is not None:
                    break
                else:
                    raise ConnectionError(f"the server closed the connection ({event})")
        self._unread = parser.trailing_data[0]
        headers = {name.decode(): value.decode() for name, value in head.headers}
        return Answer(tuple(early), head.status_code, headers, body)

    async def until(self, mark: bytes) -> bytes:
        """Read up to `mark`, and give what came before it; ConnectionError if the connection ends instead."""
        with trio.fail_after(PATIENCE):
            while mark not in self._unread:
                data = await self.receive()
                if not data:
                    raise ConnectionError(f"the server closed the connection after {self._unread!r}")
                self._unread += data
        said, _, self._unread = self._unread.partition(mark)
        return said

    async def head(self) -> bytes:
        """Read up to the next empty line: the head of an answer, whatever follows it."""
        return await self.until(b"\r\n\r\n")

    async def closed(self, *, within: float = PATIENCE) -> bytes:
        """Wait for the server to close, which must happen `within` seconds, and give what it said before."""
        said = self._unread
        with trio.fail_after(within):
            while data := await self.receive():
                said += data
        return said


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Client]:
    """Connect to `server` with small buffers."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        plain.connect(("127.0.0.1", server.port))
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(plain))
        async with stream:
            yield Client(stream)


@asynccontextmanager
async def websocket(server: Server) -> AsyncIterator[WebSocketConnection]:
    """Open a WebSocket to `server`; trio-websocket leaves the socket open when the server closes, so it is ours."""
    async with connected(server) as client, trio.open_nursery() as nursery:
        yield await wrap_client_stream(nursery, client.stream, "test", "/")
        nursery.cancel_scope.cancel()
