"""What holds for every request, whatever its route."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart_trio import QuartTrio

from logpulse.http import protocol
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.http.middleware import ClosedWhenStopping, FinishShielded, QuietDeparture, harden
from logpulse.limits import HEADER_COUNT

from .harness import GET, HANDSHAKE, PATIENCE, Client, Server, bare, connected, greet, serving


def hardened(app: ASGIFramework, stopping: trio.Event | None = None) -> ASGIFramework:
    return harden(app, body_bytes=1000, stopping=trio.Event() if stopping is None else stopping)


@pytest.fixture
def quart() -> QuartTrio:
    app = QuartTrio(__name__)

    @app.get("/")
    async def index() -> str:
        return "ok"

    return app


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- connections become idle again ------------------------------------------------------------------------------------


KEEP_ALIVE_SECONDS = 60.0


@asynccontextmanager
async def idle(server: Server, count: int, clock: trio.testing.MockClock) -> AsyncIterator[list[Client]]:
    """Give `count` clients that have been answered and then silent for longer than the keep-alive."""
    async with AsyncExitStack() as open_connections:
        clients = [await open_connections.enter_async_context(connected(server)) for _ in range(count)]
        for client in clients:
            await client.send(GET)
        for client in clients:
            assert (await client.answer()).status == 200
        await trio.testing.wait_all_tasks_blocked()  # the server measures idleness from when it has sent
        clock.jump(KEEP_ALIVE_SECONDS + 1)
        yield clients


async def test_idle_connections_are_closed_in_time(quart: QuartTrio, running_clock: trio.testing.MockClock) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with (
        serving(hardened(quart), guard=guard, keep_alive_timeout=KEEP_ALIVE_SECONDS) as server,
        idle(server, 8, running_clock) as clients,
    ):
        for client in clients:
            assert await client.closed() == b""


async def test_quart_alone_never_closes_idle_connections(
    quart: QuartTrio, running_clock: trio.testing.MockClock
) -> None:
    async with (
        serving(quart, keep_alive_timeout=KEEP_ALIVE_SECONDS, graceful_timeout=0.1) as server,
        idle(server, 8, running_clock) as clients,
    ):
        for client in clients:
            with pytest.raises(trio.TooSlowError):
                await client.closed(within=0.1)


async def test_idle_connections_do_not_delay_a_shutdown(quart: QuartTrio) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(quart), guard=guard, graceful_timeout=60) as server, connected(server) as client:
        await client.send(GET)
        await client.answer()
        await server.stopped(within=PATIENCE)


async def test_idle_connections_delay_a_shutdown_of_quart_alone(quart: QuartTrio) -> None:
    async with serving(quart, graceful_timeout=1) as server, connected(server) as client:
        await client.send(GET)
        await client.answer()
        with pytest.raises(trio.TooSlowError):
            await server.stopped(within=0.5)


# -- shutdown ---------------------------------------------------------------------------------------------------------


async def test_an_answer_in_flight_is_finished_and_ends_its_connection(quart: QuartTrio) -> None:
    begun, released, stopping = trio.Event(), trio.Event(), trio.Event()

    @quart.get("/slow")
    async def slow() -> str:
        begun.set()
        await released.wait()
        return "done"

    app = hardened(quart, stopping)
    serving_slowly = serving(app, guard=guarded_hypercorn(EdgeCounters()), stopping=stopping, graceful_timeout=60)
    async with serving_slowly as server, connected(server) as client:
        await client.send(GET.replace(b"/ ", b"/slow "))
        await begun.wait()
        stopping.set()
        await trio.testing.wait_all_tasks_blocked()
        assert not server.ended.is_set()
        released.set()
        answer = await client.answer()
        assert (answer.status, answer.body, answer.headers["connection"]) == (200, b"done", "close")
        await server.stopped(within=PATIENCE)


async def test_a_connection_is_kept_until_the_server_stops() -> None:
    stopping = trio.Event()
    app = ClosedWhenStopping(greet, stopping)
    async with serving(app, guard=guarded_hypercorn(EdgeCounters())) as server, connected(server) as client:
        await client.send(GET)
        assert "connection" not in (await client.answer()).headers
        stopping.set()
        await client.send(GET)
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.closed() == b""


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [b"?", b"http://[::1"])
async def test_a_url_that_quart_cannot_take_is_refused(
    target: bytes, quart: QuartTrio, caplog: pytest.LogCaptureFixture
) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(quart), guard=guard) as server, connected(server) as client:
        await client.send(GET.replace(b" / ", b" " + target + b" "))
        answer = await client.answer()
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json; charset=utf-8")
    assert "URL: must be a path" in msgspec.json.decode(answer.body)["error"]
    assert problems(caplog) == []


@pytest.mark.parametrize("target", [b"?", b"http://[::1"])
async def test_quart_alone_fails_at_such_a_url(
    target: bytes, quart: QuartTrio, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(quart) as server, connected(server) as client:
        await client.send(GET.replace(b" / ", b" " + target + b" "))
        assert (await client.answer()).status == 500
    assert problems(caplog) == ["Error in ASGI Framework"]


async def test_a_websocket_is_refused_before_it_is_accepted(quart: QuartTrio) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(quart), guard=guard) as server, connected(server) as client:
        await client.send(HANDSHAKE + HEADER_COUNT * b"X: y\r\n" + b"\r\n")
        answer = await client.answer()
        assert answer.status == 431
        assert "the number of headers is limited" in msgspec.json.decode(answer.body)["error"]
        assert await client.closed() == b""


async def test_a_websocket_is_closed_where_it_cannot_be_answered() -> None:
    sent = []

    async def receive() -> object:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "websocket", "extensions": {}, "headers": [(b"host", b"a"), (b"host", b"b")]}
    await hardened(greet)(scope, receive, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": None}]


async def test_a_websocket_is_refused_by_quart_before_it_is_accepted(quart: QuartTrio) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(quart), guard=guard) as server, connected(server) as client:
        await client.send(HANDSHAKE.replace(b"/ ", b"/nowhere ") + b"\r\n")
        assert (await client.answer()).status == 404
        assert await client.closed() == b""


# -- a client that leaves ---------------------------------------------------------------------------------------------


def talkative(after: str) -> ASGIFramework:
    """Make an application that goes on talking `after` the given message, and then fails."""

    @bare
    async def talk(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        while (await receive())["type"] != after:
            pass
        if scope["type"] == "websocket":
            await send({"type": "websocket.send", "bytes": None, "text": "are you there?"})
            await send({"type": "websocket.close", "code": 1000, "reason": None})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"are you there?", "more_body": False})
        raise RuntimeError(f"after {after}")

    return talk


LEAVING = {"http.disconnect": GET, "websocket.disconnect": HANDSHAKE + b"\r\n"}


@pytest.mark.parametrize("message", LEAVING)
async def test_an_application_ends_quietly_after_its_client(message: str, caplog: pytest.LogCaptureFixture) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(QuietDeparture(talkative(message)), guard=guard) as server:
        async with connected(server) as client:
            await client.send(LEAVING[message])
            await trio.testing.wait_all_tasks_blocked(cushion=0.05)
        await server.stopped(within=PATIENCE)
    assert problems(caplog) == []


@pytest.mark.parametrize("message", LEAVING)
async def test_the_end_of_a_client_is_a_server_error_without_the_guard(
    message: str, caplog: pytest.LogCaptureFixture
) -> None:
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(talkative(message), guard=guard) as server:
        async with connected(server) as client:
            await client.send(LEAVING[message])
            await trio.testing.wait_all_tasks_blocked(cushion=0.05)
        await server.stopped(within=PATIENCE)
    assert problems(caplog) == ["Error in ASGI Framework"]


@bare
async def close_and_go_on(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Close a WebSocket, then send, as a task does that does not know that another one has closed it."""
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.close", "code": 1001, "reason": None})
    await send({"type": "websocket.send", "bytes": None, "text": "one more"})


