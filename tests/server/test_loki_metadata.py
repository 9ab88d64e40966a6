"""Loki's routes for labels and series on real sockets, and what all routes for metadata refuse."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from logpulse.limits import SELECTORS

from ..loki_bodies import Streams, json_body
from .serving import JSON, MIDNIGHT, Json, RunningServer, S, Servers, until

API = "/loki/api/v1"
SPAN: dict[str, str] = {"start": str(MIDNIGHT), "end": str(MIDNIGHT + 3600 * S)}
STREAMS: Streams = [
    ({"app": "shop", "env": "prod"}, [(MIDNIGHT + S, "a=1"), (MIDNIGHT + 2 * S, "a=2", {"trace_id": "t"})]),
    ({"app": "shop", "env": "dev"}, [(MIDNIGHT + 3 * S, "b")]),
    ({"app": "db", "shard": "7"}, [(MIDNIGHT + 1800 * S, "c")]),
]


@pytest.fixture
async def filled(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a client of a server that holds STREAMS."""
    answer = await client.post(f"{API}/push", content=json_body(STREAMS), headers=JSON)
    assert answer.status_code == 204
    return client


async def asked(client: httpx.AsyncClient, path: str, **parameters: str | Sequence[str]) -> Json:
    """Ask with GET and with POST, which must answer alike."""
    given = {**SPAN, **parameters}
    got = await client.get(f"{API}/{path}", params=given)
    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    posted = await client.post(f"{API}/{path}", data=given)
    assert posted.content == got.content
    body: Json = got.json()
    return body


@pytest.mark.parametrize(
    ("path", "parameters", "data"),
    [
        ("labels", {}, ["app", "env", "shard"]),
        ("label", {}, ["app", "env", "shard"]),
        ("labels", {"query": '{env="prod"}'}, ["app", "env"]),
        ("labels", {"start": str(MIDNIGHT + 7200 * S), "end": str(MIDNIGHT + 7300 * S)}, []),
        ("labels", {"start": "", "end": str(MIDNIGHT + 3600 * S), "since": "2h"}, ["app", "env", "shard"]),
        ("label/app/values", {}, ["db", "shop"]),
        ("label/app/values", {"query": '{env=~".+"}'}, ["shop"]),
        ("label/trace_id/values", {}, []),
        ("label/no%20such/values", {}, []),
        ("label/shard/values", {}, ["7"]),
    ],
)
async def test_labels_and_values(
    filled: httpx.AsyncClient, path: str, parameters: dict[str, str], data: list[str]
) -> None:
    assert await asked(filled, path, **parameters) == {"status": "success", "data": data}


@pytest.mark.parametrize("name", ["match[]", "match"])
@pytest.mark.parametrize(
    ("matches", "found"),
    [
        ([], [0, 1, 2]),
        (["{}"], [0, 1, 2]),
        ([" { } "], [0, 1, 2]),
        (['{env=~".+"}'], [0, 1]),
        (['{env="prod"}', '{app="db"}'], [0, 2]),
        (['{env="prod"}', '{app="shop"}'], [0, 1]),
        (['{app="nosuch"}'], []),
    ],
)
async def test_series(filled: httpx.AsyncClient, name: str, matches: list[str], found: list[int]) -> None:
    expected = sorted((dict(STREAMS[number][0]) for number in found), key=lambda labels: sorted(labels.items()))
    assert await asked(filled, "series", **{name: matches}) == {"status": "success", "data": expected}


async def test_series_of_url_and_form_together(filled: httpx.AsyncClient) -> None:
    url = {"match": '{app="db"}', "start": "0"}
    answer = await filled.post(f"{API}/series", params=url, data={"match[]": '{env="dev"}', **SPAN})
    assert [labels["app"] for labels in answer.json()["data"]] == ["db", "shop"]


async def test_detected_labels(filled: httpx.AsyncClient) -> None:
    found = [{"label": "app", "cardinality": 2}, {"label": "env", "cardinality": 2}]
    assert await asked(filled, "detected_labels") == {"detectedLabels": found}
    assert await asked(filled, "detected_labels", query='{app="nosuch"}') == {}


SELECTOR_ONLY = "only label matchers are supported"
EMPTY = "parse error : syntax error: unexpected $end"
NOT_POSITIVE = "limit must be a positive value"
BACKWARDS = "end timestamp must not be before or equal to start time"
UNREADABLE = "could not parse 'start' parameter: strconv.ParseInt: parsing \"abc\": invalid syntax"
UNSELECTIVE = "parse error : queries require at least one regexp or equality matcher"
ROUTES = [
    "labels",
    "label/app/values",
    "series",
    "detected_labels",
    "index/stats",
    "index/volume",
    "index/volume_range",
    "detected_fields",
    "detected_field/a/values",
]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"start": "abc"}, UNREADABLE),
        ({"start": SPAN["end"], "end": SPAN["start"]}, BACKWARDS),
        ({"since": "zz"}, "could not parse 'since' parameter"),
        ({"query": "{", "match": "{"}, "parse error at line 1, col 2: "),
        ({"query": '{app=~".*"}', "match": '{app=~".*"}'}, UNSELECTIVE),
    ],
)
async def test_what_every_route_refuses(
    client: httpx.AsyncClient, path: str, parameters: dict[str, str], text: str
) -> None:
    answer = await client.get(f"{API}/{path}", params={"query": '{app="a"}', **SPAN, **parameters})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert answer.text.startswith(text)


