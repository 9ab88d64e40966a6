"""History first and then live on /stream, and batched frames."""

from __future__ import annotations

import itertools

import httpx
import msgspec
import pytest
import trio

from logpulse.errors import OverloadedError

from .serving import MIDNIGHT, Json, RunningServer, S, data_of, push, push_at, stream_of, until

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
