"""Bodies whose answer does not wait for them."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from quart_trio import QuartTrio

from logpulse.http import unread_body
from logpulse.http.guard import EdgeCounters, guarded_hypercorn
from logpulse.http.middleware import harden
from logpulse.http.unread_body import UnreadBody

from .harness import GET, PATIENCE, SMALL_BUFFER, Client, bare, connected, serving

MEGABYTE = 1024 * 1024


@bare
async def refuse(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer without a look at the body."""
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no", "more_body": False})


def sized(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % length


async def bytes_sent_until_cut_off(client: Client) -> int:
    sent = 0
    with trio.fail_after(PATIENCE), suppress(trio.BrokenResourceError):
        while True:
            await client.send(bytes(SMALL_BUFFER))
            sent += SMALL_BUFFER
    return sent


@pytest.fixture
def counters() -> EdgeCounters:
    return EdgeCounters()


async def test_a_client_that_sends_all_before_it_reads_gets_its_answer(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 60)
    guard = guarded_hypercorn(counters)
    async with serving(UnreadBody(refuse), guard=guard) as server, connected(server) as client:
        for _ in range(2):
            await client.send(sized(MEGABYTE) + bytes(MEGABYTE))
            assert (await client.answer()).status == 401
        await trio.testing.wait_all_tasks_blocked()  # a server that is ended by force waits for the rest of a body
    assert counters == EdgeCounters()


async def test_a_handler_of_quart_may_answer_before_the_body(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 60)
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.post("/")
    async def refuse_early() -> tuple[str, int]:
        return "no", 401

    hardened = harden(app, body_bytes=2 * MEGABYTE, stopping=trio.Event())
    async with serving(hardened, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        for _ in range(2):
            await client.send(sized(MEGABYTE) + bytes(MEGABYTE))
            assert (await client.answer()).status == 401
        await trio.testing.wait_all_tasks_blocked()  # a server that is ended by force waits for the rest of a body
    assert counters == EdgeCounters()


async def test_without_the_guard_such_a_client_cannot_even_send(counters: EdgeCounters) -> None:
    async with serving(refuse, guard=guarded_hypercorn(counters)) as server, connected(server) as client:
        with pytest.raises(trio.BrokenResourceError):
            await client.send(sized(16 * MEGABYTE) + bytes(16 * MEGABYTE))  # more than the kernel holds


async def test_a_body_that_never_ends_is_dropped_for_a_while_only(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_BYTES", MEGABYTE)
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 60)
    async with serving(UnreadBody(refuse), guard=guarded_hypercorn(counters)) as server:
        async with connected(server) as client:
            await client.send(sized(64 * MEGABYTE))
            sent = await bytes_sent_until_cut_off(client)
        await server.stopped(within=PATIENCE)
    assert sent < 3 * MEGABYTE
    assert counters == EdgeCounters()


async def test_a_body_that_does_not_come_is_not_waited_for(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 0.1)
    guard = guarded_hypercorn(counters)
    async with serving(UnreadBody(refuse), guard=guard) as server, connected(server) as client:
        await client.send(sized(10) + b"half")
        assert (await client.answer()).status == 401
        assert await client.closed() == b""


async def test_a_client_that_waits_to_be_told_to_continue_is_not_waited_for(
    counters: EdgeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 0.1)
    guard = guarded_hypercorn(counters)
    async with serving(UnreadBody(refuse), guard=guard) as server, connected(server) as client:
        await client.send(sized(10).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        answer = await client.answer()
        assert (answer.early, answer.status) == ((), 401)
        assert await client.closed() == b""


async def test_a_request_without_a_body_is_answered_as_ever(counters: EdgeCounters) -> None:
    guard = guarded_hypercorn(counters)
    async with serving(UnreadBody(refuse), guard=guard) as server, connected(server) as client:
        for _ in range(3):
            await client.send(GET)
            assert (await client.answer()).status == 401
