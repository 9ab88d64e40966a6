"""GET and POST /fields and /fields/{name}/values: labels and fields with counts."""

from __future__ import annotations

import httpx
import pytest

from logpulse.limits import FIELD_SAMPLE_LINES

from .serving import ALL, MIDNIGHT, Json, RunningServer, S, push, stream_of


async def asked(client: httpx.AsyncClient, path: str, **parameters: str | int) -> Json:
    """Ask with GET and with POST, which must answer alike."""
    got = await client.get(path, params=parameters)
    assert got.status_code == 200, got.text
    posted = await client.post(path, data=parameters)
    assert posted.content == got.content
    body: Json = got.json()
    return body


@pytest.fixture
async def filled(client: httpx.AsyncClient, running: RunningServer) -> httpx.AsyncClient:
    """Give a client of a server with entries of three streams on disk and in memory."""
    await push(
        client,
        stream_of(["took=5ms code=200", "took=7ms code=200"], {"service": "api", "env": "prod"}),
        stream_of(["took=5ms code=500"], {"service": "api", "env": "dev"}),
    )
    await running.services.flusher.flushed()
    await push(client, stream_of(['{"user":{"id":"ada"}}'] * 4, {"service": "web"}))
    return client


def pairs(listed: object) -> list[tuple[str, int]]:
    """Give values with their counts."""
    assert isinstance(listed, list)
    return [(each["value"], each["count"]) for each in listed]


async def test_labels_and_fields(filled: httpx.AsyncClient) -> None:
    answer = await asked(filled, "/fields")
    assert answer == {
        "labels": [
            {
                "name": "env",
                "cardinality": 2,
                "values": [{"value": "prod", "count": 2}, {"value": "dev", "count": 1}],
            },
            {
                "name": "service",
                "cardinality": 2,
                "values": [{"value": "web", "count": 4}, {"value": "api", "count": 3}],
            },
        ],
        "fields": [
            {
                "name": "user_id",
                "type": "string",
                "cardinality": 1,
                "cardinalityIsEstimated": False,
                "parsers": ["json"],
                "values": [{"value": "ada", "count": 4}],
            },
            {
                "name": "took",
                "type": "duration",
                "cardinality": 2,
                "cardinalityIsEstimated": False,
                "parsers": ["logfmt"],
                "values": [{"value": "5ms", "count": 2}, {"value": "7ms", "count": 1}],
            },
            {
                "name": "code",
                "type": "int",
                "cardinality": 2,
                "cardinalityIsEstimated": False,
                "parsers": ["logfmt"],
                "values": [{"value": "200", "count": 2}, {"value": "500", "count": 1}],
            },
        ],
        "sampledLines": 7,
    }


async def test_labels_are_counted_exactly_in_part_of_the_time(filled: httpx.AsyncClient) -> None:
    answer = await asked(filled, "/fields", start=MIDNIGHT + S, end=MIDNIGHT + 2 * S)
    labels = {each["name"]: pairs(each["values"]) for each in answer["labels"]}  # type: ignore[attr-defined]
    assert labels == {"env": [("prod", 1)], "service": [("api", 1), ("web", 1)]}


async def test_labels_follow_the_selector_and_fields_the_whole_query(filled: httpx.AsyncClient) -> None:
    answer = await asked(filled, "/fields", query='{service="api"} |= "500"', limit=1, values=1)
    assert answer["labels"] == [{"name": "env", "cardinality": 2, "values": [{"value": "prod", "count": 2}]}]
    fields: list[Json] = answer["fields"]  # type: ignore[assignment]
    assert ([each["name"] for each in fields], answer["sampledLines"]) == (["took"], 1)


async def test_more_lines_than_the_sample_make_an_estimate(client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"n={n}" for n in range(FIELD_SAMPLE_LINES + 1)]))
    answer = await asked(client, "/fields")
    fields: list[Json] = answer["fields"]  # type: ignore[assignment]
    assert [(each["cardinality"], each["cardinalityIsEstimated"]) for each in fields] == [(FIELD_SAMPLE_LINES, True)]
    assert answer["sampledLines"] == FIELD_SAMPLE_LINES


@pytest.mark.parametrize(
    ("path", "parameters", "values", "more"),
    [
        ("service", {}, [("web", 4), ("api", 3)], False),
        ("service", {"limit": 1}, [("web", 4)], True),
        ("service", {"prefix": "a"}, [("api", 3)], False),
        ("env", {"query": '{env="dev"}'}, [("dev", 1)], False),
        ("took", {}, [("5ms", 2), ("7ms", 1)], False),
        ("took", {"query": '{} |= "500"'}, [("5ms", 1)], False),
        ("user_id", {"prefix": "x"}, [], False),
        ("no%20such", {}, [], False),
    ],
)
async def test_values_of_one(
    filled: httpx.AsyncClient, path: str, parameters: dict[str, str | int], values: list[tuple[str, int]], more: bool
) -> None:
    answer = await asked(filled, f"/fields/{path}/values", **parameters)
    assert (pairs(answer["values"]), answer["more"]) == (values, more)


async def test_without_entries_there_is_nothing(client: httpx.AsyncClient) -> None:
    assert await asked(client, "/fields", query=ALL) == {"labels": [], "fields": [], "sampledLines": 0}
    assert await asked(client, "/fields/x/values") == {"values": [], "more": False}


@pytest.mark.parametrize("path", ["/fields", "/fields/a/values"])
@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "100000"}, "limit"),
        ({"query": "rate({a=`b`}[5m])"}, "query"),
        ({"start": "2", "end": "1"}, "end"),
    ],
)
async def test_refusals(client: httpx.AsyncClient, path: str, parameters: dict[str, str], field: str) -> None:
    answer = await client.get(path, params=parameters)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert answer.json()["error"].startswith(f"{field}: must ")
