"""How a tail of /stream is refused and how it ends; what happens to clients that do not read."""

from __future__ import annotations

import itertools
import logging

import httpx
import msgspec
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionRejected

from logpulse.http.tail_session import TailSession
from logpulse.limits import CLIENT_FRAMES_PER_SECOND, HISTORY_ENTRIES
from logpulse.services import subscriber
from logpulse.units import format_time

from .serving import (
    MIDNIGHT,
    PATIENCE,
    Json,
    RunningServer,
    S,
    Servers,
    data_of,
    messages,
    push,
    push_at,
    stream_of,
    until,
)

# -- refusals ---------------------------------------------------------------------------------------------------------


async def refused(running: RunningServer, parameters: str) -> tuple[int, Json, dict[str, str]]:
    try:
        async with running.tail(parameters) as tail:
            await tail.next()
    except* ConnectionRejected as group:
        (rejected,) = group.exceptions
        assert isinstance(rejected, ConnectionRejected)
        headers = {name.decode().lower(): value.decode() for name, value in rejected.headers}
        outcome = rejected.status_code, msgspec.json.decode(rejected.body or b""), headers
    else:
        pytest.fail("the tail was accepted")
    return outcome


BAD_REQUESTS = [
    ("?query=%7B", "position"),
    ("?query=rate(%7Ba%3D%22b%22%7D%5B1m%5D)", "metric"),
    ("?query=%7Ba%3D%22b%22%7D&service=api", "service"),
    ("?1abc=x", "1abc"),
    ("?a-b=x", "a-b"),
    ("?tail=x", "tail"),
    ("?tail=-1", "tail"),
    ("?tail=" + "9" * 5000, "tail"),
    (f"?tail={HISTORY_ENTRIES + 1}", str(HISTORY_ENTRIES)),
    ("?start=yesterday", "start"),
    ("?start=1&tail=1", "tail"),
    ("?batch=2", "batch"),
    ("?service=api&service=web", "service: must be given once"),
]


async def test_bad_requests_are_refused_before_the_upgrade(running: RunningServer) -> None:
    for parameters, part in BAD_REQUESTS:
        status, said, _ = await refused(running, parameters)
        assert status == 400
        assert said["error"]
        assert part in str(said)
        assert not len(running.services.broadcaster)


async def test_too_many_tails(serve: Servers) -> None:
    running = await serve(tail__max_subscribers="1")
    async with running.tail() as first:
        await first.connected()
        status, said, headers = await refused(running, "")
        assert (status, said["value"], said["sent"]) == (429, 1, 2)
        assert int(headers["retry-after"]) > 0
        assert "tail.max_subscribers" in str(said["error"])
    await until(lambda: not len(running.services.broadcaster))
    async with running.tail() as next_one:
        await next_one.connected()


