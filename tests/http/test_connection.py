"""The guarded connection: peers that do not read, and what is left of a connection when it is over."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from logpulse.http import connection
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.limits import GRACEFUL_SECONDS, SEND_SECONDS, SHUTDOWN_SECONDS

from .harness import GET, HANDSHAKE, PATIENCE, Server, bare, connected, greet, serving


@pytest.fixture
def counters() -> EdgeCounters:
    return EdgeCounters()


# -- a peer that does not read ----------------------------------------------------------------------------------------


def test_an_answer_cut_off_at_the_end_of_the_grace_is_over_before_the_process_is_ended_by_force() -> None:
    assert GRACEFUL_SECONDS + SEND_SECONDS + 5 <= SHUTDOWN_SECONDS


MANY = 10_000
"""More messages than any buffer holds; not endless, as nothing cancels a task that never waits."""


@attrs.define(eq=False)
class Firehose:
    """Send by HTTP or WebSocket until told that the client has left; then `ended`."""

    message: bytes = bytes(64 * 1024)
    sent: int = 0
    told: bool = False
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, receive, nursery.cancel_scope)
                if scope["type"] == "http":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    for _ in range(MANY):
                        await send({"type": "http.response.body", "body": self.message, "more_body": True})
                        self.sent += 1
                await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
                for _ in range(MANY):
                    await send({"type": "websocket.send", "bytes": self.message, "text": None})
                    self.sent += 1
        finally:
            self.ended.set()

    async def _listen(self, receive: ASGIReceiveCallable, sending: trio.CancelScope) -> None:
        while (await receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
            pass
        self.told = True
        sending.cancel()


STALLED = {"download": GET, "WebSocket": HANDSHAKE + b"\r\n"}


@pytest.mark.parametrize("request_", STALLED.values(), ids=STALLED)
async def test_a_peer_that_does_not_read_is_cut_off(request_: bytes, counters: EdgeCounters) -> None:
    app = Firehose()
    async with serving(bare(app), guard=guarded_hypercorn(counters, send_seconds=0.2)) as server:
        async with connected(server) as client:
            await client.send(request_)
            with trio.fail_after(PATIENCE):
                await app.ended.wait()
        assert app.told
        assert app.sent < MANY
        assert counters == EdgeCounters(send_deadlines=1)


@pytest.mark.parametrize("request_", STALLED.values(), ids=STALLED)
async def test_a_peer_that_does_not_read_delays_a_shutdown_by_one_deadline(
    request_: bytes, counters: EdgeCounters, running_clock: trio.testing.MockClock
) -> None:
    app = Firehose()
    guard = guarded_hypercorn(counters, send_seconds=60)
    async with serving(bare(app), guard=guard, graceful_timeout=600) as server, connected(server) as client:
        await client.send(request_)
        assert await client.head()
        server.stopping.set()
        await trio.testing.wait_all_tasks_blocked()
        assert not server.ended.is_set()
        running_clock.jump(60)
        await server.stopped(within=PATIENCE)


@pytest.mark.parametrize("request_", STALLED.values(), ids=STALLED)
async def test_a_peer_that_does_not_read_holds_a_stock_server(request_: bytes) -> None:
    app = Firehose()
    async with serving(bare(app), graceful_timeout=0.1) as server, connected(server) as client:
        await client.send(request_)
        assert await client.head()
        with pytest.raises(trio.TooSlowError):
            await server.stopped(within=0.4)
        await client.close()


async def test_a_slow_reader_is_not_cut_off(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch, running_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(connection, "SEND_PIECE_BYTES", 4096)
    body = bytes(320 * 1024)
    seconds_a_byte = 4 * 60 / len(body)

    @bare
    async def download(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    received = 0
    guard = guarded_hypercorn(counters, send_seconds=60)
    async with serving(download, guard=guard) as server, connected(server) as client:
        await client.send(GET.replace(b"1.1", b"1.0"))
        await client.head()
        while data := await client.receive():
            received += len(data)
            running_clock.jump(len(data) * seconds_a_byte)
    assert received == len(body)
    assert counters == EdgeCounters()


async def test_a_cancelled_write_to_a_slow_reader_ends_with_its_deadline(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SEND_PIECE_BYTES", 4096)
    ended, sending = trio.Event(), trio.CancelScope()

    @bare
    async def give_up(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with sending:
            await send({"type": "http.response.body", "body": bytes(64 * 1024 * 1024), "more_body": True})
        ended.set()

    guard = guarded_hypercorn(counters, send_seconds=0.3)
    async with serving(give_up, guard=guard) as server, connected(server) as client:
        await client.send(GET)
        await client.head()
        assert await client.receive()
        sending.cancel()
        with trio.fail_after(PATIENCE):
            while not ended.is_set():
                await client.receive()
                await trio.sleep(0.005)
    assert counters == EdgeCounters(send_deadlines=1)


@attrs.define(eq=False)
class Talker:
    """Talk before listening, so that the queue of what it has not heard is full; `told` when it hears of the end."""

    may_talk: trio.Event = attrs.field(factory=trio.Event)
    told: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await self.may_talk.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.told.set()


async def test_an_application_that_listens_late_is_told_all_the_same(counters: EdgeCounters) -> None:
    app = Talker()
    async with serving(bare(app), guard=guarded_hypercorn(counters), max_app_queue_size=1) as server:
        async with connected(server) as client:
            await client.send(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\nhalf")
            await trio.testing.wait_all_tasks_blocked(cushion=0.05)
            client.reset()
        await trio.testing.wait_all_tasks_blocked(cushion=0.05)
        app.may_talk.set()
        with trio.fail_after(PATIENCE):
            await app.told.wait()
    assert counters == EdgeCounters()


async def test_an_answer_that_meets_the_end_of_its_connection_is_dropped(
    counters: EdgeCounters, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released = trio.Event(), trio.Event()

    @bare
    async def answer_late(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        begun.set()
        await released.wait()
        await greet(scope, receive, send)

    async def meet_the_end(stream: trio.SocketStream, data: bytes) -> None:
        raise trio.BusyResourceError("another task is currently sending data on this SocketStream")

    async with serving(answer_late, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        await client.send(GET)
        await begun.wait()
        monkeypatch.setattr(trio.SocketStream, "send_all", meet_the_end)
        released.set()
        assert await client.closed() == b""
        await server.stopped(within=PATIENCE)
    assert counters == EdgeCounters()
    assert [record for record in caplog.records if record.exc_info] == []


# -- what is left behind ----------------------------------------------------------------------------------------------


async def tasks_living() -> int:
    await trio.testing.wait_all_tasks_blocked(cushion=0.01)
    return trio.lowlevel.current_statistics().tasks_living


async def test_nothing_is_left_of_a_client_that_came_and_went(counters: EdgeCounters) -> None:
    async with serving(greet, guard=guarded_hypercorn(counters)) as server:
        before = await tasks_living()
        async with connected(server) as client:
            await client.send(GET)
            await client.answer()
            assert await tasks_living() > before
        with trio.fail_after(PATIENCE):
            while await tasks_living() > before:
                pass


async def test_an_answer_to_a_client_that_left_starts_no_idle_time(counters: EdgeCounters) -> None:
    app = Held()
    async with serving(bare(app), guard=guarded_hypercorn(counters)) as server:
        before = await tasks_living()
        async with connected(server) as client:
            await client.send(GET)
            await app.begun.wait()
            client.reset()
        await tasks_living()
        app.released.set()
        with trio.fail_after(PATIENCE):
            while await tasks_living() > before:
                pass


async def test_a_stock_server_keeps_a_client_that_left_until_its_idle_time_is_over() -> None:
    async with serving(greet) as server:
        before = await tasks_living()
        async with connected(server) as client:
            await client.send(GET)
            await client.answer()
            assert await tasks_living() > before
        await trio.sleep(0.2)
        assert await tasks_living() > before


@attrs.define(eq=False)
class Held:
    """Answer a request once it is released."""

    begun: trio.Event = attrs.field(factory=trio.Event)
    released: trio.Event = attrs.field(factory=trio.Event)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.begun.set()
        await self.released.wait()
        await greet(scope, receive, send)

    async def stopped_between_two_requests(self, server: Server, *, within: float) -> None:
        """Stop `server` while it answers the first of two requests that came in one piece."""
        async with connected(server) as client:
            await client.send(2 * GET)
            await self.begun.wait()
            server.stopping.set()
            await trio.testing.wait_all_tasks_blocked()
            self.released.set()
            assert (await client.answer()).status == 200
            await server.stopped(within=within)


async def test_a_request_that_came_too_late_does_not_delay_a_shutdown(counters: EdgeCounters) -> None:
    app = Held()
    async with serving(bare(app), guard=guarded_hypercorn(counters), graceful_timeout=60) as server:
        await app.stopped_between_two_requests(server, within=PATIENCE)


async def test_a_stock_server_waits_for_a_request_that_it_will_not_serve() -> None:
    app = Held()
    async with serving(bare(app), graceful_timeout=1) as server:
        with pytest.raises(trio.TooSlowError):
            await app.stopped_between_two_requests(server, within=0.5)
