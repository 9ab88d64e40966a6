"""One WebSocket to a server that may be none."""

from __future__ import annotations

import socket

import pytest
import trio
from trio_websocket import WebSocketConnection

from logpulse.client import stream
from logpulse.client.address import ServerAddress
from logpulse.client.failure import (
    BadQueryError,
    ServerRefusedError,
    ServerUnreachableError,
    StreamEndedError,
    UnexpectedAnswerError,
)
from logpulse.client.stream import Headers, Listener, listen
from logpulse.client.wire import Place
from logpulse.errors import LogPulseError

from .fake_server import HANG_UP, Answer, FakeServer, Request, send_frame

QUERY = {"query": '{service="api"} |= "a&b"', "batch": "1"}


class Collector:
    """Keep what a connection brings."""

    def __init__(self) -> None:
        self.headers: Headers = {}
        self.messages: list[str | bytes] = []

    def listener(self) -> Listener:
        return Listener(self._opened, self.messages.append)

    def _opened(self, headers: Headers) -> None:
        self.headers = headers


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    server = FakeServer()
    server.address = await nursery.start(server.run)
    return server


async def test_messages_arrive_until_the_server_says_why_it_stops(server: FakeServer) -> None:
    async def speak(_: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        await send_frame(connection, {"type": "connected"})
        await connection.send_message("x" * 2_000_000)
        await connection.aclose(1013, "blocked for 15 s")

    server.stream_handler = speak
    collector = Collector()
    address = ServerAddress(server.address.url, "s3cret")
    with pytest.raises(StreamEndedError, match="1013: blocked for 15 s"):
        await listen(address, QUERY, collector.listener())
    assert collector.messages == ['{"type": "connected"}', "x" * 2_000_000]
    assert collector.headers["date"] == "Thu, 15 Jan 2026 10:30:00 GMT"
    (request,) = server.requests
    assert request.parameters == QUERY
    assert request.headers["x-api-key"] == "s3cret"
    assert request.headers["host"] == address.authority


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(401, {"error": "a valid API key is required"}), ServerRefusedError, "401: a valid API key is required"),
        (Answer(404, b""), ServerRefusedError, "404: Not Found"),
        (Answer(799, b""), ServerRefusedError, "799: no reason given"),
        (Answer(302, b"", (("location", "https://sso.example"),)), UnexpectedAnswerError, "instead of opening"),
        (HANG_UP, ServerUnreachableError, "without an answer"),
    ],
)
async def test_what_a_server_may_answer_to_the_handshake(
    server: FakeServer, answer: Answer, kind: type[LogPulseError], words: str
) -> None:
    server.scripted["/stream"].append(answer)
    with pytest.raises(kind, match=words):
        await listen(server.address, QUERY, Collector().listener())


async def test_a_refused_query_keeps_its_place(server: FakeServer) -> None:
    problem = {"error": "unexpected `}`", "position": {"offset": 3, "line": 1, "column": 4, "length": 1}}
    server.scripted["/stream"].append(Answer(400, problem))
    with pytest.raises(BadQueryError) as caught:
        await listen(server.address, QUERY, Collector().listener())
    assert (caught.value.query, caught.value.place) == (QUERY["query"], Place(3, 1))


async def test_a_busy_server_says_when_to_come_again(server: FakeServer) -> None:
    server.scripted["/stream"].append(Answer(503, {"error": "replaying"}, (("Retry-After", "9"),)))
    with pytest.raises(ServerRefusedError) as caught:
        await listen(server.address, QUERY, Collector().listener())
    assert caught.value.retry_after == 9


async def test_a_killed_server_is_noticed(server: FakeServer, nursery: trio.Nursery) -> None:
    async def cut() -> None:
        await server.wait_for(lambda: server.opened_streams == 1)
        server.cut_streams()

    nursery.start_soon(cut)
    with pytest.raises(StreamEndedError, match="the connection broke"):
        await listen(server.address, QUERY, Collector().listener())


async def test_silence_is_a_dead_connection(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "TAIL_SILENCE_SECONDS", 0.05)
    with pytest.raises(StreamEndedError, match="nothing came"):
        await listen(server.address, QUERY, Collector().listener())


async def _serve_bytes(nursery: trio.Nursery, answer: bytes) -> ServerAddress:
    async def handle(peer: trio.SocketStream) -> None:
        await peer.receive_some()
        await peer.send_all(answer)
        await peer.receive_some()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, [listener])
    return ServerAddress(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")


WRONG_TOKEN = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no\r\n\r\n"
)


@pytest.mark.parametrize("answer", [WRONG_TOKEN, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])
async def test_what_speaks_no_websocket(nursery: trio.Nursery, answer: bytes) -> None:
    with pytest.raises(UnexpectedAnswerError, match="WebSocket"):
        await listen(await _serve_bytes(nursery, answer), QUERY, Collector().listener())


async def test_a_server_that_never_answers_is_given_up(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CONNECT_SECONDS", 0.1)
    with pytest.raises(ServerUnreachableError, match="no answer within"):
        await listen(await _serve_bytes(nursery, b""), QUERY, Collector().listener())


async def test_a_server_without_tls_is_told_as_such(nursery: trio.Nursery) -> None:
    plain = await _serve_bytes(nursery, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    address = ServerAddress(plain.url.replace("http://", "https://"))
    with pytest.raises(ServerUnreachableError, match="no TLS"):
        await listen(address, QUERY, Collector().listener())


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but not listening
        address = ServerAddress(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ServerUnreachableError, match="connection refused"):
            await listen(address, QUERY, Collector().listener())


@pytest.mark.parametrize("error", [BrokenPipeError, KeyboardInterrupt])
async def test_errors_of_the_listener_come_through_a_closing_handshake_nobody_answers(
    server: FakeServer, error: type[BaseException]
) -> None:
    async def speak(_: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        await send_frame(connection, {"type": "connected"})
        await trio.sleep_forever()

    def fail(message: str | bytes) -> None:
        raise error

    server.stream_handler = speak
    caught: list[BaseException] = []
    try:
        await listen(server.address, QUERY, Listener(lambda headers: None, fail))
    except* error as group:
        caught.extend(group.exceptions)
    assert [type(one) for one in caught] == [error]


async def test_cancellation_ends_it(server: FakeServer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, server.address, QUERY, Collector().listener())
        await server.wait_for(lambda: server.opened_streams == 1)
        nursery.cancel_scope.cancel()
