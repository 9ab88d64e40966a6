"""GET and POST /volume: buckets over time by level, as /query shows them."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from logpulse.units import parse_rfc3339

from .serving import ALL, MIDNIGHT, Json, S, Servers, find, push, stream_of


async def volume(client: httpx.AsyncClient, **parameters: str | int) -> Json:
    """Ask with GET and with POST, which must answer alike."""
    got = await client.get("/volume", params=parameters)
    assert got.status_code == 200, got.text
    posted = await client.post("/volume", data=parameters)
    first, second = got.json(), posted.json()
    assert {**first, "stats": 0} == {**second, "stats": 0}
    body: Json = first
    return body


def counted(answer: Json) -> Counter[tuple[str, str]]:
    """Give the entries of each level and bucket, where there are any."""
    levels: list[Json] = answer["levels"]  # type: ignore[assignment]
    times: list[str] = answer["times"]  # type: ignore[assignment]
    for each in levels:
        assert each["total"] == sum(each["counts"])  # type: ignore[call-overload]
    assert answer["total"] == sum(each["total"] for each in levels)  # type: ignore[misc]
    return Counter(
        {
            (str(each["level"]), time): number
            for each in levels
            for time, number in zip(times, each["counts"], strict=True)  # type: ignore[call-overload]
            if number
        }
    )


async def test_the_shape(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["a", "b"], {"service": "api", "level": "warn"}), stream_of(["ERROR c", "d", "e"]))
    answer = await volume(client, query=ALL, start=MIDNIGHT, end=MIDNIGHT + 4 * S, buckets=2)
    stats = answer.pop("stats")
    assert stats["scannedLines"] == 5  # type: ignore[index]
    assert answer == {
        "start": "2026-01-15T00:00:00Z",
        "end": "2026-01-15T00:00:04Z",
        "step": "2s",
        "times": ["2026-01-15T00:00:00Z", "2026-01-15T00:00:02Z"],
        "levels": [
            {"level": "error", "counts": [1, 0], "total": 1},
            {"level": "warn", "counts": [2, 0], "total": 2},
            {"level": "", "counts": [1, 1], "total": 2},
        ],
        "total": 5,
        "estimated": False,
    }


async def test_without_a_range_all_that_is_stored_counts(client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"line {n}" for n in range(100)]))
    answer = await volume(client)
    assert answer["total"] == 100
    assert (answer["start"], answer["end"]) == ("2026-01-15T00:00:00Z", "2026-01-15T00:01:39.000000001Z")
    later = await volume(client, start=MIDNIGHT + 50 * S)
    assert (later["total"], later["end"]) == (50, answer["end"])
    assert len(later["times"]) <= 60  # type: ignore[arg-type]


async def test_without_entries_there_is_nothing(client: httpx.AsyncClient) -> None:
    answer: Json = (await client.get("/volume")).json()
    assert (answer["times"], answer["levels"], answer["total"]) == ([], [], 0)
    assert answer["start"] == answer["end"]
    explicit = await volume(client, start=MIDNIGHT, end=MIDNIGHT + 2 * S, buckets=2)
    assert (len(explicit["times"]), explicit["levels"]) == (2, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("detect", ["true", "false"])
@pytest.mark.parametrize("query", [ALL, '{} |= "status"', "{} | json | status >= 500", "{} | logfmt | drop level"])
async def test_levels_are_those_of_query(serve: Servers, detect: str, query: str) -> None:
    running = await serve(ingest__detect_level=detect)
    lines = ['{"level":"error","status":500}', "level=info status=503", "WARN x status", '{"status":', "plain", ""]
    streams = [{"service": "api"}, {"service": "api", "level": "Warning"}, {"service": "api", "severity": "err"}]
    async with running.client() as client:
        await push(client, *(stream_of(lines, labels) for labels in streams))
        await running.services.flusher.flushed()
        answer = await volume(client, query=query, start=MIDNIGHT, end=MIDNIGHT + 6 * S, buckets=3)
        shown = await find(client, query, limit=1000)
    step = 2 * S
    assert answer["step"] == "2s"
    begins = {parse_rfc3339(time): time for time in answer["times"]}  # type: ignore[attr-defined]
    assert counted(answer) == Counter(
        (str(each["level"]), begins[parse_rfc3339(str(each["timestamp"])) // step * step]) for each in shown
    )


async def test_endings_of_the_query_do_not_matter(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["same", "same", "other"]))
    assert (await volume(client, query='{} |= "same" | dedup | context before=5'))["total"] == 2


@pytest.mark.parametrize(
    ("parameters", "field", "text"),
    [
        ({"buckets": "0"}, "buckets", "buckets: must be a whole number from 1 to 120, got '0'"),
        ({"buckets": "121"}, "buckets", "buckets: must be a whole number from 1 to 120, got '121'"),
        ({"buckets": "1e1"}, "buckets", "buckets: must be a whole number from 1 to 120, got '1e1'"),
        ({"start": "x"}, "start", "start: must be RFC 3339 such as 2026-01-15T10:30:00Z, got 'x'"),
        ({"start": "2", "end": "1"}, "end", "end: must not be before start, got '1'"),
        (
            {"query": "rate({a=`b`}[5m])"},
            "query",
            'query: must be a log query such as {service="api"} |= "error", got \'rate({a=`b`}[5m])\'',
        ),
    ],
)
async def test_refusals(client: httpx.AsyncClient, parameters: dict[str, str], field: str, text: str) -> None:
    answer = await client.get("/volume", params=parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": text, "field": field})


async def test_a_malformed_query_is_refused_as_by_query(client: httpx.AsyncClient) -> None:
    for path in ("/volume", "/fields", "/fields/a/values", "/export"):
        answer = await client.get(path, params={"query": "{a="})
        expected = await client.get("/query", params={"query": "{a="})
        assert (answer.status_code, answer.json()) == (400, expected.json())
