"""What queries may cost, what they say they cost, how they would be answered, and whose turn it is."""

from __future__ import annotations

import itertools
import threading
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import trio

from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.query.engine import MetricsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import MetricsAnswer, ScanStats

from .serving import ALL, MIDNIGHT, PATIENCE, Json, RunningServer, S, Servers, find, push, stream_of, until

LOKI = "/loki/api/v1"
END = str(MIDNIGHT // S + 60)
MINUTE = {"start": END, "end": END}
COUNTED = f"count_over_time({ALL}[1h])"


async def refusal(client: httpx.AsyncClient, path: str, parameters: Mapping[str, str]) -> httpx.Response:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 400, answer.text
    return answer


@pytest.fixture
async def narrow(serve: Servers) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a server with low limits that holds 3 streams of 100 bytes."""
    running = await serve(query__max_series="2", query__max_scan_bytes="200", query__max_points="500")
    async with running.client() as client:
        for service in "abc":
            await push(client, stream_of(["x" * 10] * 10, {"service": service}))
        await trio.to_thread.run_sync(running.services.store.flush)
        yield client


async def test_series_of_a_result(narrow: httpx.AsyncClient) -> None:
    query = 'count_over_time({service="a"} | label_format i=service [1h])'
    assert (await narrow.get("/query", params={"query": query, **MINUTE})).status_code == 200
    query = " or ".join(f'label_replace(vector(1), "a", "{number}", "", "")' for number in range(3))
    answer = await refusal(narrow, "/query", {"query": query, **MINUTE})
    assert answer.json() == {
        "error": "series of one result is limited to 2, got 3; "
        "aggregate by fewer labels, or raise query.max_series to allow more",
        "limit": "series of one result",
        "value": 2,
        "sent": 3,
    }
    for path in ("query", "query_range"):
        answer = await refusal(narrow, f"{LOKI}/{path}", {"query": query})
        assert answer.text == "maximum of series (2) reached for a single query\nraise query.max_series to allow more"


async def test_text_that_may_have_to_be_looked_at(narrow: httpx.AsyncClient) -> None:
    for query in (f'{ALL} |= "x"', COUNTED):
        answer = await refusal(narrow, "/query", {"query": query, "end": END})
        assert answer.json() == {
            "error": "log text that one query may have to look at is limited to 200B, got 300B; "
            "choose fewer streams or a shorter time, or raise query.max_scan_bytes to allow more",
            "limit": "log text that one query may have to look at",
            "value": "200B",
            "sent": "300B",
        }
        span = {"start": str(MIDNIGHT), "end": str(MIDNIGHT + 60 * S), "query": query}
        answer = await refusal(narrow, f"{LOKI}/query_range", span)
        assert answer.text == (
            "the query would read too many bytes (query: 300B, limit: 200B); "
            "choose fewer streams or a shorter time\nraise query.max_scan_bytes to allow more"
        )
    answer = await refusal(narrow, f"{LOKI}/query", {"query": COUNTED, "time": END})
    assert answer.text.startswith("the query would read too many bytes")
    assert len(await find(narrow, '{service=~"a|b"} |= "x"')) == 20
    assert (await narrow.get("/explain", params={"query": f'{ALL} |= "x"'})).json()["selectors"][0]["textBytes"] == 300


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"limit": "5001"}, ["5000", "5001", "query.max_entries"]),
        ({"query": COUNTED, "start": "0", "end": "4000000"}, ["4000000", "query.max_range", "shorter range"]),
        ({"query": COUNTED, "start": "0", "end": "501", "step": "1"}, ["500", "501", "query.max_points", "step"]),
    ],
)
async def test_each_refusal_names_value_setting_and_way_out(
    narrow: httpx.AsyncClient, parameters: dict[str, str], words: list[str]
) -> None:
    for path in ("/query", "/explain"):
        answer = await refusal(narrow, path, {"query": ALL, **parameters})
        assert [word for word in words if word not in answer.json()["error"]] == []


# -- stats ------------------------------------------------------------------------------------------------------------


async def test_stats_of_a_metric_query(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push(client, stream_of(['{"a":1}', "no json"]), stream_of(["other"], {"service": "web"}))
    await trio.to_thread.run_sync(running.services.store.flush)
    await push(client, stream_of(["in memory"], first=MIDNIGHT + 5 * S), stream_of(["x"], first=MIDNIGHT + 9**6 * S))
    await trio.to_thread.run_sync(running.services.store.flush)
    query = 'sum by (a) (count_over_time({service="api"} | json | __error__="" [1h]))'
    said = (await client.get("/query", params={"query": query, **MINUTE})).json()["stats"]
    phases = said.pop("phases")
    assert said.pop("executionTime") >= sum(phases.values()) > 0
    assert phases.keys() == {"plan", "scan", "exact", "evaluate"}
    assert min(phases.values()) > 0
    assert said == {
        "queriedChunks": 2,
        "scannedLines": 3,
        "scannedBytes": len('{"a":1}no jsonin memory'),
        "streams": 1,
        "segments": 2,
        "skippedChunks": 1,
        "cachedSegments": 0,
        "exactLines": 2,
    }
    query = query.replace('="api"', '=~"api"')  # which nobody has asked for yet
    data = (await client.get(f"{LOKI}/query", params={"query": query, "time": END})).json()["data"]["stats"]
    store = data["querier"]["store"]
    assert (store["totalChunksRef"], store["totalChunksDownloaded"]) == (2, 2)
    assert store["chunksDownloadTime"] > 0
    assert data["index"] == {
        "totalChunks": 3,
        "postFilterChunks": 2,
        "totalStreams": 1,
        "shardsDuration": 0,
        "usedBloomFilters": False,
    }
    assert data["summary"]["totalLinesProcessed"] == 3


# -- /explain ---------------------------------------------------------------------------------------------------------


async def test_a_plan(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["12345", "67890"]), stream_of(["abc"], {"service": "web"}))
    await trio.to_thread.run_sync(running.services.store.flush)
    await push(client, stream_of(["memory"], first=MIDNIGHT + 9 * S))
    query = (
        'sum(count_over_time({service="api"}|="5"|logfmt|a="1"[1h]))/sum(rate({service="web"}|label_format b=a[1h]))'
    )
    expected: Json = {
        "query": '(sum(count_over_time({service="api"} |= "5" | logfmt | a="1"[1h]))'
        ' / sum(rate({service="web"} | label_format b=a[1h])))',
        "kind": "metric",
        "selectors": [
            {
                "selector": '{service="api"}',
                "streams": 1,
                "segments": 1,
                "segmentsInTime": 1,
                "headRows": 1,
                "textBytes": 16,
                "pushedDown": ['|= "5"', "| logfmt", '| a="1"'],
                "exact": [],
                "mode": "sql, doubtful rows exactly",
            },
            {
                "selector": '{service="web"}',
                "streams": 1,
                "segments": 1,
                "segmentsInTime": 1,
                "headRows": 0,
                "textBytes": 3,
                "pushedDown": [],
                "exact": ["| label_format b=a"],
                "mode": "exact",
            },
        ],
        "endings": [],
    }
    assert (await client.get("/explain", params={"query": query, **MINUTE})).json() == expected
    answer = await client.post("/explain", data={"query": query, **MINUTE, "step": "1m", "limit": "5"})
    assert (answer.json(), answer.headers["content-type"]) == (expected, "application/json; charset=utf-8")
    said = (await client.get("/explain", params={"query": f'{ALL} |= "x" | json', "direction": "forward"})).json()
    assert (said["kind"], said["selectors"][0]["pushedDown"], said["selectors"][0]["exact"]) == (
        "logs",
        ['|= "x"'],
        ["| json"],
    )
    ending = "| dedup by (a) | context before=1 after=2"
    said = (await client.get("/explain", params={"query": f"{ALL} | json {ending}"})).json()
    assert said["endings"] == ["| dedup by (a)", "| context before=1 after=2"]
    assert said["selectors"][0]["exact"] == ["| json"]


@pytest.mark.parametrize(
    "parameters", [{}, {"query": "{"}, {"query": ALL, "direction": "x"}, {"query": ALL, "end": "x"}]
)
async def test_a_plan_is_refused_as_the_query_is(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    answers = [await refusal(client, path, parameters) for path in ("/query", "/explain")]
    assert answers[0].json() == answers[1].json()


# -- clients that leave -----------------------------------------------------------------------------------------------

# Each of these takes about 10 ms a line, and all lines together ten seconds.
SLOW_LINES = 1000
LINES_A_SECOND = 100
SLOW = '{service="slow"} | line_format `{{ range $n := fromJson __line__ }}{{ add $n 1 }}{{ end }}`'
SLOW_QUERIES = [
    ("/query", {"query": f"{SLOW} |= `never`"}),
    ("/query", {"query": f"sum(bytes_over_time({SLOW} [1h]))", **MINUTE}),
    (f"{LOKI}/query", {"query": f"sum(bytes_over_time({SLOW} [1h]))", "time": END}),
]


@pytest.mark.parametrize(("path", "parameters"), SLOW_QUERIES)
async def test_the_exact_form_stops_within_a_second_of_its_client_leaving(
    running: RunningServer,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    parameters: dict[str, str],
) -> None:
    line = f"[{','.join(map(str, range(2000)))}]"
    entries = [{"ts": str(MIDNIGHT + number), "line": f"{line[:-1]},{number}]"} for number in range(SLOW_LINES)]
    await push(client, {"labels": {"service": "slow"}, "entries": entries})
    began, whole, lines = threading.Event(), Pipeline.sample, itertools.count()

    def sample(pipeline: Pipeline, record: Record) -> float | None:
        began.set()
        next(lines)
        return whole(pipeline, record)

    monkeypatch.setattr(Pipeline, "sample", sample)
    async with running.client() as leaving, trio.open_nursery() as nursery:

        async def ask() -> None:
            await leaving.get(path, params=parameters)

        nursery.start_soon(ask)
        assert await trio.to_thread.run_sync(began.wait, PATIENCE)
        assert running.services.queries.running == 1
        nursery.cancel_scope.cancel()
    left_at = next(lines)
    await until(lambda: running.services.queries.running == 0)
    assert next(lines) - left_at < LINES_A_SECOND  # by the lines, as a busy machine takes longer for each


# -- turns ------------------------------------------------------------------------------------------------------------

ROUTES: list[tuple[str, dict[str, str]]] = [
    ("/query", {"query": ALL}),
    ("/query", {"query": COUNTED, **MINUTE}),
    ("/explain", {"query": ALL}),
    ("/labels", {}),
    ("/labels/service/values", {}),
    (f"{LOKI}/query_range", {"query": ALL}),
    (f"{LOKI}/query_range", {"query": COUNTED}),
    (f"{LOKI}/query", {"query": COUNTED}),
    (f"{LOKI}/labels", {}),
    (f"{LOKI}/label/service/values", {}),
    (f"{LOKI}/series", {}),
    (f"{LOKI}/index/stats", {"query": ALL}),
    (f"{LOKI}/index/volume", {"query": ALL}),
    (f"{LOKI}/index/volume_range", {"query": ALL}),
    (f"{LOKI}/detected_labels", {}),
    (f"{LOKI}/detected_fields", {"query": ALL}),
    (f"{LOKI}/detected_field/x/values", {"query": ALL}),
]


class Heavy:
    """Answer metric queries only when released, four at a time as the settings allow."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.release = threading.Semaphore(0)

    def metrics(self, _: MetricsRequest, interrupt: Interrupt) -> MetricsAnswer:
        self.began.release()
        while not self.release.acquire(timeout=0.01):
            interrupt.check()
        return MetricsAnswer(1.0, ScanStats())


async def test_every_query_waits_for_its_turn_behind_four_heavy_ones_and_no_longer_than_the_queue_says(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(client, stream_of(["x"]))
    heavy = Heavy()
    monkeypatch.setattr(running.services.engine, "metrics", heavy.metrics)
    monkeypatch.setattr(running.services.queries, "_wait", 0.1)
    async with running.client() as others, trio.open_nursery() as nursery:

        async def ask() -> None:
            assert (await others.get("/query", params={"query": "1", **MINUTE})).status_code == 200

        for _ in range(4):
            nursery.start_soon(ask)
        for _ in range(4):
            assert await trio.to_thread.run_sync(heavy.began.acquire, True, PATIENCE)
        for path, parameters in ROUTES:
            answer = await client.get(path, params=parameters)
            assert (answer.status_code, answer.headers.get("retry-after")) == (429, "2"), path
            assert "query.max_concurrent" in answer.text, path
        monkeypatch.setattr(running.services.queries, "_wait", PATIENCE)
        found: list[Json] = []

        async def cheap() -> None:
            found.extend(await find(client))

        nursery.start_soon(cheap)
        await until(lambda: running.services.queries._limiter.statistics().tasks_waiting == 1)
        heavy.release.release()  # one of the four ends, and the cheap one is next
        await until(lambda: len(found) == 1)
        assert running.services.queries.running == 3
        for _ in range(3):
            heavy.release.release()