async def test_what_is_sent_after_a_close_is_dropped(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.05)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(QuietDeparture(close_and_go_on), guard=guard) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        assert (await client.closed()).endswith(b"\x88\x02\x03\xe9")
    assert problems(caplog) == []


async def test_what_is_sent_after_a_close_is_an_error_without_the_guard(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_SECONDS", 0.05)
    guard = guarded_hypercorn(EdgeCounters())
    async with serving(close_and_go_on, guard=guard) as server, connected(server) as client:
        await client.send(HANDSHAKE + b"\r\n")
        await client.closed()
    assert problems(caplog) == ["Error in ASGI Framework"]


async def test_a_failure_before_the_client_leaves_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    @bare
    async def fail(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        raise RuntimeError

    guard = guarded_hypercorn(EdgeCounters())
    async with serving(hardened(fail), guard=guard) as server, connected(server) as client:
        await client.send(GET)
        assert (await client.answer()).status == 500
    assert problems(caplog) == ["Error in ASGI Framework"]


async def test_the_body_of_a_last_message_is_not_shielded() -> None:
    sent = []

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.body", "body": b"last", "more_body": False})

    async def send(message: object) -> None:
        sent.append(message)
        await trio.lowlevel.checkpoint()

    async def run(scope: object) -> None:
        await FinishShielded(app)(scope, send, send)  # type: ignore[arg-type]

    await run({"type": "http"})
    body, end = sent
    assert body == {"type": "http.response.body", "body": b"last", "more_body": True}
    assert end == {"type": "http.response.body", "body": b"", "more_body": False}
    with trio.CancelScope() as cancelled:
        cancelled.cancel()
        await run({"type": "http"})
    assert sent[2:] == [body]
