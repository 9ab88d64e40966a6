"""Loki's query routes on real sockets."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

import httpx
import msgspec
import numpy as np
import pytest

from logpulse.errors import (
    LimitExceededError,
    LogPulseError,
    OverloadedError,
    QueryTimeoutError,
    UnavailableError,
)
from logpulse.limits import QUERY_CHARACTERS
from logpulse.query.engine import LogsRequest, MetricsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.result import LogsPage, MetricsAnswer, ScanStats

from ..loki_bodies import Streams, json_body
from .serving import JSON, MIDNIGHT, Json, RunningServer, S, Servers

RANGE = "/loki/api/v1/query_range"
INSTANT = "/loki/api/v1/query"
GRAFANA = {
    "User-Agent": "Grafana/11.0.0",
    "X-Loki-Response-Encoding-Flags": "categorize-labels",
    "X-Query-Tags": "Source=logvolhist",
    "X-Scope-OrgID": "fake",
}
SPAN: dict[str, str | int] = {"start": str(MIDNIGHT), "end": str(MIDNIGHT + 3600 * S)}
ALL = '{app=~".+"}'
NO_HEADERS: dict[str, str] = {}


async def push(client: httpx.AsyncClient, streams: Streams) -> None:
    answer = await client.post("/loki/api/v1/push", content=json_body(streams), headers=JSON)
    assert answer.status_code == 204


async def ask(
    client: httpx.AsyncClient, query: str, headers: Mapping[str, str] = NO_HEADERS, **more: str | int
) -> Json:
    """Ask over the whole span, and give what the answer holds."""
    answer = await client.get(RANGE, params={"query": query, **SPAN, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = msgspec.json.decode(answer.content, type=Json)
    assert body["status"] == "success"
    return msgspec.convert(body["data"], Json)


async def streams(client: httpx.AsyncClient, query: str = ALL, **more: str | int) -> list[Json]:
    return msgspec.convert((await ask(client, query, NO_HEADERS, **more))["result"], list[Json])


async def refused(client: httpx.AsyncClient, path: str, **parameters: str | int) -> tuple[int, str]:
    """Ask for what is refused; the answer must be plain text."""
    answer = await client.get(path, params=parameters)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code, answer.text


TWO: Streams = [
    ({"app": "a", "env": "p"}, [(MIDNIGHT + n * S, f"line {n}") for n in range(0, 10, 2)]),
    ({"app": "b"}, [(MIDNIGHT + n * S, f"line {n}", {"trace.id": "t1", "app": "meta"}) for n in range(1, 10, 2)]),
]


async def test_entries_with_their_metadata_folded_into_the_labels(client: httpx.AsyncClient) -> None:
    await push(client, TWO)
    data = await ask(client, ALL, limit=3)
    stats = msgspec.convert(data.pop("stats"), dict[str, Json])
    assert data == {
        "resultType": "streams",
        "result": [
            {
                "stream": {"app": "b", "app_extracted": "meta", "trace_id": "t1"},
                "values": [[str(MIDNIGHT + 9 * S), "line 9"], [str(MIDNIGHT + 7 * S), "line 7"]],
            },
            {"stream": {"app": "a", "env": "p"}, "values": [[str(MIDNIGHT + 8 * S), "line 8"]]},
        ],
    }
    assert stats["summary"]["totalLinesProcessed"] == 10
    assert stats["summary"]["totalEntriesReturned"] == 3


async def test_categories_are_what_grafana_asks_for(client: httpx.AsyncClient) -> None:
    await push(client, TWO)
    data = await ask(client, '{app="b"}', GRAFANA, limit=1, direction="FORWARD")
    assert data["encodingFlags"] == ["categorize-labels"]
    triple = [str(MIDNIGHT + S), "line 1", {"structuredMetadata": {"app_extracted": "meta", "trace_id": "t1"}}]
    assert data["result"] == [{"stream": {"app": "b"}, "values": [triple]}]
    data = await ask(client, '{app="a"}', {"X-Loki-Response-Encoding-Flags": "other,,x"}, limit=1)
    assert data["encodingFlags"] == ["other", "x"]
    assert data["result"] == [{"stream": {"app": "a", "env": "p"}, "values": [[str(MIDNIGHT + 8 * S), "line 8"]]}]


async def test_start_is_inclusive_and_end_exclusive(client: httpx.AsyncClient) -> None:
    await push(client, TWO)
    found = await streams(client, start=str(MIDNIGHT + 2 * S), end=str(MIDNIGHT + 4 * S), direction="forward")
    assert [each["values"] for each in found] == [
        [[str(MIDNIGHT + 2 * S), "line 2"]],
        [[str(MIDNIGHT + 3 * S), "line 3"]],
    ]
    assert await streams(client, start=str(MIDNIGHT), end=str(MIDNIGHT)) == []


async def test_logcli_pages_see_each_entry(client: httpx.AsyncClient) -> None:
    await push(client, [({"app": "a"}, [(MIDNIGHT + n // 3, f"line {n}") for n in range(100)])])
    seen: list[tuple[str, str]] = []
    end = MIDNIGHT + 3600 * S
    while True:
        found = await streams(client, end=str(end), limit=10)
        values = [value for each in found for value in msgspec.convert(each["values"], list[tuple[str, str]])]
        new = [value for value in values if value not in seen]
        if not new:
            break
        seen += new
        end = int(new[-1][0]) + 1
    assert [line for _, line in seen] == [f"line {n}" for n in reversed(range(100))]


async def test_an_interval_thins_out(client: httpx.AsyncClient) -> None:
    await push(client, TWO)
    found = await streams(client, interval="4s", direction="forward")
    times = sorted(value[0] for each in found for value in msgspec.convert(each["values"], list[list[str]]))
    assert times == [str(MIDNIGHT + n * S) for n in (0, 4, 8)]
    found = await streams(client, interval="4", limit=2)
    times = sorted(value[0] for each in found for value in msgspec.convert(each["values"], list[list[str]]))
    assert times == [str(MIDNIGHT + n * S) for n in (5, 9)]


async def test_a_form_wins_over_the_url(client: httpx.AsyncClient) -> None:
    await push(client, TWO)
    answer = await client.post(RANGE, params={"query": '{app="b"}', "limit": "1"}, data={"query": '{app="a"}', **SPAN})
    assert answer.status_code == 200
    (found,) = answer.json()["data"]["result"]
    assert (found["stream"]["app"], len(found["values"])) == ("a", 1)
    answer = await client.post(RANGE, params={"query": '{app="b"}', **SPAN})
    assert answer.json()["data"]["result"][0]["stream"]["app"] == "b"
    answer = await client.post(RANGE, json={"query": '{app="b"}'})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate", "br;q=1, gzip;q=0.5"])
async def test_long_answers_are_compressed_for_who_likes_it(client: httpx.AsyncClient, accepted: str) -> None:
    await push(client, [({"app": "a"}, [(MIDNIGHT + n, "x" * 100) for n in range(1000)])])
    for limit, encoding in (1, None), (1000, "gzip"):
        parameters = {"query": ALL, **SPAN, "limit": limit}
        async with client.stream("GET", RANGE, params=parameters, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["vary"] == "Accept-Encoding"
        body = gzip.decompress(raw) if encoding else raw
        assert len(msgspec.json.decode(body)["data"]["result"][0]["values"]) == limit
    for refused_encoding in ("identity", "gzip;q=0", "deflate"):
        answer = await client.get(
            RANGE, params={"query": ALL, **SPAN, "limit": 1000}, headers={"Accept-Encoding": refused_encoding}
        )
        assert "content-encoding" not in answer.headers


# -- metric queries: the engine is a stand-in, since only what is made of its answers matters here ---


def answering(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, answer: Callable[[MetricsRequest], Matrix | float]
) -> list[MetricsRequest]:
    """Let the engine answer metric queries by `answer`, and give what it will have been asked."""
    asked: list[MetricsRequest] = []

    def metrics(request: MetricsRequest, _interrupt: Interrupt) -> MetricsAnswer:
        asked.append(request)
        return MetricsAnswer(answer(request), ScanStats(1, 2, 3))

    monkeypatch.setattr(running.services.engine, "metrics", metrics)
    return asked


async def test_a_range_of_a_metric(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: MetricsRequest) -> Matrix:
        times = np.arange(request.start, request.end + 1, request.step)
        values = np.arange(len(times), dtype=np.float64).reshape(1, -1) / 2
        return Matrix(times, ((("app", "a"),),), values, values != 0.5)

    asked = answering(running, monkeypatch, answer)
    data = await ask(
        client, 'sum by (app) (rate({app="a"}[1m]))', GRAFANA, start="1768435207", end="1768435327", step="60000ms"
    )
    assert (asked[0].start, asked[0].end, asked[0].step) == (MIDNIGHT, MIDNIGHT + 180 * S, 60 * S)
    points = [[1768435200, "0"], [1768435320, "1"], [1768435380, "1.5"]]
    assert msgspec.convert(data.pop("stats"), dict[str, Json])["summary"]["totalLinesProcessed"] == 2
    assert data == {"resultType": "matrix", "result": [{"metric": {"app": "a"}, "values": points}]}


async def test_a_number_over_a_range(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(running, monkeypatch, lambda _: 2.0)
    data = await ask(client, "1 + 1", start="1768435207", end="1768435260", step="60")
    assert data["result"] == [{"metric": {}, "values": [[1768435200, "2"], [1768435260, "2"]]}]


async def test_instant_queries(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = np.ones((1, 1))
    asked = answering(running, monkeypatch, lambda request: Matrix(np.array([request.start]), ((),), one * 2, one > 0))
    answer = await client.get(
        INSTANT, params={"query": "vector(1)+vector(1)", "time": str(MIDNIGHT), "direction": "backward", "step": "0"}
    )
    assert answer.status_code == 200
    assert (asked[0].start, asked[0].end) == (MIDNIGHT, MIDNIGHT)
    data = answer.json()["data"]
    assert (data["resultType"], data["result"]) == ("vector", [{"metric": {}, "value": [1768435200, "2"]}])
    answering(running, monkeypatch, lambda _: 2.0)
    answer = await client.post(INSTANT, data={"query": "1+1", "time": "1768435200.5"})
    assert answer.json()["data"]["result"] == [1768435200500, "2"]
    answering(running, monkeypatch, lambda request: Matrix.empty(np.array([request.start])))
    answer = await client.get(INSTANT, params={"query": 'count_over_time({app="x"}[3s])'})
    assert answer.json()["data"]["result"] == []


# -- refusals ---------------------------------------------------------------------------------------------------------


async def test_refusals_are_text(client: httpx.AsyncClient) -> None:
    query = {"query": ALL, **SPAN}
    assert await refused(client, RANGE) == (400, "parse error : syntax error: unexpected $end")
    assert await refused(client, RANGE, **{**query, "limit": "0"}) == (400, "limit must be a positive value")
    assert await refused(client, RANGE, **{**query, "query": "{"}) == (
        400,
        "parse error at line 1, col 2: unexpected end of the query; expected a label name or `}`",
    )
    assert await refused(client, INSTANT, query=ALL) == (
        400,
        "log queries are not supported as an instant query type, please change your query to a range query type",
    )
    assert await refused(client, "/loki/api/v1/query_rangex", **query) == (404, "404 page not found")
    assert await refused(client, "/api/prom/nosuch") == (404, "404 page not found")
    answer = await client.delete(RANGE)
    assert (answer.status_code, answer.content) == (405, b"")
    answer = await client.get("/nosuch")
    assert answer.json()["error"].startswith("Not Found")


FAILURES: list[tuple[Exception, int, str, str | None]] = [
    (
        QueryTimeoutError(60.0),
        504,
        "request timed out, decrease the duration of the request or add more label matchers (query.timeout is 60s)",
        None,
    ),
    (
        OverloadedError("queries waiting", 64, 65, retry_after=2),
        429,
        "queries waiting is limited to 64, got 65",
        "2",
    ),
    (UnavailableError("starting", 3), 503, "starting", "3"),
    (
        LimitExceededError("series", 500, 501, "x.y"),
        400,
        "series is limited to 500, got 501; raise x.y to allow more",
        None,
    ),
    (LogPulseError(), 500, "LogPulseError", None),
    (ZeroDivisionError("defect"), 500, "internal error; the server's log has the details", None),
]


@pytest.mark.parametrize(("error", "status", "text", "retry_after"), FAILURES, ids=lambda value: type(value).__name__)
async def test_what_goes_wrong_while_a_query_runs(
    running: RunningServer,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    text: str,
    retry_after: str | None,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(running.services.engine, "logs", fail)
    answer = await client.get(RANGE, params={"query": ALL, **SPAN})
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers.get("retry-after") == retry_after


async def test_an_answer_that_ends_early_says_so(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(client, TWO)
    whole = running.services.engine.logs

    def short(request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        return whole(LogsRequest(request.query, request.start, request.end, 2), interrupt)

    monkeypatch.setattr(running.services.engine, "logs", short)
    answer = await client.get(RANGE, params={"query": ALL, **SPAN})
    assert "ends early" in answer.json()["warnings"][0]
    answer = await client.get(RANGE, params={"query": ALL, **SPAN, "limit": 2})
    assert "warnings" not in answer.json()


async def test_the_limits_of_the_settings(serve: Servers) -> None:
    running = await serve(query__max_entries="10", query__max_range="1h", query__max_points="500")
    async with running.client() as client:
        assert (await refused(client, RANGE, query=ALL, **SPAN, limit=11))[1].endswith(
            "\nraise query.max_entries to allow more"
        )
        status, text = await refused(
            client, RANGE, query=ALL, start=str(MIDNIGHT), end=str(MIDNIGHT + 3601 * S), limit=1, step="1m"
        )
        assert (status, text.splitlines()[1]) == (400, "raise query.max_range to allow more")
        assert "resolution of 500 points" in (await refused(client, RANGE, query=ALL, **SPAN, step="1s"))[1]


# -- what clients ask besides -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ('{app="a"}|="x"!="y"', '{app="a"} |= "x" != "y"'),
        ('sum(rate({app="a"}[5m] offset 1h))by(x,y)', 'sum by (x,y)(rate({app="a"}[5m] offset 1h0m0s))'),
        ("1+2*3", "7"),
    ],
)
async def test_format_query(client: httpx.AsyncClient, query: str, canonical: str) -> None:
    for answer in (
        await client.get("/loki/api/v1/format_query", params={"query": query}),
        await client.post("/loki/api/v1/format_query", data={"query": query}),
    ):
        assert (answer.status_code, answer.json()) == (200, {"status": "success", "data": canonical})


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "parse error : syntax error: unexpected $end"),
        ("{", "parse error at line 1, col 2: unexpected end of the query"),
        ("x" * (QUERY_CHARACTERS + 1), "parse error : input size too long"),
        ("(" * 200 + "1" + ")" * 200, "levels of parentheses"),
    ],
    ids=lambda value: value[:10],
)
async def test_format_query_says_what_is_wrong_in_json(client: httpx.AsyncClient, query: str, error: str) -> None:
    answer = await client.post("/loki/api/v1/format_query", data={"query": query})
    assert (answer.status_code, answer.json()["status"]) == (400, "invalid-query")
    assert answer.json()["error"].startswith(error)


async def test_buildinfo_names_a_version_that_grafana_knows(client: httpx.AsyncClient) -> None:
    info = (await client.get("/loki/api/v1/status/buildinfo")).json()
    assert int(info["version"].split(".")[0]) >= 3
    assert set(info) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
