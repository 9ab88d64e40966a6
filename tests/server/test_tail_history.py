"""History first and then live on /stream, and batched frames."""

from __future__ import annotations

import itertools

import httpx
import msgspec
import pytest
import trio

from logpulse.errors import OverloadedError
from logpulse.http import tail_history, tail_request, tail_session
from logpulse.http.tail_session import TailSession
from logpulse.query import logs
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import LogsPage
from logpulse.services.subscriber import Subscriber
from logpulse.storage.view import View

from .serving import MIDNIGHT, Json, RunningServer, S, data_of, messages, push, push_at, stream_of, until

# -- history ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", ["?tail=7&service=api", "?start=2026-01-15T00:00:03Z&service=api"])
@pytest.mark.parametrize("batch", ["", "&batch=1"])
async def test_history_comes_first_the_oldest_first(
    running: RunningServer, client: httpx.AsyncClient, parameters: str, batch: str
) -> None:
    await push(client, stream_of([f"old {number}" for number in range(10)]), stream_of(["other"], {"service": "db"}))
    async with running.tail(parameters + batch) as tail:
        await tail.connected()
        expected = [f"old {number}" for number in range(3, 10)]
        if batch:
            frame = await tail.next_of("logs")
            assert [entry["message"] for entry in msgspec.convert(frame["data"], list[Json])] == expected
        else:
            assert await tail.messages(7) == expected
        await push_at(client, 100, "live")
        frame = await tail.next()
        assert "live" in str(frame)


