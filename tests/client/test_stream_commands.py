"""The commands about streams, as an operator types them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from logpulse.cli import root
from logpulse.limits import VOLUME_ROWS

from .fake_server import Answer, RunningServer

TO = "2026-01-15T10:30:00Z"
SERIES = "/loki/api/v1/series"
STATS = "/loki/api/v1/index/stats"
VOLUME = "/loki/api/v1/index/volume"


def command(running: RunningServer, *arguments: str) -> Result:
    environment = {"LOGPULSE_SERVER_URL": running.url, "LOGPULSE_API_KEY": None, "NO_COLOR": None, "COLUMNS": "60"}
    return CliRunner().invoke(root, arguments, env=environment)


@pytest.fixture
def streams(running: RunningServer) -> RunningServer:
    found = [{"service": "web", "env": "prod"}, {"service": "api\x1b\x9b"}]
    running.server.scripted[SERIES].append(Answer(200, {"status": "success", "data": found}))
    return running


def test_streams_are_selectors_one_a_line(streams: RunningServer) -> None:
    result = command(streams, "series", "--to", TO)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == '{env="prod", service="web"}\n{service="api\\u001b\\x9b"}\n'
    (request,) = streams.server.requests
    assert request.parameters == {"start": "2026-01-15T09:30:00Z", "end": TO}


def test_streams_as_json(streams: RunningServer) -> None:
    result = command(streams, "series", '{service=~".+"}', "--from", TO, "-o", "jsonl")
    assert result.stdout == '{"env":"prod","service":"web"}\n{"service":"api\\u001b\x9b"}\n'
    (request,) = streams.server.requests
    assert request.parameters == {"match[]": '{service=~".+"}', "start": TO}


def test_streams_as_json_on_a_terminal_are_harmless(streams: RunningServer) -> None:
    shown = command(streams, "series", "-o", "jsonl", "--color", "always").stdout
    assert "\x9b" not in shown
    assert json.loads(shown.splitlines()[1]) == {"service": "api\x1b\x9b"}


@pytest.fixture
def volumes(running: RunningServer) -> RunningServer:
    totals = {"streams": 2, "chunks": 3, "bytes": 4096, "entries": 1200}
    running.server.scripted[STATS].append(Answer(200, totals))
    sizes = {"api": "3072", "web": "1024"}
    result = [{"metric": {"service": name}, "value": [1_768_473_000, size]} for name, size in sizes.items()]
    vector = {"status": "success", "data": {"resultType": "vector", "result": result}}
    running.server.scripted[VOLUME].append(Answer(200, vector))
    return running


def test_stats_for_programs(volumes: RunningServer) -> None:
    result = command(volumes, "stats", "--since", "1d", "--to", TO)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        'streams\t2\nchunks\t3\nentries\t1200\nbytes\t4096\n{service="api"}\t3072\n{service="web"}\t1024\n'
    )
    bounds = {"query": "{}", "start": "2026-01-14T10:30:00Z", "end": TO}
    assert [request.parameters for request in volumes.server.requests] == [
        bounds,
        {**bounds, "limit": str(VOLUME_ROWS), "aggregateBy": "series"},
    ]


def test_stats_for_people(volumes: RunningServer) -> None:
    result = command(volumes, "--color", "always", "stats", '{service=~".+"}')
    assert result.stdout == (
        "2 streams, 3 chunks, 1,200 entries, 4KiB\n\n"
        "largest                        bytes  share\n"
        '{service="api"}  \x1b[36m████████████\x1b[0m   3KiB  75.0%\n'
        '{service="web"}  \x1b[36m████        \x1b[0m   1KiB  25.0%\n'
    )


@pytest.mark.parametrize(("name", "path"), [("series", SERIES), ("stats", STATS)])
@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Answer(400, b"only label matchers are supported\n", (("Content-Type", "text/plain"),)), 2, "only label"),
        (Answer(404, b"404 page not found", (("Content-Type", "text/plain"),)), 1, "answered 404: 404 page not found"),
        (Answer(200, [1]), 1, "not LogPulse's JSON"),
    ],
)
def test_what_a_server_may_answer_instead(
    running: RunningServer, name: str, path: str, answer: Answer, code: int, words: str
) -> None:
    running.server.scripted[path].append(answer)
    result = command(running, name, '{a="b"} |= "x"')
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
