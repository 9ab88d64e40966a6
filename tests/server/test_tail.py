"""WebSocket /stream: filters and their exchange, pause, history, batches, and the refusals before the upgrade."""

from __future__ import annotations

import itertools

import httpx
import msgspec
import pytest
import trio
import trio.testing

from logpulse.limits import CLIENT_FRAMES_PER_SECOND, FRAME_ENTRIES, FRAME_SECONDS

from .serving import MIDNIGHT, Json, RunningServer, S, data_of, find, push, push_at, stream_of, until

# -- filters ----------------------------------------------------------------------------------------------------------


async def test_the_frames_are_those_of_the_contract(running: RunningServer, client: httpx.AsyncClient) -> None:
    async with running.tail("?service=api") as tail:
        assert await tail.connected() == {
            "type": "connected",
            "message": "Connected to log stream",
            "filter": {"service": "api"},
            "id": 0,
        }
        labels = {"service": "api", "level": "error"}
        entry = {"ts": "2026-01-15T00:00:00.5Z", "line": "x", "metadata": {"trace_id": "a1"}}
        await push(client, {"labels": labels, "entries": [entry]})
        frame = await tail.next_of("log")
        assert set(frame) == {"type", "data"}
        data = data_of(frame)
        assert data == (await find(client))[0]  # and with that the same id
        assert data == {
            "id": data["id"],
            "timestamp": "2026-01-15T00:00:00.5Z",
            "message": "x",
            "labels": labels,
            "level": "error",
            "metadata": {"trace_id": "a1"},
        }


FILTERS = [
    ("", ["api info", "api error", "db error"]),
    ("?service=api", ["api info", "api error"]),
    ("?service=api&level=error", ["api error"]),
    ("?service=nobody", []),
    ("?query=%7Blevel%3D%22error%22%7D", ["api error", "db error"]),
    ("?query=%7Bservice%3D~%22a.%2B%22%7D%20%7C%3D%20%22err%22", ["api error"]),
    ("?query=%7Bservice!%3D%22api%22%2Clevel%3D~%22.%2B%22%7D%20!~%20%22x%22", ["db error"]),
    ("?query=%7B%7D%20%7C%3D%20%22err%22", ["api error", "db error"]),
]


@pytest.mark.parametrize(("parameters", "expected"), FILTERS)
async def test_filters_in_the_url(
    running: RunningServer, client: httpx.AsyncClient, parameters: str, expected: list[str]
) -> None:
    async with running.tail(parameters) as tail:
        await tail.connected()
        for number, (service, level) in enumerate([("api", "info"), ("api", "error"), ("db", "error")]):
            await push_at(client, number, f"{service} {level}", service=service, level=level)
        await tail.send({"type": "filter", "labels": {"service": "end"}})
        seen = []
        while (frame := await tail.next())["type"] == "log":
            seen.append(data_of(frame)["message"])
        assert (seen, frame["type"]) == (expected, "filter_updated")


async def test_a_duplicate_is_not_shown_twice(running: RunningServer, client: httpx.AsyncClient) -> None:
    async with running.tail() as tail:
        await tail.connected()
        for number in (1, 1, 2):
            await push_at(client, number, str(number))
        assert await tail.messages(2) == ["1", "2"]


@pytest.mark.parametrize(
    ("frame", "shown"),
    [
        ({"labels": {"level": "error"}}, {"level": "error"}),
        ({"labels": {}}, {}),
        ({"query": '{level="error"} |= "x"'}, {"query": '{level="error"} |= "x"'}),
    ],
)
async def test_a_new_filter_is_confirmed(running: RunningServer, frame: Json, shown: Json) -> None:
    async with running.tail("?service=api") as tail:
        await tail.connected()
        for number in (1, 2):
            await tail.send({"type": "filter", **frame})
            assert await tail.next() == {"type": "filter_updated", "filter": shown, "id": number}
        for frame_id in (77, "mine"):
            await tail.send({"type": "filter", **frame, "id": frame_id})
            assert await tail.next() == {"type": "filter_updated", "filter": shown, "id": frame_id}


