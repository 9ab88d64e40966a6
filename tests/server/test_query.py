"""GET and POST /query, /labels and /labels/{name}/values: every parameter, paging, and errors that point."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import msgspec
import pytest
import trio

from logpulse.client.metric import MetricSeries
from logpulse.limits import BODY_BYTES, FORM_BYTES

from .serving import ALL, MIDNIGHT, PATIENCE, Json, RunningServer, S, Servers, find, messages, push, stream_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def filled(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a client of a server that holds 20 lines of two services, a second apart."""
    lines = [f"line {number:02}" for number in range(10)]
    await push(
        client,
        stream_of([f"api {line}" for line in lines], {"service": "api", "env": "prod"}),
        stream_of([f"db {line}" for line in lines], {"service": "db", "env": "dev"}, MIDNIGHT + S // 2),
    )
    return client


SELECTIONS: list[tuple[str, list[str]]] = [
    ('{service="api"}', [f"api line {number:02}" for number in range(9, -1, -1)]),
    ('{service!="api", env=~".+"}', [f"db line {number:02}" for number in range(9, -1, -1)]),
    ('{service=~"a.*"} |= "3"', ["api line 03"]),
    ('{service=~"a"}', []),  # anchored
    ('{service!~"a.*", env="dev"} |= "line 09"', ["db line 09"]),
    ('{env=~"prod|dev"} |~ "line 0[12]" != "db"', ["api line 02", "api line 01"]),
    ('{service="db"} !~ "0[0-8]"', ["db line 09"]),
    ('{service="db"} |= "line" |= "7"', ["db line 07"]),
    ('{service="nobody"}', []),
]


async def test_selectors_and_line_filters(filled: httpx.AsyncClient) -> None:
    for query, expected in SELECTIONS:
        assert await messages(filled, query) == expected


PARAMETERS: list[tuple[dict[str, str], list[str]]] = [
    ({"limit": "2"}, ["db line 09", "api line 09"]),
    ({"limit": "2", "direction": "forward"}, ["api line 00", "db line 00"]),
    ({"limit": "2", "direction": "BACKWARD"}, ["db line 09", "api line 09"]),
    ({"start": "2026-01-15T00:00:09Z"}, ["db line 09", "api line 09"]),
    ({"start": "2026-01-15T01:00:09+01:00"}, ["db line 09", "api line 09"]),
    ({"end": "2026-01-15T00:00:00.500000001Z"}, ["db line 00", "api line 00"]),
    ({"end": "2026-01-15T00:00:00.5Z"}, ["api line 00"]),
    ({"start": str(MIDNIGHT + 4 * S), "end": str(MIDNIGHT + 5 * S)}, ["db line 04", "api line 04"]),
    ({"start": "1768435204", "end": "1768435204.5"}, ["api line 04"]),
    ({"start": str(MIDNIGHT), "end": str(MIDNIGHT)}, []),
    ({"start": "2030-01-01T00:00:00Z"}, []),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_parameters(filled: httpx.AsyncClient, method: str) -> None:
    for parameters, expected in PARAMETERS:
        asked = {"query": ALL, **parameters}
        if method == "GET":
            answer = await filled.get("/query", params=asked)
        else:
            answer = await filled.post("/query", data=asked)
        assert answer.status_code == 200, answer.text
        assert [entry["message"] for entry in answer.json()["logs"]] == expected


async def test_the_form_of_a_post_wins_over_its_url(filled: httpx.AsyncClient) -> None:
    answer = await filled.post("/query", params={"query": '{service="db"}', "limit": "1"}, data={"query": ALL})
    assert len(answer.json()["logs"]) == 1
    answer = await filled.post("/query", params={"query": ALL, "limit": "1"})
    assert len(answer.json()["logs"]) == 1


@pytest.mark.parametrize("route", ["/query", "/explain", "/labels", "/labels/service/values"])
async def test_a_parameter_given_twice_is_refused(filled: httpx.AsyncClient, route: str) -> None:
    twice = f"query={quote(ALL)}&end=5&end=6"
    answers = [await filled.get(f"{route}?{twice}")]
    if not route.startswith("/labels"):
        answers.append(await filled.post(route, content=twice, headers={"Content-Type": FORM}))
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json() == {"error": "end: must be given once, got '6'", "field": "end"}


async def test_a_parameter_given_twice_is_left_to_loki_on_its_routes(filled: httpx.AsyncClient) -> None:
    asked = f"query={quote(ALL)}&limit=1&limit=x"
    assert (await filled.get(f"/loki/api/v1/query_range?{asked}")).status_code == 200


@pytest.mark.parametrize(("kind", "status"), [("application/json", 415), ("multipart/form-data; boundary=x", 415)])
async def test_a_post_that_is_no_form(filled: httpx.AsyncClient, kind: str, status: int) -> None:
    answer = await filled.post("/query", content=b"query=x", headers={"Content-Type": kind})
    assert (answer.status_code, FORM in answer.json()["error"]) == (status, True)


async def test_forms_that_cannot_be_read(filled: httpx.AsyncClient) -> None:
    answer = await filled.post("/query", content=b"query=%ff", headers={"Content-Type": FORM})
    assert answer.status_code == 400
    answer = await filled.post("/query", content=b"query=" + b"x" * 300_000, headers={"Content-Type": FORM})
    assert (answer.status_code, answer.json()["value"]) == (413, 256 * 1024)


async def test_a_form_is_refused_as_soon_as_it_is_too_long(running: RunningServer) -> None:
    head = f"POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    with trio.fail_after(PATIENCE):  # who waited for the rest would answer 408
        async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
            await stream.send_all(head.encode() + b"query=" + b"x" * FORM_BYTES)  # and no more
            assert b" 413 " in await stream.receive_some()


async def test_a_query_longer_than_any_url_goes_as_a_form(filled: httpx.AsyncClient) -> None:
    alternatives = "|".join(f"nothing-{number:05}" for number in range(600))
    query = f'{ALL} |~ "api line 05|{alternatives}"'
    assert [entry["message"] for entry in (await filled.post("/query", data={"query": query})).json()["logs"]] == [
        "api line 05"
    ]


LONG_NUMBER = "9" * 5000  # more digits than Python's int() takes


BAD_PARAMETERS: list[tuple[dict[str, str], str]] = [
    ({}, "query"),
    ({"query": ""}, "query"),
    ({"limit": "0"}, "limit"),
    ({"limit": "-1"}, "limit"),
    ({"limit": "ten"}, "limit"),
    ({"limit": "1.5"}, "limit"),
    ({"limit": "\u0663"}, "limit"),
    ({"limit": LONG_NUMBER}, "limit"),
    ({"start": "yesterday"}, "start"),
    ({"start": "2026-01-15"}, "start"),
    ({"end": "2026-02-30T00:00:00Z"}, "end"),
    ({"end": "1e400"}, "end"),
    ({"end": LONG_NUMBER}, "end"),
    ({"start": "-" + LONG_NUMBER}, "start"),
    ({"start": "99999999999999999999"}, "start"),
    ({"start": "2026-01-15T00:00:01Z", "end": "2026-01-15T00:00:00Z"}, "end"),
    ({"direction": "sideways"}, "direction"),
    ({"cursor": "x"}, "cursor"),
    ({"cursor": "é"}, "cursor"),
    ({"cursor": "A" * 1000}, "cursor"),
]


async def test_bad_parameters_are_named(filled: httpx.AsyncClient) -> None:
    for parameters, field in BAD_PARAMETERS:
        asked = {"query": ALL, **parameters} if parameters else {}
        answer = await filled.get("/query", params=asked)
        assert (answer.status_code, answer.json().get("field", answer.json().get("limit"))) == (400, field), answer.text
        assert answer.json()["error"].startswith(field)


async def test_more_entries_than_allowed(filled: httpx.AsyncClient) -> None:
    answer = await filled.get("/query", params={"query": ALL, "limit": "5001"})
    assert answer.status_code == 400
    said = answer.json()
    assert (said["limit"], said["value"], said["sent"]) == ("limit", 5000, 5001)
    assert "query.max_entries" in said["error"]


MALFORMED: list[tuple[str, int | None]] = [
    ("{", 1),
    ('{service="api"', 14),
    ("{service=}", 9),
    ('{service="api"} |= ', 19),
    ('{service="api"} }', 16),
    ('{service="api"} |~ "("', 19),
    ('{service="api"} |~ "(?=x)"', 19),
    ('{service=~"[[:alpha:]"}', 10),
    ('{ä="x"}', 1),
    ("rate", 0),
    ("(" * 1000, None),
    ('{service="api"} ' + '|= "x" ' * 1000, None),
]


async def test_malformed_queries_are_pointed_at(filled: httpx.AsyncClient) -> None:
    for query, offset in MALFORMED:
        answer = await filled.get("/query", params={"query": query})
        assert answer.status_code == 400, answer.text
        said = answer.json()
        assert said["error"]
        if offset is not None:
            position = said["position"]
            assert (position["offset"], position["line"], position["column"]) == (offset, 1, offset + 1)
            assert position["length"] >= 0
            assert isinstance(said["expected"], list)


async def test_an_unfinished_selector_says_what_could_follow(filled: httpx.AsyncClient) -> None:
    said = (await filled.get("/query", params={"query": '{service="api"\n'})).json()
    assert said["position"]["line"] == 2
    assert any("}" in each for each in said["expected"])
    assert said["hint"] in said["error"]


async def test_metric_queries_give_series(filled: httpx.AsyncClient) -> None:
    query = 'sum by (service) (count_over_time({service=~"api|db"}[1h]))'
    end = "2026-01-15T00:10:00Z"
    said = (await filled.get("/query", params={"query": query, "start": end, "end": end})).json()
    series = {each["labels"]["service"]: each["points"] for each in said["series"]}
    counted = {
        service: len(await find(filled, f'{{service="{service}"}}', end=end, limit="1000")) for service in ("api", "db")
    }
    assert series == {service: [[end, float(count)]] for service, count in counted.items()}
    assert min(counted.values()) > 0
    assert said["stats"]["scannedLines"] >= sum(counted.values())


async def test_a_metric_query_has_a_point_for_each_step(filled: httpx.AsyncClient) -> None:
    asked = {"query": "1 + 1", "start": "2026-01-15T00:00:00Z", "end": "2026-01-15T00:02:00Z", "step": "1m"}
    said = (await filled.post("/query", data=asked)).json()
    times = [f"2026-01-15T00:0{minute}:00Z" for minute in range(3)]
    assert said["series"] == [{"labels": {}, "points": [[time, 2.0] for time in times]}]
    assert said["step"] == "1m"


@pytest.mark.parametrize(("query", "value"), [("0 / 0", "NaN"), ("1e308 * 10", "+Inf"), ("-1e308 * 10", "-Inf")])
async def test_what_is_no_number_is_text_and_the_client_reads_it(
    filled: httpx.AsyncClient, query: str, value: str
) -> None:
    asked = {"query": f"vector(1) * ({query})", "start": "1768435200", "end": "1768435200"}
    (series,) = (await filled.get("/query", params=asked)).json()["series"]
    assert series == {"labels": {}, "points": [["2026-01-15T00:00:00Z", value]]}
    read = MetricSeries.of(msgspec.Raw(msgspec.json.encode(series)))
    assert [str(each) for each in read.values] == [str(float(value))]


async def test_a_pipeline_gives_entries_their_labels_and_lines(client: httpx.AsyncClient) -> None:
    line = '{"status":503,"user":{"plan":"pro"}}'
    entry = {"ts": str(MIDNIGHT), "line": line, "metadata": {"trace.id": "a1"}}
    await push(client, {"labels": {"service": "api"}, "entries": [entry]})
    text = '{service="api"} | json | status >= 500 | line_format "{{.user_plan}} {{.trace_id}}"'
    (found,) = await find(client, text)
    assert found["message"] == "pro a1"
    assert found["labels"] == {"service": "api", "status": "503", "user_plan": "pro"}
    assert found["metadata"] == {"trace.id": "a1"}
    (bare,) = await find(client, '{service="api"}')
    assert (bare["id"], bare["message"], bare["labels"]) == (found["id"], line, {"service": "api"})
    (dropped,) = await find(client, '{service="api"} | drop trace_id')
    assert (dropped["metadata"], dropped["labels"]) == ({}, {"service": "api"})


async def test_every_stream_may_be_asked_for_unless_that_is_forbidden(serve: Servers) -> None:
    for allowed, status in (("true", 200), ("false", 400)):
        running = await serve(query__allow_broad_selectors=allowed)
        async with running.client() as client:
            for query in ("{}", '{service!="x"}', "count_over_time({}[5m])"):
                assert (await client.get("/query", params={"query": query})).status_code == status, query
            refused = await client.get("/loki/api/v1/query_range", params={"query": "{}"})
            assert refused.status_code == 400
        await running.stop()


# -- paging -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["backward", "forward"])
@pytest.mark.parametrize("limit", [1, 3, 7, 40])
async def test_pages_together_are_the_whole(client: httpx.AsyncClient, direction: str, limit: int) -> None:
    """Also where many entries share a timestamp, in one stream and in several."""
    same = [{"ts": str(MIDNIGHT), "line": f"same {number}"} for number in range(12)]
    for service in ("api", "db"):
        await push(
            client, {"labels": {"service": service}, "entries": same}, stream_of(["x", "y"], {"service": service})
        )
    whole = await find(client, ALL, direction=direction, limit=1000)
    assert len({str(entry["id"]) for entry in whole}) == 28
    paged: list[Json] = []
    parameters: dict[str, str] = {"query": ALL, "direction": direction, "limit": str(limit)}
    while True:
        said = (await client.get("/query", params=parameters)).json()
        assert len(said["logs"]) <= limit
        paged += said["logs"]
        if said["next"] is None:
            break
        parameters["cursor"] = said["next"]
    assert paged == whole


async def test_paging_goes_on_across_a_flush_and_new_entries(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"{number:02}" for number in range(20)]))
    first = (await client.get("/query", params={"query": ALL, "limit": "5"})).json()
    await trio.to_thread.run_sync(running.services.store.flush)
    await push(client, stream_of(["newer"], first=MIDNIGHT + 100 * S))
    rest = await messages(client, ALL, cursor=first["next"], limit=100)
    assert [entry["message"] for entry in first["logs"]] + rest == [f"{number:02}" for number in range(19, -1, -1)]


