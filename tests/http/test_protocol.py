"""The guarded protocols: what a WebSocket peer may do, and applications that do not listen."""

from __future__ import annotations

import attrs
import msgspec
import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from trio_websocket import ConnectionClosed

from logpulse.http import protocol
from logpulse.http.connection import GuardedConnection
from logpulse.http.guard import EdgeCounters, guarded_hypercorn

from .harness import HANDSHAKE, PATIENCE, bare, connected, greet, serving, websocket


@pytest.fixture
def counters() -> EdgeCounters:
    return EdgeCounters()


# -- applications that do not listen ----------------------------------------------------------------------------------

FRAMES = 20 * b"\x82\x81\x00\x00\x00\x00x"
"""Masked binary frames of one byte, more than the queue of an application takes."""


@attrs.define(eq=False)
class Deaf:
    """Accept a WebSocket and stop listening once frames come in; then end, or go on until cancelled."""

    until: trio.Event
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        while (await receive())["type"] != "websocket.receive":
            pass
        await trio.testing.wait_all_tasks_blocked()
        try:
            await self.until.wait()
        finally:
            self.ended.set()


async def test_an_application_that_ends_without_listening_ends_its_connection(counters: EdgeCounters) -> None:
    app = Deaf(until=trio.Event())
    app.until.set()
    async with serving(bare(app), guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(FRAMES)
        await client.closed()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters()


async def test_a_stock_server_keeps_the_connection_of_an_application_that_ended_without_listening() -> None:
    app = Deaf(until=trio.Event())
    app.until.set()
    async with serving(bare(app)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(FRAMES)
        await app.ended.wait()
        with pytest.raises(trio.TooSlowError):
            await client.closed(within=0.5)


async def test_an_application_that_does_not_listen_is_cancelled_when_its_client_has_left(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "DISCONNECT_SECONDS", 0.1)
    app = Deaf(until=trio.Event())
    guard = guarded_hypercorn(counters)
    async with serving(bare(app), guard=guard, websocket_ping_interval=0.3) as server:
        async with connected(server) as client:
            await client.send(HANDSHAKE + b"\r\n")
            await client.head()
            await client.send(FRAMES)
        with trio.fail_after(PATIENCE):
            await app.ended.wait()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters(connection_errors=1)


@attrs.define(eq=False)
class Late:
    """Let a WebSocket wait for its handshake, and tell when the client's leaving is noticed."""

    begun: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.begun.set()
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended.set()


async def test_data_before_the_handshake_is_answered_ends_the_application(counters: EdgeCounters) -> None:
    app = Late()
    async with serving(bare(app), guard=guarded_hypercorn(counters)) as server:
        async with connected(server) as client:
            await client.send(HANDSHAKE + b"\r\n")
            await app.begun.wait()
            await client.send(FRAMES)
            answer = await client.answer()
            assert answer.status == 400
            assert "handshake" in msgspec.json.decode(answer.body)["error"]
        with trio.fail_after(PATIENCE):
            await app.ended.wait()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters(connection_errors=1)


async def test_an_application_is_told_of_data_before_its_answer_though_the_refusal_cannot_be_sent(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(connection: GuardedConnection, data: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        return False

    app = Late()
    async with serving(bare(app), guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await app.begun.wait()
        monkeypatch.setattr(GuardedConnection, "_write", fail)
        await client.send(FRAMES)
        with trio.fail_after(PATIENCE):
            await app.ended.wait()


async def test_data_before_the_handshake_is_refused_is_ignored(counters: EdgeCounters) -> None:
    begun, released = trio.Event(), trio.Event()

    @bare
    async def refuse_slowly(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        headers = [(b"content-length", b"4")]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"no", "more_body": True})
        begun.set()
        await released.wait()
        await send({"type": "websocket.http.response.body", "body": b"no", "more_body": False})

    async with serving(refuse_slowly, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await begun.wait()
        await client.send(FRAMES)
        await trio.testing.wait_all_tasks_blocked()
        released.set()
        answer = await client.answer()
        assert (answer.status, answer.body) == (403, b"nono")
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters()


async def test_a_stock_server_forgets_an_application_over_data_before_the_handshake() -> None:
    app = Late()
    async with serving(bare(app)) as server:
        async with connected(server) as client:
            await client.send(HANDSHAKE + b"\r\n")
            await app.begun.wait()
            await client.send(FRAMES)
            assert (await client.answer()).status == 400
        with pytest.raises(trio.TooSlowError), trio.fail_after(0.3):
            await app.ended.wait()


async def test_a_handshake_of_another_version_is_told_ours(counters: EdgeCounters) -> None:
    async with serving(bare(Late()), guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE.replace(b": 13", b": 12") + b"\r\n")
        answer = await client.answer()
        assert (answer.status, answer.headers["sec-websocket-version"]) == (426, "13")
        assert msgspec.json.decode(answer.body) == {"error": "Sec-WebSocket-Version: must be 13"}
        await client.closed()
    assert counters == EdgeCounters()


async def test_a_stock_server_refuses_another_version_without_a_word_and_waits() -> None:
    async with serving(bare(Late())) as server, connected(server) as client:
        await client.send(HANDSHAKE.replace(b": 13", b": 12") + b"\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body) == (400, b"")
        assert "sec-websocket-version" not in answer.headers
        with pytest.raises(trio.TooSlowError):
            await client.closed(within=0.3)


# -- WebSocket messages -----------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Listener:
    """Accept a WebSocket and listen until told that the client left."""

    said: list[str] = attrs.field(factory=list)
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                self.said.append(message["text"] or "")
        self.ended.set()


async def test_a_message_over_the_limit_ends_the_connection_with_1009(counters: EdgeCounters) -> None:
    app = Listener()
    guard = guarded_hypercorn(counters)
    async with serving(bare(app), guard=guard, websocket_max_message_size=100) as server, websocket(server) as client:
        await client.send_message(100 * "x")
        await client.send_message(101 * "x")
        with pytest.raises(ConnectionClosed) as closed:
            await client.get_message()
        assert closed.value.reason is not None
        assert closed.value.reason.code == 1009
        with trio.fail_after(PATIENCE):
            await app.ended.wait()
    assert app.said == [100 * "x"]


async def test_a_client_that_goes_on_after_1009_is_not_waited_for(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.1)
    app = Listener()
    guard = guarded_hypercorn(counters)
    async with serving(bare(app), guard=guard, websocket_max_message_size=100) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(2 * (b"\x81\xe5\x00\x00\x00\x00" + 101 * b"x"))
        assert await client.closed() == b"\x88\x02\x03\xf1"
        with trio.fail_after(PATIENCE):
            await app.ended.wait()
    assert app.said == []
    assert counters == EdgeCounters()


async def test_a_stock_server_keeps_the_connection_after_a_message_over_the_limit() -> None:
    app = Listener()
    async with serving(bare(app), websocket_max_message_size=100) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(b"\x81\xe5\x00\x00\x00\x00" + 101 * b"x")
        with pytest.raises(trio.TooSlowError):
            await client.closed(within=0.3)


@bare
async def welcome(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Accept a WebSocket, say one word, close it."""
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.send", "bytes": None, "text": "welcome"})
    await send({"type": "websocket.close", "code": 1000, "reason": None})


async def test_a_websocket_that_was_closed_does_not_delay_a_shutdown(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.1)
    guard = guarded_hypercorn(counters)
    async with serving(welcome, guard=guard, graceful_timeout=60) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        assert b"welcome" in await client.closed()
        await server.stopped(within=PATIENCE)


async def test_a_stock_server_waits_for_the_next_ping_to_a_closed_websocket() -> None:
    async with serving(welcome, graceful_timeout=0.5) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        assert b"welcome" in await client.closed()
        with pytest.raises(trio.TooSlowError):
            await server.stopped(within=0.3)


async def test_the_first_ping_is_sent_after_one_interval(
    counters: EdgeCounters, running_clock: trio.testing.MockClock
) -> None:
    app = Listener()
    guard = guarded_hypercorn(counters)
    async with serving(bare(app), guard=guard, websocket_ping_interval=60) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        with trio.move_on_after(0.05):
            assert not await client.receive()
        running_clock.jump(60)
        with trio.fail_after(PATIENCE):
            assert await client.receive() == b"\x89\x00"


async def test_a_stock_server_sends_the_first_ping_at_once() -> None:
    async with serving(bare(Listener())) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        with trio.fail_after(PATIENCE):
            assert await client.receive() == b"\x89\x00"


@pytest.mark.parametrize("offer", [b"permessage-deflate", b"\xff"])
async def test_compression_is_not_negotiated(offer: bytes, counters: EdgeCounters) -> None:
    async with serving(bare(Listener()), guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"Sec-WebSocket-Extensions: " + offer + b"\r\n\r\n")
        head = await client.head()
    assert head.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in head.lower()


async def test_a_stock_server_negotiates_compression() -> None:
    async with serving(bare(Listener())) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
        assert b"sec-websocket-extensions: permessage-deflate" in (await client.head()).lower()


# -- the closing handshake --------------------------------------------------------------------------------------------


async def test_a_close_waits_for_its_answer(counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 60)
    async with serving(welcome, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        assert await client.until(b"\x88\x02\x03\xe8") == b"\x81\x07welcome"
        with pytest.raises(trio.TooSlowError):
            await client.closed(within=0.1)
        await client.send(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
        await client.closed()


async def test_a_close_that_is_not_answered_is_not_waited_for(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.1)
    async with serving(welcome, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        assert b"welcome" in await client.closed()


@bare
async def tire(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Accept a WebSocket, take one message, and close it when more wait than the queue holds."""
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    while (await receive())["type"] != "websocket.receive":
        pass
    await trio.testing.wait_all_tasks_blocked()
    await send({"type": "websocket.close", "code": 1008, "reason": None})


async def test_the_answer_to_a_close_is_seen_behind_messages_that_nobody_reads(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 60)
    async with serving(tire, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(FRAMES)
        await client.until(b"\x88\x02\x03\xf0")
        await client.send(FRAMES + b"\x88\x82\x00\x00\x00\x00\x03\xf0")
        await client.closed()
    assert counters == EdgeCounters()


async def test_a_client_that_goes_on_after_a_close_is_not_waited_for(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.1)
    async with serving(tire, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.head()
        await client.send(FRAMES)
        await client.until(b"\x88\x02\x03\xf0")
        await client.send(FRAMES)
        await client.closed()
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters()


async def test_an_application_that_closes_is_still_told_that_its_client_left(counters: EdgeCounters) -> None:
    told = trio.Event()

    @bare
    async def linger(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await tire(scope, receive, send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        told.set()

    async with serving(linger, guard=guarded_hypercorn(counters)) as server:
        async with connected(server) as client:
            await client.send(HANDSHAKE + b"\r\n")
            await client.head()
            await client.send(FRAMES)
            await client.until(b"\x88\x02\x03\xf0")
            await client.send(b"\x88\x82\x00\x00\x00\x00\x03\xf0")
            await client.closed()
        with trio.fail_after(PATIENCE):
            await told.wait()
    assert counters == EdgeCounters()


async def test_a_stock_server_does_not_wait_for_the_answer_to_its_close() -> None:
    async with serving(welcome) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        assert b"welcome" in await client.closed()


# -- 100 Continue -----------------------------------------------------------------------------------------------------

EXPECTING = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"


@bare
async def echo(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer with the body."""
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def test_a_client_continues_when_the_application_asks_for_the_body(counters: EdgeCounters) -> None:
    async with serving(echo, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        for _ in range(2):
            await client.send(EXPECTING)
            assert (await client.head()).startswith(b"HTTP/1.1 100")
            await client.send(b"body")
            answer = await client.answer()
            assert (answer.early, answer.status, answer.body) == ((), 200, b"body")


async def test_a_client_that_does_not_wait_is_not_told_to_continue(counters: EdgeCounters) -> None:
    async with serving(echo, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(EXPECTING + b"body")
        answer = await client.answer()
        assert (answer.early, answer.status, answer.body) == ((), 200, b"body")


async def test_an_application_that_needs_no_body_answers_first(counters: EdgeCounters) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(EXPECTING)
        answer = await client.answer()
        assert (answer.early, answer.status) == ((), 200)


async def test_a_stock_server_says_continue_before_the_application_has_looked() -> None:
    async with serving(greet) as server, connected(server) as client:
        await client.send(EXPECTING)
        assert (await client.answer()).early == (100,)