async def test_the_confirmation_stands_exactly_between_the_old_filter_and_the_new(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    """Every push holds an entry for each filter; whatever is not shown for one must be shown for the other."""
    numbers = itertools.count()
    changes = CLIENT_FRAMES_PER_SECOND - 1
    done = trio.Event()

    async def push_on() -> None:
        while not done.is_set():
            number = next(numbers)
            streams = (stream_of([f"{side}{number}"], {"side": side}, MIDNIGHT + number * S) for side in "ab")
            await push(client, *streams)

    seen: list[tuple[str, int]] = []
    sides: list[str] = []
    async with running.tail("?side=a") as tail:
        await tail.connected()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(push_on)
            side = "a"
            for change in range(changes):
                while not seen or seen[-1][1] < 5 * change:
                    message = await tail.message()
                    assert message[0] == side
                    seen.append((side, int(message[1:])))
                new = "ba"[change % 2]
                request: Json = {"labels": {"side": new}} if change % 3 else {"query": f'{{side="{new}"}}'}
                await tail.send({"type": "filter", **request, "id": change})
                while (frame := await tail.next())["type"] == "log":
                    message = str(data_of(frame)["message"])
                    assert message[0] == side
                    seen.append((side, int(message[1:])))
                assert (frame["type"], frame["id"]) == ("filter_updated", change)
                side = new
                sides.append(new)
            done.set()
        last = next(numbers)
        while len(seen) < last:
            message = await tail.message()
            assert message[0] == side
            seen.append((side, int(message[1:])))
    assert sorted(number for _, number in seen) == list(range(last))  # each push once, under one filter or the other
    assert {side for side, _ in seen} == {"a", "b"}


BAD_FRAMES: list[tuple[object, str]] = [
    ({"type": "filter", "query": '{service="api"'}, "position"),
    ({"type": "filter", "query": "{"}, "position"),
    ({"type": "filter", "query": '{a="b"} | jsn'}, "position"),
    ({"type": "filter", "query": '{a="b"} |~ "("'}, ""),
    ({"type": "filter", "query": 'rate({a="b"}[1m])'}, ""),
    ({"type": "filter", "labels": {"not a name": "x"}}, "not a name"),
    ({"type": "filter", "labels": {"a": 7}}, "str"),
    ({"type": "filter"}, "labels or query"),
    ({"type": "filter", "labels": {}, "query": '{a="b"}'}, "labels or query"),
    ({"type": "close"}, "filter"),
    ([], "filter"),
    ("no JSON", ""),
]


async def test_a_bad_frame_is_answered_and_the_old_filter_stays(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    for start in range(0, len(BAD_FRAMES), CLIENT_FRAMES_PER_SECOND - 2):
        async with running.tail("?service=api") as tail:
            await tail.connected()
            for number, (bad, part) in enumerate(BAD_FRAMES[start : start + CLIENT_FRAMES_PER_SECOND - 2], start):
                if isinstance(bad, str):
                    await tail.connection.send_message(bad)
                else:
                    await tail.send(bad)
                error = await tail.next_of("error")
                assert error["message"]
                assert part in msgspec.json.encode(error).decode(), error
                await push_at(client, 2 * number, "not shown", service="db")
                await push_at(client, 2 * number + 1, f"shown {number}")
                assert await tail.message() == f"shown {number}"


async def test_an_error_echoes_the_id(running: RunningServer) -> None:
    async with running.tail() as tail:
        await tail.connected()
        await tail.send({"type": "filter", "query": "{", "id": "q1"})
        error = await tail.next_of("error")
        assert error["id"] == "q1"
        assert error["position"] == {"offset": 1, "line": 1, "column": 2, "length": 0}
        assert error["expected"]


async def test_a_binary_frame_is_read_like_a_text_frame(running: RunningServer) -> None:
    async with running.tail() as tail:
        await tail.connected()
        await tail.connection.send_message(b'{"type":"pause"}')
        await tail.next_of("paused")


async def test_pause_and_resume(running: RunningServer, client: httpx.AsyncClient) -> None:
    async with running.tail() as tail:
        await tail.connected()
        await tail.send({"type": "pause", "id": 5})
        assert await tail.next() == {"type": "paused", "id": 5}
        for number in range(3):
            await push_at(client, number, f"held {number}")
        await tail.send({"type": "filter", "query": "{"})
        await tail.next_of("error")  # is answered during the pause, and nothing else came before it
        await tail.send({"type": "resume"})
        assert await tail.next() == {"type": "resumed"}
        assert await tail.messages(3) == ["held 0", "held 1", "held 2"]


async def test_a_filter_changed_during_a_pause_begins_where_it_was_changed(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    async with running.tail("?service=api") as tail:
        await tail.connected()
        await tail.send({"type": "pause"})
        await tail.next_of("paused")
        await push(client, stream_of(["api 1"]), stream_of(["db 1"], {"service": "db"}))
        await until(lambda: any(each._items for each in running.services.broadcaster._subscribers))
        await tail.send({"type": "filter", "labels": {"service": "db"}})
        await tail.send({"type": "nonsense"})
        await tail.next_of("error")
        await push(client, stream_of(["api 2"], first=S), stream_of(["db 2"], {"service": "db"}, S))
        await tail.send({"type": "resume"})
        await tail.next_of("resumed")
        assert await tail.message() == "api 1"
        await tail.next_of("filter_updated")
        assert await tail.message() == "db 2"


async def test_a_batched_tail_that_is_behind_does_not_wait_between_frames(
    slow_clock: trio.testing.MockClock, running: RunningServer, client: httpx.AsyncClient
) -> None:
    half, pushes = FRAME_ENTRIES // 2, 4
    async with running.tail("?batch=1") as behind, running.tail() as watcher:
        await behind.connected()
        await watcher.connected()
        await behind.send({"type": "pause"})
        await behind.next_of("paused")
        for number in range(pushes):
            lines = [f"{number} {line}" for line in range(half)]
            await push(client, stream_of(lines, {"service": "api"}, MIDNIGHT + number * S))
        await watcher.messages(pushes * half)
        resumed_at = trio.current_time()
        await behind.send({"type": "resume"})
        await behind.next_of("resumed")
        sizes = [len(msgspec.convert((await behind.next_of("logs"))["data"], list[Json])) for _ in range(pushes // 2)]
        assert sizes == [FRAME_ENTRIES] * (pushes // 2)
        assert trio.current_time() - resumed_at < FRAME_SECONDS
