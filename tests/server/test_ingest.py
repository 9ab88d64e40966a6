"""POST /ingest: what is accepted, what is refused and how, and that an answer means what it says."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import pyarrow as pa
import pytest

from logpulse.limits import KIB, MIB

from .serving import JSON, Json, RunningServer, S, Servers, body_of, find, messages, push, stored, stream_of


async def test_an_entry_is_found_as_soon_as_its_push_is_answered(client: httpx.AsyncClient) -> None:
    for number in range(20):
        await push(client, stream_of([f"line {number}"], {"service": f"s{number % 3}"}))
        assert await messages(client, f'{{service="s{number % 3}"}} |= "line {number}"') == [f"line {number}"]


async def test_the_documented_example_is_stored_with_all_it_says(client: httpx.AsyncClient) -> None:
    labels = {"service": "api", "env": "prod", "level": "error"}
    entry = {"ts": "2024-01-15T10:30:00.000Z", "line": "Connection timeout", "metadata": {"trace_id": "a1"}}
    await push(client, {"labels": labels, "entries": [entry]})
    (found,) = await find(client)
    assert found.pop("id")
    assert found == {
        "timestamp": "2024-01-15T10:30:00Z",
        "level": "error",
        "message": "Connection timeout",
        "labels": labels,
        "metadata": {"trace_id": "a1"},
    }


TIMES: list[tuple[object, str]] = [
    ("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
    ("2024-01-15T10:30:00.120Z", "2024-01-15T10:30:00.12Z"),
    ("2024-01-15T10:30:00.123456789Z", "2024-01-15T10:30:00.123456789Z"),
    ("2024-01-15T12:30:00.5+02:00", "2024-01-15T10:30:00.5Z"),
    ("2024-01-14T23:30:00-11:00", "2024-01-15T10:30:00Z"),
    ("1705314600000000001", "2024-01-15T10:30:00.000000001Z"),
    (1_705_314_600_000_000_000, "2024-01-15T10:30:00Z"),
    (0, "1970-01-01T00:00:00Z"),
]


async def test_times_are_shown_with_the_digits_they_need(client: httpx.AsyncClient) -> None:
    for number, (ts, shown) in enumerate(TIMES):
        await push(client, {"labels": {"service": f"s{number}"}, "entries": [{"ts": ts, "line": "x"}]})
        assert [entry["timestamp"] for entry in await find(client, f'{{service="s{number}"}}')] == [shown]


async def test_an_entry_without_a_time_gets_that_of_its_arrival(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    before = running.services.now_ns()
    await push(client, {"labels": {"service": "api"}, "entries": [{"line": "now"}]})
    after = running.services.now_ns()
    assert await messages(client, start=str(before), end=str(after + 1)) == ["now"]


async def test_the_same_push_twice_is_stored_once(client: httpx.AsyncClient) -> None:
    stream = stream_of(["one", "two"])
    await push(client, stream)
    await push(client, stream)
    assert await messages(client) == ["two", "one"]


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
    "identity": lambda data: data,
}


@pytest.mark.parametrize("encoding", COMPRESSIONS)
@pytest.mark.parametrize("lines", [1, 20_000])
async def test_compressed_bodies_are_read(client: httpx.AsyncClient, encoding: str, lines: int) -> None:
    body = COMPRESSIONS[encoding](body_of(stream_of([f"line {number} of {lines}" for number in range(lines)])))
    answer = await client.post("/ingest", content=body, headers={**JSON, "Content-Encoding": encoding})
    assert (answer.status_code, answer.json()) == (200, {"accepted": lines})
    assert await messages(client, limit=1) == [f"line {lines - 1} of {lines}"]


async def test_a_chunked_body_is_read(client: httpx.AsyncClient) -> None:
    body = body_of(stream_of(["in pieces"]))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    answer = await client.post("/ingest", content=pieces(), headers=JSON)
    assert answer.json() == {"accepted": 1}
    assert await stored(client) == ["in pieces"]


async def test_bad_entries_are_named_and_the_good_ones_are_stored(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    future = running.services.now_ns() + 3600 * S
    streams = [
        {"labels": {"service": "api"}, "entries": [{"line": "good 1"}, {"ts": "yesterday", "line": "bad"}]},
        {"labels": {"not a name": "x"}, "entries": [{"line": "bad"}]},
        {"labels": {"service": "db"}, "entries": [{"ts": future, "line": "bad"}, {"line": "good 2"}, {"line": 7}]},
    ]
    answer = await client.post("/ingest", json={"streams": streams})
    assert answer.status_code == 400
    said = answer.json()
    places = {(each["stream"], each["entry"]): each["reason"] for each in said["rejected"]}
    assert set(places) == {(0, 1), (1, 0), (2, 0), (2, 2)}
    assert (said["accepted"], said["rejectedCount"]) == (2, 4)
    assert "4 entries" in said["error"]
    assert "ts" in places[0, 1]
    assert "not a name" in places[1, 0]
    assert "10 minutes" in places[2, 0]
    assert "line" in places[2, 2]
    assert set(await stored(client)) == {"good 1", "good 2"}


async def test_one_bad_entry_of_a_thousand_and_the_same_again(client: httpx.AsyncClient) -> None:
    stream = stream_of([f"line {number}" for number in range(1000)])
    entries = msgspec.convert(stream["entries"], list[Json])
    entries[500]["ts"] = "never"
    for _ in range(2):
        answer = await client.post("/ingest", json={"streams": [{**stream, "entries": entries}]})
        said = answer.json()
        assert (answer.status_code, said["accepted"], said["rejectedCount"]) == (400, 999, 1)
        assert [(each["stream"], each["entry"]) for each in said["rejected"]] == [(0, 500)]
    assert len(await messages(client, limit=2000)) == 999


async def test_at_most_a_hundred_refusals_are_listed_and_all_are_counted(client: httpx.AsyncClient) -> None:
    entries = [{"ts": "never", "line": str(number)} for number in range(250)]
    answer = await client.post("/ingest", json={"streams": [{"labels": {"service": "api"}, "entries": entries}]})
    said = answer.json()
    assert (len(said["rejected"]), said["rejectedCount"], said["accepted"]) == (100, 250, 0)
    assert [each["entry"] for each in said["rejected"]] == list(range(100))


LONE_SURROGATE = rb'{"streams":[{"labels":{"service":"api"},"entries":[{"line":"a\ud800b"}]}]}'


async def test_what_json_allows_and_utf8_does_not_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ingest", content=LONE_SURROGATE, headers=JSON)
    assert answer.json() == {"accepted": 1}
    assert await stored(client) == ["a\ufffdb"]


LINES = ["", "\x00\x01\x1b[31m", "naïve 漢字 \U0001f600", " " * 100, 'quote " and \\ and \n']


async def test_lines_come_back_as_they_were(client: httpx.AsyncClient) -> None:
    for number, line in enumerate(LINES):
        await push(client, stream_of([line], {"service": f"s{number}"}))
        assert await messages(client, f'{{service="s{number}"}}') == [line]


LABELS = [("a", 'x"}'), ("b", "two\nlines"), ("__proto__", "x"), ("constructor", "y"), ("c", "漢"), ("d", "\\d+")]


async def test_label_values_come_back_and_can_be_asked_for(client: httpx.AsyncClient) -> None:
    for name, value in LABELS:
        await push(client, stream_of(["x"], {name: value}), stream_of(["other"], {name: "other"}))
        quoted = msgspec.json.encode(value).decode()
        (found,) = await find(client, f"{{{name}={quoted}}}")
        assert found["labels"] == {name: value}


BAD_LABELS: list[tuple[dict[str, object], str]] = [
    ({}, "label"),
    ({"service": ""}, "label"),
    ({"1abc": "x"}, "1abc"),
    ({"a-b": "x"}, "a-b"),
    ({"ä": "x"}, "must match"),
    ({"a" * 1025: "x"}, "1024"),
    ({"a": "x" * 2049}, "2048"),
    ({f"l{number}": "x" for number in range(16)}, "15"),
    ({"a": 7}, ""),
]


async def test_bad_labels_are_refused_with_their_reason(client: httpx.AsyncClient) -> None:
    for labels, reason in BAD_LABELS:
        entries = [{"line": "x"}]
        answer = await client.post("/ingest", json={"streams": [{"labels": labels, "entries": entries}]})
        said = answer.json()
        assert (answer.status_code, said["accepted"], said["rejectedCount"]) == (400, 0, 1)
        assert reason in said["rejected"][0]["reason"]
        assert await stored(client) == []


@pytest.mark.parametrize("size", [256 * KIB, 256 * KIB + 1])
async def test_the_longest_line(client: httpx.AsyncClient, size: int) -> None:
    answer = await client.post("/ingest", json={"streams": [stream_of(["x" * size, "short"])]})
    if size == 256 * KIB:
        assert answer.json() == {"accepted": 2}
        return
    said = answer.json()
    assert (answer.status_code, said["accepted"]) == (400, 1)
    reason = said["rejected"][0]["reason"]
    assert all(part in reason for part in ("262144", "262145", "ingest.max_line_bytes"))


async def test_longer_lines_are_cut_where_that_is_configured(serve: Servers) -> None:
    running = await serve(ingest__long_lines="truncate", ingest__max_line_bytes="1KiB")
    async with running.client() as client:
        await push(client, stream_of(["y" * 2000]))
        (found,) = await find(client)
    assert (found["message"], found["metadata"]) == ("y" * 1024, {"truncated": "true"})


UNREADABLE = {
    "nothing": b"",
    "blanks": b"  \n",
    "cut off": b'{"streams":[{"labels":{"a":"b"},',
    "something behind": b'{"streams":[]} x',
    "two documents": b'{"streams":[]}{"streams":[]}',
    "a byte order mark": b'\xef\xbb\xbf{"streams":[]}',
    "not UTF-8": b'{"streams":[{"labels":{"a":"\xff"},"entries":[{"line":"x"}]}]}',
    "NaN": b'{"streams":[{"labels":{"a":"b"},"entries":[{"ts":NaN,"line":"x"}]}]}',
    "a list": b"[]",
    "no streams": b"{}",
    "streams that are no list": b'{"streams":{}}',
    "entries that are no list": b'{"streams":[{"labels":{"a":"b"},"entries":{}}]}',
    "ten thousand levels": b'{"streams":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
}


async def test_unreadable_bodies(client: httpx.AsyncClient) -> None:
    for body in UNREADABLE.values():
        answer = await client.post("/ingest", content=body, headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["error"]
        assert (await client.get("/livez")).status_code == 200


async def test_broken_json_is_pointed_at(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ingest", content=b'{"streams":[{"labels":{"a":"b"},}]}', headers=JSON)
    assert "32" in answer.json()["error"]  # the byte


async def test_a_number_beyond_every_float_is_no_time(client: httpx.AsyncClient) -> None:
    body = b'{"streams":[{"labels":{"a":"b"},"entries":[{"ts":1e999,"line":"x"},{"ts":-1,"line":"y"}]}]}'
    answer = await client.post("/ingest", content=body, headers=JSON)
    assert answer.status_code == 400
    assert await stored(client) == []


async def test_deep_nesting_in_an_ignored_field_does_no_harm(client: httpx.AsyncClient) -> None:
    deep = b"[" * 10_000 + b"]" * 10_000
    body = b'{"ignored":' + deep + b',"streams":[{"labels":{"a":"b"},"entries":[{"line":"x"}]}]}'
    answer = await client.post("/ingest", content=body, headers=JSON)
    assert answer.status_code in (200, 400)
    assert (await client.get("/livez")).status_code == 200


KINDS = ["", "text/plain", "application/jsonn", "application/json; charset=utf-16", "multipart/form-data"]


async def test_unknown_content_types(client: httpx.AsyncClient) -> None:
    for kind in KINDS:
        headers = {"Content-Type": kind} if kind else {}
        answer = await client.post("/ingest", content=body_of(stream_of(["x"])), headers=headers)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["error"]
        assert await stored(client) == []


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "snappy"])
async def test_unknown_content_encodings(client: httpx.AsyncClient, encoding: str) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    answer = await client.post("/ingest", content=body_of(stream_of(["x"])), headers=headers)
    assert answer.status_code == 415
    assert "zstd" in answer.json()["error"]
    assert await stored(client) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data + b"x" * 20, lambda _: b"not gzip"])
async def test_damaged_compression(client: httpx.AsyncClient, damage: Callable[[bytes], bytes]) -> None:
    body = damage(gzip.compress(body_of(stream_of(["x"]))))
    answer = await client.post("/ingest", content=body, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert "gzip" in answer.json()["error"]
    assert await stored(client) == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_refused(client: httpx.AsyncClient, encoding: str) -> None:
    bomb = COMPRESSIONS[encoding](b"[" * (32 * MIB))
    answer = await client.post("/ingest", content=bomb, headers={**JSON, "Content-Encoding": encoding})
    assert answer.status_code == 413
    assert "limit" in answer.json()


async def test_a_body_over_the_limit(serve: Servers) -> None:
    running = await serve(ingest__max_body_bytes="64KiB")
    body = body_of(stream_of(["x" * 1000 for _ in range(100)]))

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    async with running.client() as client:
        for content in (body, pieces()):
            answer = await client.post("/ingest", content=content, headers=JSON)
            assert answer.status_code == 413
            assert all(part in answer.json()["error"] for part in ("65536", "ingest.max_body_bytes"))
        assert await stored(client) == []


async def test_too_many_streams_in_one_push(client: httpx.AsyncClient) -> None:
    streams = [{"labels": {"n": str(number)}, "entries": []} for number in range(10_001)]
    answer = await client.post("/ingest", json={"streams": streams})
    assert answer.status_code == 400
    assert (answer.json()["value"], answer.json()["sent"]) == (10_000, 10_001)


async def test_too_many_streams_in_all(serve: Servers) -> None:
    running = await serve(ingest__max_streams="3")
    async with running.client() as client:
        await push(client, *[stream_of(["x"], {"n": str(number)}) for number in range(3)])
        answer = await client.post("/ingest", json={"streams": [stream_of(["y"], {"n": "3"})]})
        assert (answer.status_code, answer.json()["value"], answer.json()["sent"]) == (429, 3, 4)
        assert int(answer.headers["Retry-After"]) > 0
        assert "ingest.max_streams" in answer.json()["error"]
        await push(client, stream_of(["z"], {"n": "2"}, S))
        assert len(await stored(client)) == 4


@pytest.mark.parametrize(("method", "path"), [("GET", "/ingest"), ("POST", "/livez"), ("DELETE", "/query")])
async def test_wrong_methods_name_the_right_ones(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["error"]
    assert answer.headers["Allow"]