async def test_a_plain_get_is_told_to_upgrade(client: httpx.AsyncClient) -> None:
    answer = await client.get("/stream")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "/stream is a WebSocket" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        ("/query", 400, '"error":"/query is no WebSocket'),
        ("/nope", 404, '"error":"Not Found'),
        ("/loki/api/v1/labels", 400, "/loki/api/v1/labels is no WebSocket"),
        ("/loki/api/v1/nope", 404, "404 page not found"),
    ],
)
async def test_a_handshake_elsewhere_is_refused_and_logs_nothing(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, path: str, status: int, part: str
) -> None:
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with caplog.at_level(logging.WARNING):
        answer = await client.get(path, headers={**handshake, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert answer.status_code == status
    assert answer.text.startswith(part if path.startswith("/loki") else "{" + part)
    assert not caplog.records


# -- ends -------------------------------------------------------------------------------------------------------------


async def test_a_normal_disconnect_logs_nothing_and_leaves_no_subscriber(
    running: RunningServer, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running.tail() as quiet, running.tail("?batch=1") as busy, running.tail() as paused:
        for tail in (quiet, busy, paused):
            await tail.connected()
        await paused.send({"type": "pause"})
        await paused.next_of("paused")
        await push_at(client, 0, "x")
        assert len(running.services.broadcaster) == 3
    await until(lambda: not len(running.services.broadcaster))
    async with await trio.open_tcp_stream("127.0.0.1", running.port) as abrupt:
        await abrupt.send_all(
            b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await until(lambda: len(running.services.broadcaster) == 1)
    await until(lambda: not len(running.services.broadcaster))
    assert await messages(client) == ["x"]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("logpulse")] == []


async def test_a_stopping_server_closes_with_1001(running: RunningServer) -> None:
    async with running.tail() as tail, running.tail("?batch=1") as other:
        await tail.connected()
        await other.connected()
        running.services.lifecycle.stop()
        assert [await tail.close_code(), await other.close_code()] == [1001, 1001]
    await running.stop()


async def test_a_flood_of_messages_is_ended_with_1008(
    slow_clock: trio.testing.MockClock, running: RunningServer
) -> None:
    async with running.tail() as tail:
        await tail.connected()
        for _ in range(CLIENT_FRAMES_PER_SECOND + 2):
            await tail.send({"type": "pause"})
        assert await tail.close_code() == 1008


async def test_a_frame_too_large_is_ended_with_1009(running: RunningServer) -> None:
    async with running.tail() as tail:
        await tail.connected()
        await tail.send({"type": "filter", "labels": {"a": "x" * 300_000}})
        assert await tail.close_code() == 1009


async def test_a_defect_is_ended_with_1011_and_logged(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("logpulse.http.tail_session.log_frames", fail)
    async with running.tail() as tail, running.tail("?batch=1") as healthy:
        await tail.connected()
        await healthy.connected()
        await push_at(client, 0, "x")
        await healthy.next_of("logs")
        assert await tail.close_code() == 1011
    assert "secret" in caplog.text


# -- clients that do not read -----------------------------------------------------------------------------------------


async def test_a_client_that_does_not_read_loses_the_newest_and_is_told_how_many(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    async with running.tail(held_messages=1) as tail:
        await tail.connected()
        (subscriber,) = running.services.broadcaster._subscribers
        pushed = 0
        while subscriber._lost is None:
            await push(client, stream_of([f"{pushed} ".ljust(200_000, "x")], first=MIDNIGHT + pushed * S))
            pushed += 1
        for _ in range(3):
            await push(client, stream_of([f"{pushed} ".ljust(200_000, "x")], first=MIDNIGHT + pushed * S))
            pushed += 1
        await until(lambda: subscriber._lost is not None and subscriber._lost.count == 4)
        seen = []
        while (frame := await tail.next())["type"] == "log":
            seen.append(int(str(data_of(frame)["message"]).split()[0]))
        assert seen == list(range(pushed - 4))
        assert frame["type"] == "dropped"
        assert frame["count"] == 4
        lost = [format_time(MIDNIGHT + number * S) for number in (pushed - 4, pushed - 1)]
        assert [frame["from"], frame["to"]] == lost
        await push_at(client, 100_000, "after")
        assert await tail.message() == "after"
    metrics = (await client.get("/metrics")).text
    assert 'logpulse_dropped_lines_total{reason="slow_tail"} 4.0' in metrics


async def test_pushes_never_wait_for_a_client_that_does_not_read_and_it_is_closed_with_1013(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "BLOCKED_SECONDS", 0.1)
    end, ended = TailSession._end, trio.Event()

    def end_and_tell(self: TailSession, scope: trio.CancelScope, code: int, reason: str) -> None:
        end(self, scope, code, reason)
        ended.set()

    monkeypatch.setattr(TailSession, "_end", end_and_tell)
    async with running.tail(held_messages=1) as tail:
        await tail.connected()
        with trio.fail_after(PATIENCE):
            for number in itertools.count():
                if ended.is_set():
                    break
                await push(client, stream_of(["x" * 200_000], first=MIDNIGHT + number * S))
        assert await tail.close_code() == 1013  # it could have this code earlier, had it read


async def test_a_loss_before_the_tails_is_reported_by_each_of_them(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the broadcaster too slow for the commits, no tail could know by itself."""
    broadcaster = running.services.broadcaster
    async with running.tail() as one, running.tail("?batch=1") as two:
        await one.connected()
        await two.connected()
        with monkeypatch.context() as patch:
            patch.setattr("logpulse.services.broadcaster.COMMITTED_BYTES", 0)
            await push(client, stream_of(["lost 1", "lost 2"]))
            await push_at(client, 10, "lost 3")
        await push_at(client, 20, "after")
        for tail in (one, two):
            assert await tail.next() == {
                "type": "dropped",
                "count": 3,
                "from": "2026-01-15T00:00:00Z",
                "to": "2026-01-15T00:00:10Z",
            }
            assert "after" in str(await tail.next())
    assert broadcaster._waiting_bytes == 0


async def test_a_filter_that_takes_too_long_ends_its_tail_alone(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "TAIL_FILTER_SECONDS", 0.01)
    costly = "{{ repeat 100 __line__ | repeat 50 | upper | lower | title | len }}" * 12
    async with running.tail() as other, running.tail() as tail:
        await other.connected()
        await tail.connected()
        await tail.send({"type": "filter", "query": f'{{service="api"}} | line_format `{costly}`'})
        await tail.next_of("filter_updated")
        await push(client, stream_of(["x" * 100] * 100))
        assert await other.messages(100) == ["x" * 100] * 100
        assert await tail.close_code() == 1008