async def test_no_history_is_asked_for_by_zero(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push_at(client, 0, "old")
    async with running.tail("?tail=0") as tail:
        await tail.connected()
        await push_at(client, 1, "live")
        assert await tail.message() == "live"


@pytest.mark.parametrize("parameters", ["?tail=50000", "?start=0", "?start=0&batch=1"])
async def test_history_then_live_without_gap_or_repeat_while_pushing(
    running: RunningServer, client: httpx.AsyncClient, parameters: str
) -> None:
    numbers = itertools.count()
    done = trio.Event()

    async def push_on() -> None:
        while not done.is_set():
            number = next(numbers)
            await push(client, stream_of([f"{number}"], {"service": f"s{number % 4}"}, MIDNIGHT + number * S))
            if number == 100:
                running.services.flusher.wake()

    await push(client, stream_of([f"old {number}" for number in range(1100)], first=MIDNIGHT - 1300 * S))
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(push_on)
        await until(lambda: running.services.store.view.sequence > 40)
        async with running.tail(parameters) as tail:
            await tail.connected()
            seen: list[str] = []

            async def read() -> None:
                frame = await tail.next()
                entries = [data_of(frame)] if frame["type"] == "log" else msgspec.convert(frame["data"], list[Json])
                seen.extend(str(entry["message"]) for entry in entries)

            while len(seen) < 1200:
                await read()
            done.set()
            await until(lambda: not nursery.child_tasks)
            last = next(numbers)
            while len(seen) < 1100 + last:
                await read()
    assert seen[:1100] == [f"old {number}" for number in range(1100)]
    assert sorted(map(int, seen[1100:])) == list(range(last))


@pytest.fixture
async def crowded(running: RunningServer, client: httpx.AsyncClient) -> RunningServer:
    """Give a server with 18 entries of which many share their time, in segments and in memory."""
    for number in range(4):
        streams = [stream_of([f"{number} {name}", f"{number} {name} again"], {"service": name}) for name in "abc"]
        for stream in streams[: number + 1]:
            entries = msgspec.convert(stream["entries"], list[Json])
            for entry in entries:
                entry["ts"] = str(MIDNIGHT + number // 2 * S)
            await push(client, stream)
        if number == 1:
            await trio.to_thread.run_sync(running.services.store.flush)
    return running


async def history_of(running: RunningServer, parameters: str, count: int) -> list[str]:
    async with running.tail(parameters) as tail:
        await tail.connected()
        shown = await tail.messages(count)
        async with running.client() as client:
            await push_at(client, 9000, "live")
        assert await tail.message() == "live"
    return shown


@pytest.mark.parametrize("newest", [1, 2, 3, 7, 17, 18, 19])
async def test_a_long_history_is_read_in_pages(
    crowded: RunningServer, client: httpx.AsyncClient, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = (await messages(client, limit=newest))[::-1]
    asked: list[int] = []
    logs_of = crowded.services.engine.logs_of

    def note(view: View, request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        asked.append(request.limit)
        return logs_of(view, request, interrupt)

    monkeypatch.setattr(crowded.services.engine, "logs_of", note)
    monkeypatch.setattr(tail_history, "HISTORY_PAGE", 2)
    assert await history_of(crowded, f"?tail={newest}", min(newest, 18)) == expected
    assert max(asked) <= 2


async def test_a_history_whose_pages_end_early_is_complete(
    crowded: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = (await messages(client, limit=10))[::-1]
    monkeypatch.setattr(logs, "PAGE_TEXT_BYTES", 20)
    assert await history_of(crowded, "?tail=10", 10) == expected


@pytest.mark.parametrize("page", [2, 100])
async def test_of_a_history_longer_than_allowed_the_newest_entries_are_shown(
    crowded: RunningServer, client: httpx.AsyncClient, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_request, "HISTORY_ENTRIES", 5)
    monkeypatch.setattr(tail_history, "HISTORY_PAGE", page)
    expected = (await messages(client, limit=5))[::-1]
    async with crowded.tail(f"?start={MIDNIGHT}") as tail:
        await tail.connected()
        left_out = await tail.next_of("dropped")
        assert (left_out["count"], left_out["atLeast"]) == (1, True)
        assert (left_out["from"], left_out["to"]) == ("2026-01-15T00:00:00Z", "2026-01-15T00:00:01Z")
        assert await tail.messages(5) == expected
    async with crowded.tail("?tail=5") as tail:  # nobody asked for more
        await tail.connected()
        assert await tail.messages(5) == expected


async def test_a_client_that_takes_its_history_too_slowly_is_cut_off(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = False
    end = TailSession._end

    def note_end(self: TailSession, scope: trio.CancelScope, code: int, reason: str) -> None:
        nonlocal ended
        ended = True
        end(self, scope, code, reason)

    monkeypatch.setattr(TailSession, "_end", note_end)
    monkeypatch.setattr(tail_session, "HISTORY_SECONDS", 0)
    await push(client, stream_of(["x" * 10_000 + str(number) for number in range(1500)]))
    async with running.tail("?start=0", held_messages=1) as tail:
        await tail.connected()
        await until(lambda: ended)
        assert await tail.close_code() == 1013


async def test_a_filter_that_comes_before_the_history_misses_nothing(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    greeting, send = trio.Event(), TailSession._send

    async def send_late(self: TailSession, frame: bytes) -> None:
        await greeting.wait()
        await send(self, frame)

    monkeypatch.setattr(TailSession, "_send", send_late)
    await push_at(client, 0, "old a", service="a")
    async with running.tail("?start=0&service=a") as tail:
        await tail.send({"type": "filter", "labels": {"service": "b"}})
        (subscriber,) = await subscribers(running)
        await until(lambda: bool(subscriber._items))
        await push_at(client, 1, "new a", service="a")
        await push_at(client, 2, "new b", service="b")
        greeting.set()
        await tail.connected()
        assert await tail.message() == "old a"
        await tail.next_of("filter_updated")
        assert await tail.message() == "new b"


async def subscribers(running: RunningServer) -> set[Subscriber]:
    await until(lambda: len(running.services.broadcaster) > 0)
    return running.services.broadcaster._subscribers


async def test_a_client_that_leaves_in_the_middle_of_its_history_leaves_nothing_behind(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    await push(client, stream_of(["x" * 10_000 + str(number) for number in range(1500)]))
    async with running.tail("?start=0", held_messages=1) as tail:
        await tail.connected()
        await tail.next_of("log")
        assert running.services.store._readers
    await until(lambda: not running.services.store._readers and not len(running.services.broadcaster))


async def test_a_history_that_cannot_be_read_is_explained(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OverloadedError("queries waiting", 1, 2)

    monkeypatch.setattr(running.services.engine, "logs_of", refuse)
    async with running.tail("?tail=5") as tail:
        await tail.connected()
        assert (await tail.next_of("error"))["limit"] == "queries waiting"
        assert await tail.close_code() == 1013
    assert not caplog.records


# -- batches ----------------------------------------------------------------------------------------------------------


async def test_batched_frames(running: RunningServer, client: httpx.AsyncClient) -> None:
    async with running.tail("?batch=1") as tail:
        await tail.connected()
        await push(client, stream_of([f"{number}" for number in range(1200)]))
        sizes: list[int] = []
        seen: list[object] = []
        while len(seen) < 1200:
            entries = msgspec.convert((await tail.next_of("logs"))["data"], list[Json])
            sizes.append(len(entries))
            seen += [entry["message"] for entry in entries]
        assert seen == [str(number) for number in range(1200)]
        assert max(sizes) == 500
        await tail.send({"type": "filter", "labels": {"service": "db"}})
        await tail.next_of("filter_updated")
        await push_at(client, 9000, "db", service="db")
        assert [e["message"] for e in msgspec.convert((await tail.next_of("logs"))["data"], list[Json])] == ["db"]
