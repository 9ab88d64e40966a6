"""Loki's routes for sizes and for detected fields on real sockets."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from ..loki_bodies import Streams, json_body
from .serving import JSON, MIDNIGHT, Json, RunningServer, S

API = "/loki/api/v1"
SPAN: dict[str, str] = {"start": str(MIDNIGHT), "end": str(MIDNIGHT + 3600 * S)}
STREAMS: Streams = [
    (
        {"app": "shop", "env": "prod"},
        [(MIDNIGHT + n * 60 * S, f'{{"n":{n},"size":"{n + 1}KB"}}'.ljust(100), {"user": "ada"}) for n in range(30)],
    ),
    ({"app": "shop", "env": "dev"}, [(MIDNIGHT + 90 * S, "mode=auto".ljust(1600))]),
    ({"app": "db"}, [(MIDNIGHT + 100 * S, "mode=slow".ljust(2100))]),
]


@pytest.fixture(params=["in memory", "on disk"])
async def filled(
    request: pytest.FixtureRequest, running: RunningServer, client: httpx.AsyncClient
) -> httpx.AsyncClient:
    """Give a client of a server that holds STREAMS."""
    answer = await client.post(f"{API}/push", content=json_body(STREAMS), headers=JSON)
    assert answer.status_code == 204
    if request.param == "on disk":
        running.services.store.flush()
    return client


async def asked(client: httpx.AsyncClient, path: str, **parameters: str) -> Json:
    """Ask with GET and with POST, which must answer alike but for the times in their stats."""
    given = {"query": '{app=~".+"}', **SPAN, **parameters}
    got = await client.get(f"{API}/{path}", params=given)
    posted = await client.post(f"{API}/{path}", data=given)
    assert (got.status_code, posted.status_code) == (200, 200), got.text
    bodies = [msgspec.json.decode(answer.content, type=Json) for answer in (got, posted)]
    for body in bodies:
        if "data" in body:
            data = msgspec.convert(body["data"], Json)
            assert data.pop("stats")
            body["data"] = data
    assert bodies[0] == bodies[1]
    return bodies[0]


@pytest.mark.parametrize(
    ("parameters", "streams", "size", "entries"),
    [
        ({}, 3, 6700, 32),
        ({"query": '{env="prod"}'}, 1, 3000, 30),
        ({"query": '{env="prod"}', "end": str(MIDNIGHT + 600 * S)}, 1, 1100, 11),
        ({"query": '{app="db"}', "start": str(MIDNIGHT + 101 * S)}, 0, 0, 0),
        ({"query": '{app="nosuch"}'}, 0, 0, 0),
    ],
)
async def test_index_stats(
    filled: httpx.AsyncClient, parameters: dict[str, str], streams: int, size: int, entries: int
) -> None:
    stats = await asked(filled, "index/stats", **parameters)
    chunks = stats.pop("chunks")
    assert stats == {"streams": streams, "bytes": size, "entries": entries}
    assert bool(chunks) == bool(streams)


@pytest.mark.parametrize("path", ["index/volume", "index/volume_range"])
@pytest.mark.parametrize(
    ("parameters", "volumes"),
    [
        ({}, [({"app": "shop"}, 5120), ({"app": "db"}, 2048)]),
        ({"limit": "1"}, [({"app": "shop"}, 5120)]),
        ({"limit": "0"}, [({"app": "shop"}, 5120), ({"app": "db"}, 2048)]),
        ({"targetLabels": "env,"}, [({"env": "prod"}, 3072), ({"env": "dev"}, 2048)]),
        ({"aggregateBy": "labels"}, [({"app": ""}, 7168), ({"env": ""}, 5120)]),
        ({"query": "{}", "limit": "2"}, [({"app": "shop", "env": "prod"}, 3072), ({"app": "db"}, 2048)]),
        ({"query": '{app="nosuch"}'}, []),
    ],
)
async def test_volumes(
    filled: httpx.AsyncClient, path: str, parameters: dict[str, str], volumes: list[tuple[dict[str, str], int]]
) -> None:
    answer = await asked(filled, path, **parameters)
    result = [{"metric": metric, "value": [MIDNIGHT // S + 3600, str(size)]} for metric, size in volumes]
    assert answer == {"status": "success", "data": {"resultType": "vector", "result": result}}


async def test_volumes_by_step(filled: httpx.AsyncClient) -> None:
    answer = await asked(filled, "index/volume_range", step="900")
    begin = MIDNIGHT // S
    shop = [[begin + 899.999, str(15 * 107 + 1600)], [begin + 1799.999, str(15 * 107)]]
    result = [
        {"metric": {"app": "shop"}, "values": shop},
        {"metric": {"app": "db"}, "values": [[begin + 899.999, "2100"]]},
    ]
    assert answer["data"] == {"resultType": "matrix", "result": result}


async def test_detected_fields(filled: httpx.AsyncClient) -> None:
    fields = [
        {"label": "user", "type": "string", "cardinality": 1, "parsers": None},
        {"label": "n", "type": "int", "cardinality": 30, "parsers": ["json"], "jsonPath": ["n"]},
        {"label": "size", "type": "bytes", "cardinality": 30, "parsers": ["json"], "jsonPath": ["size"]},
        {"label": "mode", "type": "string", "cardinality": 2, "parsers": ["logfmt"]},
    ]
    assert await asked(filled, "detected_fields") == {"fields": fields, "limit": 1000}
    assert await asked(filled, "detected_fields", limit="2") == {"fields": fields[:2], "limit": 2}
    assert await asked(filled, "detected_fields", field_limit="3") == {"fields": fields[:3], "limit": 3}
    few = await asked(filled, "detected_fields", line_limit="5", query='{app="shop"}')
    assert msgspec.convert(few["fields"], list[Json])[1]["cardinality"] == 5
    assert await asked(filled, "detected_fields", query='{app="nosuch"}') == {}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ('{app="shop"} |= "size"', 30),
        ('{app="shop"} | json | n < 10', 10),
        ('{app="shop"} | json | n < 10 |= "1KB"', 1),
        ('{app="shop"} | logfmt | mode="auto" | line_format "n={{.mode}}"', 1),
    ],
)
async def test_fields_of_what_a_pipeline_keeps(filled: httpx.AsyncClient, query: str, count: int) -> None:
    answer = await asked(filled, "detected_fields", query=query, line_limit="1000")
    found = {str(each["label"]): each for each in msgspec.convert(answer["fields"], list[Json])}
    assert found["n"]["cardinality"] == count


async def test_values_of_fields(filled: httpx.AsyncClient) -> None:
    assert await asked(filled, "detected_field/mode/values") == {"values": ["auto", "slow"], "limit": 1000}
    sizes = await asked(filled, "detected_field/size/values", query='{env="prod"} |= "29KB"')
    assert sizes == {"values": ["29kB"], "limit": 1000}
    assert await asked(filled, "detected_field/user/values", limit="5") == {"values": ["ada"], "limit": 5}
    assert await asked(filled, "detected_field/nosuch/values") == {}