async def test_an_answer_is_the_same_before_and_after_a_flush(
    running: RunningServer, client: httpx.AsyncClient
) -> None:
    entries = [
        {"ts": "2024-01-15T10:30:00Z", "line": f"x{number}", "metadata": {"n": str(number)}} for number in (3, 1)
    ]
    await push(client, {"labels": {"service": "api", "env": "prod"}, "entries": entries}, stream_of(["a", "b"]))
    before = await find(client)
    await trio.to_thread.run_sync(running.services.store.flush)
    assert await find(client) == before
    assert running.services.store.view.segments


async def test_stats_tell_what_was_looked_at(running: RunningServer, client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["12345", "6"]))
    await trio.to_thread.run_sync(running.services.store.flush)
    stats = (await client.get("/query", params={"query": f'{ALL} |= "6"'})).json()["stats"]
    assert (stats["queriedChunks"], stats["scannedLines"], stats["scannedBytes"]) == (1, 2, 6)
    assert stats["executionTime"] >= 0


# -- levels -----------------------------------------------------------------------------------------------------------

LEVELS: list[tuple[dict[str, str], str, dict[str, str], str, str]] = [
    ({"service": "a", "level": "warning"}, "ERROR: x", {}, "warning", "warning"),
    ({"service": "b"}, "level=error msg=x", {}, "error", ""),
    ({"service": "c"}, "nothing to see", {}, "", ""),
    ({"service": "d"}, '{"level":"debug"}', {}, "debug", ""),
]


