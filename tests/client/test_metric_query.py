"""Metric queries and plans of queries, as an operator sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import pytest

from .fake_server import Answer, RunningServer
from .test_cli import at, invoke


def metric_answer(*series: tuple[Mapping[str, str], Sequence[Sequence[object]]]) -> Answer:
    return Answer(200, {"series": [{"labels": labels, "points": points} for labels, points in series], "stats": {}})


METRIC = "sum by (service) (rate({env='prod'}[5m]))"
TWO_SERIES = metric_answer(
    ({"service": "api"}, [["2026-01-15T10:30:00Z", 12.0], ["2026-01-15T10:31:00Z", 1500.0]]),
    ({"service": "we\tb"}, [["2026-01-15T10:30:00Z", "NaN"], ["2026-01-15T10:31:00.5Z", "+Inf"]]),
)


def test_a_metric_query_in_a_pipe_is_a_line_for_each_point(running: RunningServer) -> None:
    running.server.scripted["/query"].append(TWO_SERIES)
    result = at(running, "query", METRIC, "--step", "1m", "--stats")
    assert result.stdout == (
        '2026-01-15T10:30:00.000000000Z\t{service="api"}\t12.0\n'
        '2026-01-15T10:31:00.000000000Z\t{service="api"}\t1500.0\n'
        '2026-01-15T10:30:00.000000000Z\t{service="we\\tb"}\tNaN\n'
        '2026-01-15T10:31:00.500000000Z\t{service="we\\tb"}\t+Inf\n'
    )
    assert "2 series" in result.stderr
    assert running.server.requests[0].parameters["step"] == "1m"


def test_a_metric_query_as_json_is_an_object_for_each_point(running: RunningServer) -> None:
    running.server.scripted["/query"].append(TWO_SERIES)
    lines = [json.loads(line) for line in at(running, "query", METRIC, "-o", "jsonl").stdout.splitlines()]
    assert lines[0] == {"labels": {"service": "api"}, "time": "2026-01-15T10:30:00Z", "value": 12.0}
    assert [line["value"] for line in lines] == [12.0, 1500.0, "NaN", "+Inf"]


def test_a_metric_query_on_a_terminal_is_a_chart_and_a_table(running: RunningServer) -> None:
    running.server.scripted["/query"].append(TWO_SERIES)
    environment = {"COLUMNS": "60", "LOGPULSE_SERVER_URL": running.url}
    lines = invoke("--color", "always", "query", METRIC, environment=environment).stdout.splitlines()
    assert lines[0].startswith("\x1b[2m1.5k┤")
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines[-3:]] == [
        "   series             last   min   max   avg",
        '●  {service="we\\tb"}  +Inf  +Inf  +Inf  +Inf',
        '●  {service="api"}    1.5k    12  1.5k   756',
    ]


def test_an_instant_answer_is_sorted_bars(running: RunningServer) -> None:
    point = "2026-01-15T10:30:00Z"
    series = [({"service": name}, [[point, value]]) for name, value in (("a", 1.0), ("b", "NaN"), ("c", 2000.0))]
    running.server.scripted["/query"].append(metric_answer(*series))
    environment = {"COLUMNS": "70", "LOGPULSE_SERVER_URL": running.url}
    shown = invoke("--color", "always", "query", METRIC, environment=environment).stdout
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines() == [
        "series                                 value",
        '{service="c"}  ██████████████████████     2k',
        '{service="a"}                              1',
        '{service="b"}                            NaN',
    ]


def test_a_value_that_is_no_number_is_the_servers_fault(running: RunningServer) -> None:
    running.server.scripted["/query"].append(metric_answer(({}, [["2026-01-15T10:30:00Z", "many"]])))
    result = at(running, "--color", "always", "query", METRIC)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "value: must be a number" in result.stderr


PLAN = {
    "query": 'sum by (level)(count_over_time({service="api"} |= "x" | json[5m]))',
    "kind": "metric",
    "selectors": [
        {
            "selector": '{service="api"}',
            "streams": 12,
            "segments": 5,
            "segmentsInTime": 3,
            "headRows": 1,
            "textBytes": 47_185_920,
            "pushedDown": ['|= "x"'],
            "exact": ["| json", "by (level)"],
            "mode": "sql, doubtful rows exactly",
            "new": 1,
        },
        {"selector": '{service="\x1bweb"}', "mode": "exact"},
    ],
}


def test_a_plan_is_a_tree(running: RunningServer) -> None:
    running.server.scripted["/explain"].append(Answer(200, PLAN))
    result = at(running, "query", METRIC, "--explain", "--since", "1h", "--to", "2026-01-15T10:30:00Z", "--step", "1m")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        'sum by (level)(count_over_time({service="api"} |= "x" | json[5m]))  (metric query)\n'
        '├─ {service="api"}\n'
        "│  ├─ reads 12 streams, 3 of 5 segments in time with 45MiB of text, 1 entry in memory\n"
        "│  ├─ mode  sql, doubtful rows exactly\n"
        "│  ├─ SQL decides\n"
        '│  │  └─ |= "x"\n'
        "│  └─ exactly, row by row\n"
        "│     ├─ | json\n"
        "│     └─ by (level)\n"
        '└─ {service="\\x1bweb"}\n'
        "   ├─ reads 0 streams, 0 of 0 segments in time with 0B of text, 0 entries in memory\n"
        "   └─ mode  exact\n"
    )
    (request,) = running.server.requests
    assert (request.method, request.path) == ("GET", "/explain")
    assert request.parameters == {
        "query": METRIC,
        "start": "2026-01-15T09:30:00Z",
        "end": "2026-01-15T10:30:00Z",
        "step": "1m",
        "limit": "100",
        "direction": "backward",
    }


def test_a_plan_as_json_is_what_the_server_sent(running: RunningServer) -> None:
    running.server.scripted["/explain"].append(Answer(200, json.dumps(PLAN, indent=2).encode()))
    (line,) = at(running, "query", METRIC, "--explain", "-o", "jsonl").stdout.splitlines()
    assert json.loads(line) == PLAN


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(400, {"error": "unexpected `|`", "position": {"offset": 1}}), 2, "unexpected `|`\n  {}\n   ^\n"),
        (Answer(404, {"error": "there is no /explain"}), 1, "there is no /explain"),
        (Answer(200, b"<html>"), 1, "not LogPulse's JSON"),
        (Answer(200, {"selectors": 5}), 1, "sent a plan that cannot be read"),
    ],
)
def test_a_plan_that_is_not_there(running: RunningServer, answer: Answer, code: int, words: str) -> None:
    running.server.scripted["/explain"].append(answer)
    result = at(running, "query", "{}", "--explain")
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