@pytest.mark.parametrize(
    ("path", "parameters", "text"),
    [
        ("labels", {"query": '{app="a"} |= "x"'}, SELECTOR_ONLY),
        ("label/app/values", {"query": 'rate({app="a"}[5m])'}, SELECTOR_ONLY),
        ("series", {"match": '{app="a"} |= "x"'}, SELECTOR_ONLY),
        ("series", {"match[]": ['{app="a"}', "{}"]}, "0 matchers in group: {}"),
        ("series", {"match[]": ['{app="a"}'] * (SELECTORS + 1)}, "selectors of series is limited to 100, got 101"),
        ("detected_labels", {"query": '{app="a"} |= "x"'}, SELECTOR_ONLY),
        ("index/stats", {}, EMPTY),
        ("index/stats", {"query": "{}"}, UNSELECTIVE),
        ("index/stats", {"query": '{app="a"} |= "x"'}, SELECTOR_ONLY),
        ("index/stats", {"query": '{app="a"}', "step": "-1"}, "zero or negative query resolution step"),
        ("index/volume", {}, EMPTY),
        ("index/volume", {"query": '{app="a"}', "limit": "-1"}, NOT_POSITIVE),
        ("index/volume", {"query": '{app="a"}', "aggregateBy": "x"}, "invalid aggregation option"),
        ("index/volume", {"query": '{app="a"} | json'}, SELECTOR_ONLY),
        ("index/volume_range", {"query": '{app="a"}', "step": "0"}, "zero or negative query resolution step"),
        ("index/volume_range", {"query": '{app="a"}', "step": "x"}, 'cannot parse "x" to a valid duration'),
        ("index/volume_range", {"query": '{app="a"}', "step": "0.1"}, "exceeded maximum resolution of 11,000 points"),
        ("detected_fields", {}, EMPTY),
        ("detected_fields", {"query": '{app="a"}', "line_limit": "0"}, NOT_POSITIVE),
        ("detected_fields", {"query": '{app="a"}', "line_limit": "5001"}, "max entries limit per query exceeded"),
        ("detected_fields", {"query": '{app="a"}', "limit": "-1"}, NOT_POSITIVE),
        ("detected_fields", {"query": '{app="a"}', "field_limit": "x"}, "strconv.Atoi"),
        ("detected_fields", {"query": 'rate({app="a"}[5m])'}, "only log selector is supported"),
        ("detected_fields", {"query": '{app="a"}', "start": "0", "step": "1d"}, "exceeded maximum resolution"),
        ("detected_fields", {"query": '{app="a"}', "start": "0", "step": "2w"}, "the query time range exceeds"),
    ],
)  # fmt: skip
async def test_refusals(
    client: httpx.AsyncClient, path: str, parameters: dict[str, str | Sequence[str]], text: str
) -> None:
    for answer in (
        await client.get(f"{API}/{path}", params={**SPAN, **parameters}),
        await client.post(f"{API}/{path}", data={**SPAN, **parameters}),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert answer.text.startswith(text)


# -- what clients ask about the server --------------------------------------------------------------------------------


async def test_drilldown_limits_are_those_of_the_settings(serve: Servers) -> None:
    running = await serve(query__max_entries="77", ingest__discover_service_name="true", storage__retention_days="2")
    async with running.client() as client:
        answer = (await client.get(f"{API}/drilldown-limits")).json()
        assert answer["pattern_ingester_enabled"] is False
        assert answer["version"] == (await client.get(f"{API}/status/buildinfo")).json()["version"]
        limits = answer["limits"]
        assert (limits["max_entries_limit_per_query"], limits["retention_period"]) == (77, "2d")
        assert (limits["max_query_length"], limits["query_timeout"]) == ("30d1h", "1m")
        assert limits["discover_service_name"][0] == "service"


async def test_parts_that_are_not_there(client: httpx.AsyncClient) -> None:
    for path in ("patterns", "rules"):
        answer = await client.get(f"{API}/{path}", params={"query": '{app="a"}'})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == "no rule groups found"
    for path in ("rules", "alerts"):
        answer = await client.get(f"/prometheus/api/v1/{path}")
        assert (answer.status_code, answer.json()["status"]) == (200, "success")
        assert answer.json()["data"]["groups"] == []


async def test_a_flush_that_is_asked_for(filled: httpx.AsyncClient, running: RunningServer) -> None:
    answer = await filled.post("/flush")
    assert (answer.status_code, answer.content) == (204, b"")
    await until(lambda: bool(running.services.store.view.segments))
