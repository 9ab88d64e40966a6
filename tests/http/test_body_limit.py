"""Bodies that are too large or too slow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import attrs
import msgspec
import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart import request
from quart_trio import QuartTrio

from logpulse.http import middleware, unread_body
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.http.middleware import harden

from .harness import PATIENCE, Answer, bare, connected, serving

LIMIT = 256 * 1024
CHUNKED = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%s\r\n" % (16 * 1024, bytes(16 * 1024))


def sized(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % length


@attrs.define(eq=False)
class Collector:
    """Collect a body, as an application does that trusts its server, and answer with its size."""

    begun: int = 0
    body: bytearray = attrs.field(factory=bytearray)
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.begun += 1
        try:
            while (message := await receive())["type"] == "http.request":
                self.body += message["body"]
                if not message["more_body"]:
                    break
        finally:
            self.ended.set()
        size = str(len(self.body)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(size))]})
        await send({"type": "http.response.body", "body": size, "more_body": False})


def hardened(app: ASGIFramework) -> ASGIFramework:
    return harden(app, body_bytes=LIMIT, stopping=trio.Event())


def assert_too_large(answer: Answer, sent: int | str) -> None:
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = msgspec.json.decode(answer.body)
    assert body.pop("error").endswith(
        f"is limited to {LIMIT}, got {sent}; send it in parts, or raise ingest.max_body_bytes to allow more"
    )
    assert body == {"limit": "the size of a request body in bytes", "value": LIMIT, "sent": sent}


def assert_too_large_while_it_arrived(answer: Answer) -> None:
    """Check the refusal of a body whose last chunk came whole or in part, as the network cut it."""
    received = int(answer.body.partition(b", got ")[2].partition(b" ")[0])
    assert LIMIT < received <= LIMIT + 16 * 1024
    assert_too_large(answer, f"{received} and more")


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.mark.parametrize("chunks", [0, 1, 16])
async def test_a_body_within_the_limit_arrives(chunks: int, collector: Collector) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(CHUNKED + chunks * CHUNK + b"0\r\n\r\n")
        answer = await client.answer()
    assert (answer.status, answer.body) == (200, b"%d" % (chunks * 16 * 1024))


async def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_read(collector: Collector) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(sized(LIMIT + 1))
        assert_too_large(await client.answer(), LIMIT + 1)
    assert collector.begun == 0


async def test_a_client_that_expects_to_be_refused_sends_nothing(collector: Collector) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(sized(LIMIT + 1).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        answer = await client.answer()
        assert answer.early == ()
        assert_too_large(answer, LIMIT + 1)


async def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 60)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(CHUNKED + 17 * CHUNK)
        await trio.testing.wait_all_tasks_blocked()  # the rest of the body is being waited for
        running_clock.jump(60)
        assert_too_large_while_it_arrived(await client.answer())
        await client.closed()
    assert collector.ended.is_set()
    assert len(collector.body) <= LIMIT


def collecting() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.post("/")
    async def collect() -> str:
        return str(len(await request.get_data()))

    return app


def iterating() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.post("/")
    async def collect() -> str:
        return str(sum([len(part) async for part in request.body]))

    return app


@pytest.mark.parametrize("make_app", [collecting, iterating])
async def test_a_handler_that_trusts_quart_is_bounded_too(
    make_app: Callable[[], QuartTrio], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 60)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(make_app()), guard=guard) as server, connected(server) as client:
        await client.send(CHUNKED + 16 * CHUNK + b"0\r\n\r\n")
        assert (await client.answer()).body == b"%d" % LIMIT
        await client.send(CHUNKED + 17 * CHUNK + b"0\r\n\r\n")
        assert_too_large_while_it_arrived(await client.answer())
        await trio.testing.wait_all_tasks_blocked()  # a server that is ended by force waits for the rest of a body


async def test_quart_alone_has_no_bound_for_a_handler_that_iterates() -> None:
    app = iterating()
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    async with serving(app) as server, connected(server) as client:
        await client.send(CHUNKED)
        for _ in range(100):
            await client.send(CHUNK)
            await trio.testing.wait_all_tasks_blocked()
        await client.send(b"0\r\n\r\n")
        assert (await client.answer()).body == b"%d" % (100 * 16 * 1024)


async def test_an_answer_that_has_begun_is_cut_off_with_its_body(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    @bare
    async def echo(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await collector(scope, receive, send)

    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(echo), guard=guard) as server, connected(server) as client:
        with suppress(trio.BrokenResourceError):  # it may be cut off before its last chunk is sent whole
            await client.send(CHUNKED + 17 * CHUNK)
        with pytest.raises(ConnectionError):
            await client.answer()
        await server.stopped(within=PATIENCE)
    assert len(collector.body) <= LIMIT
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_body_that_does_not_come_is_refused(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 60)
    monkeypatch.setattr(middleware, "BODY_PAUSE_SECONDS", 600)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(sized(10) + b"half")
        await trio.testing.wait_all_tasks_blocked()
        running_clock.jump(60)
        answer = await client.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert "limited to 60 seconds, got 4 bytes in that time" in msgspec.json.decode(answer.body)["error"]
    assert collector.ended.is_set()


async def test_a_body_that_pauses_for_long_is_refused(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 600)
    monkeypatch.setattr(middleware, "BODY_PAUSE_SECONDS", 60)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(bare(collector)), guard=guard) as server, connected(server) as client:
        await client.send(sized(5))
        for _ in range(4):  # slow, but alive
            await trio.testing.wait_all_tasks_blocked()
            running_clock.jump(40)
            await client.send(b"x")
        await trio.testing.wait_all_tasks_blocked()
        running_clock.jump(60)
        answer = await client.answer()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert "a pause within a request body is limited to 60 seconds" in msgspec.json.decode(answer.body)["error"]
    assert collector.ended.is_set()
    assert collector.body == b"xxxx"


async def test_the_time_of_the_application_is_not_the_clients(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    begun, released = trio.Event(), trio.Event()

    @bare
    async def hesitate(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        begun.set()
        await released.wait()
        await collector(scope, receive, send)

    monkeypatch.setattr(middleware, "BODY_SECONDS", 60)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(hesitate), guard=guard) as server, connected(server) as client:
        await client.send(sized(4) + b"body")
        await begun.wait()
        running_clock.jump(600)
        released.set()
        assert (await client.answer()).status == 200


async def test_an_answer_may_take_longer_than_its_body(
    monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    begun, released = trio.Event(), trio.Event()
    app = QuartTrio(__name__)
    app.config["RESPONSE_TIMEOUT"] = None

    @app.post("/")
    async def ponder() -> str:
        await request.get_data()
        begun.set()
        await released.wait()
        return "done"

    monkeypatch.setattr(middleware, "BODY_SECONDS", 60)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(app), guard=guard) as server, connected(server) as client:
        await client.send(sized(4) + b"body")
        await begun.wait()
        running_clock.jump(600)
        released.set()
        assert (await client.answer()).body == b"done"