@pytest.mark.parametrize("detect", ["true", "false"])
async def test_levels_come_from_the_label_else_from_the_line_else_from_nowhere(serve: Servers, detect: str) -> None:
    running = await serve(ingest__detect_level=detect)
    async with running.client() as client:
        for labels, line, metadata, detected, labelled in LEVELS:
            entry = {"ts": str(MIDNIGHT), "line": line, "metadata": metadata}
            await push(client, {"labels": labels, "entries": [entry]})
            (found,) = await find(client, f'{{service="{labels["service"]}"}}')
            assert found["level"] == (detected if detect == "true" else labelled)
            assert found["labels"] == labels  # detection never changes what is stored


# -- labels -----------------------------------------------------------------------------------------------------------


LABELS: list[tuple[str, dict[str, str], list[str]]] = [
    ("/labels", {}, ["env", "region", "service"]),
    ("/labels", {"query": '{service="old"}'}, ["region", "service"]),
    ("/labels", {"start": "2026-01-15T00:00:00Z"}, ["env", "service"]),
    ("/labels", {"end": "2026-01-15T00:00:00Z"}, ["region", "service"]),
    ("/labels", {"start": "2030-01-01T00:00:00Z"}, []),
    ("/labels/service/values", {}, ["api", "db", "old"]),
    ("/labels/service/values", {"query": '{env=~".+"}'}, ["api", "db"]),
    ("/labels/service/values", {"query": '{env="prod"}', "start": "1"}, ["api"]),
    ("/labels/region/values", {"start": "2026-01-15T00:00:00Z"}, []),
    ("/labels/unknown/values", {}, []),
    ("/labels/un%20known/values", {}, []),
]


@pytest.mark.parametrize("flushed", [False, True])
async def test_labels(running: RunningServer, filled: httpx.AsyncClient, flushed: bool) -> None:
    for path, parameters, expected in LABELS:
        await push(filled, stream_of(["x"], {"service": "old", "region": "eu"}, S))
        if flushed:
            await trio.to_thread.run_sync(running.services.store.flush)
        answer = await filled.get(path, params=parameters)
        assert (answer.status_code, answer.json()) == (200, expected)


async def test_no_labels_yet(client: httpx.AsyncClient) -> None:
    assert (await client.get("/labels")).json() == []
    assert await find(client) == []


@pytest.mark.parametrize(
    "parameters", [{"query": "{"}, {"start": "x"}, {"query": '{a="b"} |= "x"'}, {"start": "2", "end": "1"}]
)
async def test_bad_requests_for_labels(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    assert (await client.get("/labels", params=parameters)).status_code == 400
