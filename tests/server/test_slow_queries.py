"""Queries that take long, wait, fail, or have long answers."""

from __future__ import annotations

import threading
from datetime import timedelta

import attrs
import httpx
import msgspec
import pytest
import trio
from quart import Quart
from werkzeug.datastructures import ImmutableDict

from logpulse.limits import QUERIES_WAITING
from logpulse.query.engine import LogsRequest
from logpulse.query.executor import ScanTask
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import LogsPage, ScanStats

from .serving import ALL, PATIENCE, RunningServer, Servers, find, push, stream_of, until

# -- slow queries -----------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class SlowEngine:
    """Answer a query by a scan without end, on the real engine; only an interrupt stops it."""

    running: RunningServer
    began: trio.Event = attrs.field(factory=trio.Event)
    interrupted: threading.Event = attrs.field(factory=threading.Event)

    def logs(self, _: LogsRequest, interrupt: Interrupt) -> LogsPage:
        trio.from_thread.run_sync(self.began.set)
        endless = ScanTask("select count(*) as n from range(10000000000000) t(i) where i % 7 = 3")
        try:
            self.running.services.engine._executor.run(endless, interrupt)
        finally:
            self.interrupted.set()
        return LogsPage((), None, ScanStats())


def make_slow(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> SlowEngine:
    engine = SlowEngine(running)
    monkeypatch.setattr(running.services.engine, "logs", engine.logs)
    return engine


async def test_a_query_is_interrupted_when_its_client_leaves(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_slow(running, monkeypatch)
    async with running.client() as leaving, trio.open_nursery() as nursery:
        nursery.start_soon(find, leaving)
        await engine.began.wait()
        assert running.services.queries.running == 1
        nursery.cancel_scope.cancel()
    assert await trio.to_thread.run_sync(engine.interrupted.wait, PATIENCE)
    await until(lambda: running.services.queries.running == 0)
    monkeypatch.undo()
    assert await find(client) == []


@pytest.mark.parametrize("body", [b"", b"x" * 10], ids=["empty", "some"])
async def test_a_query_with_a_body_is_interrupted_too(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    engine = make_slow(running, monkeypatch)
    async with await trio.open_tcp_stream("127.0.0.1", running.port) as leaving:
        head = f"GET /query?query=%7Ba%3D%22b%22%7D HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await leaving.send_all(head.encode() + body)
        await engine.began.wait()
    was_interrupted = await trio.to_thread.run_sync(engine.interrupted.wait, PATIENCE)
    running.services.lifecycle.stop()  # which ends the endless scan in any case
    assert was_interrupted


async def test_a_query_is_interrupted_when_its_time_is_up(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await serve(query__timeout="500ms")
    engine = make_slow(running, monkeypatch)
    async with running.client() as client:
        answer = await client.get("/query", params={"query": ALL})
        assert answer.status_code == 504
        assert "query.timeout" in answer.json()["error"]
        assert await trio.to_thread.run_sync(engine.interrupted.wait, PATIENCE)
        monkeypatch.undo()
        monkeypatch.setattr(running.services.queries, "_timeout", PATIENCE)
        assert await find(client) == []


async def test_queries_wait_for_their_turn_and_the_surplus_is_refused(
    serve: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await serve(query__max_concurrent="1")
    engine = make_slow(running, monkeypatch)
    monkeypatch.setattr(running.services.queries, "_wait", PATIENCE)
    limiter = running.services.queries._limiter
    async with running.client() as client, trio.open_nursery() as nursery:
        for _ in range(1 + QUERIES_WAITING):
            nursery.start_soon(find, client)
        await engine.began.wait()
        await until(lambda: limiter.statistics().tasks_waiting == QUERIES_WAITING)
        async with running.client() as surplus:
            answer = await surplus.get("/query", params={"query": ALL})
            assert answer.status_code == 429
            assert int(answer.headers["Retry-After"]) > 0
            assert (answer.json()["value"], answer.json()["sent"]) == (QUERIES_WAITING, QUERIES_WAITING + 1)
            await push(surplus, stream_of(["pushes go on"]))
        nursery.cancel_scope.cancel()
    await until(lambda: limiter.statistics().borrowed_tokens == limiter.statistics().tasks_waiting == 0)


async def test_a_defect_is_confessed_without_its_details(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(running.services.engine, "logs", fail)
    answer = await client.get("/query", params={"query": ALL})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret" in caplog.text
    assert (await client.get("/livez")).status_code == 200


async def test_a_long_answer_reaches_a_slow_reader_whole(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quart would cut it off after a minute, here after 50 ms, and call it complete."""
    hasty = ImmutableDict({**Quart.default_config, "RESPONSE_TIMEOUT": timedelta(seconds=0.05)})
    monkeypatch.setattr(Quart, "default_config", hasty)
    running = await serve()
    async with running.client() as client:
        await push(client, stream_of(["x" * 100_000 + str(number) for number in range(100)]))
        async with client.stream("GET", "/query", params={"query": ALL}) as answer:
            await trio.sleep(0.3)
            body = b"".join([piece async for piece in answer.aiter_bytes()])
    assert len(msgspec.json.decode(body)["logs"]) == 100
