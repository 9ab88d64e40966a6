"""`dedup` and `context` on real sockets: what each route makes of them."""

from __future__ import annotations

import httpx
import msgspec
import pytest
import trio

from logpulse.http import tail_session

from ..loki_bodies import json_body
from .serving import JSON, MIDNIGHT, Json, RunningServer, S, data_of, push, push_at, stream_of

RANGE = "/loki/api/v1/query_range"
SPAN = {"start": str(MIDNIGHT), "end": str(MIDNIGHT + 3600 * S), "direction": "forward"}


@pytest.fixture
async def filled(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a client of a server that holds nine lines of one stream, a second apart: three of them are `error`."""
    lines = ["boot", "step 1", "error", "step 2", "step 3", "error", "step 4", "step 5", "error"]
    await push(client, stream_of(lines, {"service": "api"}))
    return client


async def found(client: httpx.AsyncClient, query: str, **more: str | int) -> Json:
    answer = await client.get("/query", params={"query": query, **SPAN, **more})
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Json)


def entries(answer: Json) -> list[tuple[object, object]]:
    return [(each["message"], each.get("context")) for each in msgspec.convert(answer["logs"], list[Json])]


async def test_query_marks_context(filled: httpx.AsyncClient) -> None:
    answer = await found(filled, '{service="api"} |= "error" | context before=1', limit=4)
    assert entries(answer) == [("step 1", True), ("error", None), ("step 3", True), ("error", None)]
    answer = await found(filled, '{service="api"} |= "error" | context before=1', limit=4, cursor=str(answer["next"]))
    assert entries(answer) == [("step 5", True), ("error", None)]
    assert answer["next"] is None


async def test_query_leaves_out_what_repeats(filled: httpx.AsyncClient) -> None:
    assert entries(await found(filled, '{service="api"} |= "error" | dedup')) == [("error", None)]
    answer = await found(filled, '{service="api"} | dedup by (service) | context after=2')
    assert entries(answer) == [("boot", None), ("step 1", True), ("error", True)]


async def test_loki_marks_context_by_a_label(filled: httpx.AsyncClient) -> None:
    query = '{service="api"} |= "error" | context before=1 after=1'
    asked = {"query": query, **SPAN, "limit": "3"}
    answer = await filled.get(RANGE, params=asked | {"limit": "5"})
    assert "warnings" not in answer.json(), "three of five entries, as the next match and its context are three more"
    streams = answer.json()["data"]["result"]
    assert [(each["stream"], [line for _, line in each["values"]]) for each in streams] == [
        ({"__context__": "before", "service": "api"}, ["step 1"]),
        ({"service": "api"}, ["error"]),
        ({"__context__": "after", "service": "api"}, ["step 2"]),
    ]
    answer = await filled.get(RANGE, params=asked, headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"})
    (stream,) = answer.json()["data"]["result"]
    assert stream["stream"] == {"service": "api"}
    assert [value[1:] for value in stream["values"]] == [
        ["step 1", {"parsed": {"__context__": "before"}}],
        ["error", {}],
        ["step 2", {"parsed": {"__context__": "after"}}],
    ]


@pytest.mark.parametrize("ending", ["| dedup", "| context after=1"])
async def test_what_has_no_entries_of_its_own_refuses_both(filled: httpx.AsyncClient, ending: str) -> None:
    query = f'{{service="api"}} {ending}'
    for path in ("/loki/api/v1/index/stats", "/loki/api/v1/index/volume", "/loki/api/v1/series"):
        name = "match[]" if path.endswith("series") else "query"
        answer = await filled.get(path, params={name: query, "start": SPAN["start"], "end": SPAN["end"]})
        assert answer.status_code == 400, (path, answer.text)
    answer = await filled.get(RANGE, params={"query": query, **SPAN, "interval": "1s"})
    assert (answer.status_code, answer.text.strip()) == (
        400,
        "interval goes with neither dedup nor context; leave one of them out",
    )
    answer = await filled.get(RANGE, params={"query": f"count_over_time({query}[5m])", **SPAN})
    assert answer.status_code == 400
    assert "works on the entries of an answer, and a metric query has none" in answer.text


async def test_a_query_is_formatted_with_its_ending(client: httpx.AsyncClient) -> None:
    query = '{app="x"}|DEDUP by(a,b)|context after=02 before=1'
    answer = await client.get("/loki/api/v1/format_query", params={"query": query})
    assert answer.json()["data"] == '{app="x"} | dedup by (a,b) | context before=1 after=2'


async def test_fields_are_those_of_matches_alone(client: httpx.AsyncClient) -> None:
    lines = [(MIDNIGHT, "a=1"), (MIDNIGHT + S, "b=2")]
    await client.post("/loki/api/v1/push", content=json_body([({"app": "x"}, lines)]), headers=JSON)
    query = '{app="x"} |= "b" | context before=1'
    asked = {"query": query, "start": SPAN["start"], "end": SPAN["end"]}
    answer = await client.get("/loki/api/v1/detected_fields", params=asked)
    assert [field["label"] for field in answer.json()["fields"]] == ["b"]


# -- /stream ----------------------------------------------------------------------------------------------------------


async def test_a_tail_refuses_context(running: RunningServer, client: httpx.AsyncClient) -> None:
    query = '{service="api"} | context after=1'
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await client.get("/stream", params={"query": query}, headers=upgrade)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("query: must not end in `| context after=1`, as a tail shows entries when")
    async with running.tail("?service=api") as tail:
        await tail.connected()
        await tail.send({"type": "filter", "query": query, "id": 7})
        frame = await tail.next_of("error")
        assert (frame["id"], frame["field"]) == (7, "query")
        await push_at(client, 0, "on")
        assert await tail.message() == "on", "the old filter stays"


@pytest.mark.parametrize("batch", ["", "&batch=1"])
async def test_a_tail_leaves_out_what_its_history_or_it_has_shown(
    running: RunningServer, client: httpx.AsyncClient, batch: str
) -> None:
    await push(client, stream_of(["a", "b", "a", "c"], {"service": "api"}))
    async with running.tail(f'?query={{service="api"}}|dedup&tail=3{batch}') as tail:
        await tail.connected()
        seen: list[object] = []

        async def read_until(last: str) -> None:
            seen.clear()
            while last not in seen:
                frame = await tail.next()
                many = msgspec.convert(frame["data"], list[Json]) if batch else [data_of(frame)]
                seen.extend(each["message"] for each in many)

        await read_until("c")
        assert seen == ["b", "a", "c"]
        for number, line in enumerate(["a", "d", "c", "d", "e"]):
            await push_at(client, 10 + number, line)
        await read_until("e")
        assert seen == ["d", "e"]
        await tail.send({"type": "filter", "query": '{service="api"} | dedup by (service)'})
        await tail.next_of("filter_updated")
        await push_at(client, 20, "a")
        await push_at(client, 21, "b")
        await read_until("a")
        assert seen == ["a"]
        await tail.send({"type": "filter", "labels": {"service": "api"}})
        await tail.next_of("filter_updated")
        await push_at(client, 22, "a")
        await push_at(client, 23, "last")
        await read_until("last")
        assert seen == ["a", "last"]


async def test_a_tail_that_only_repeats_itself_still_shows_that_it_lives(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running.tail('?query={service="api"}|dedup') as tail:
        await tail.connected()
        await push_at(client, 0, "same")
        assert await tail.message() == "same"
        monkeypatch.setattr(tail_session, "HEARTBEAT_SECONDS", 0.2)
        done = trio.Event()

        async def push_on() -> None:
            number = 0
            while not done.is_set():
                number += 1
                await push_at(client, number, "same")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(push_on)
            for _ in range(3):
                await tail.next_of("heartbeat")
            done.set()
