"""The commands as an operator types them."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from logpulse import __version__
from logpulse.cli import root
from logpulse.errors import ConfigError
from logpulse.limits import TAIL_OVERLAP_SECONDS

from .fake_server import BASE, Answer, RunningServer, entry

ALL = '{service=~".+"}'
S = 10**9


def invoke(*arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    clean = {"LOGPULSE_SERVER_URL": None, "LOGPULSE_API_KEY": None, "NO_COLOR": None}
    return CliRunner().invoke(root, arguments, env={**clean, **(environment or {})})


def at(running: RunningServer, *arguments: str) -> Result:
    return invoke("--url", running.url, *arguments)


@pytest.fixture
def three(running: RunningServer) -> RunningServer:
    running.server.entries = [
        entry(1, BASE, "first", service="api"),
        entry(2, BASE + S, "second\nline", service="web", level="error"),
        entry(3, BASE + 2 * S, "third", service="api"),
    ]
    return running


def test_a_query_reads_downwards_in_time(three: RunningServer) -> None:
    result = at(three, "query", ALL)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        '2026-01-15T10:30:00.000000000Z {service="api"} first\n'
        '2026-01-15T10:30:01.000000000Z {level="error", service="web"} second\\nline\n'
        '2026-01-15T10:30:02.000000000Z {service="api"} third\n'
    )


@pytest.mark.parametrize(
    ("options", "messages", "direction", "limit"),
    [
        ((), ["first", "second\nline", "third"], "backward", "100"),
        (("--limit", "2"), ["second\nline", "third"], "backward", "2"),
        (("--limit", "2", "--forward"), ["first", "second\nline"], "forward", "2"),
        (("--all",), ["first", "second\nline", "third"], "forward", "1000"),
        (("-n", "0"), ["first", "second\nline", "third"], "forward", "1000"),
        (("--from", "2026-01-15T10:30:01Z", "--to", "2026-01-15T10:30:02Z"), ["second\nline"], "backward", "100"),
    ],
)
def test_which_entries_a_query_shows(
    three: RunningServer, options: tuple[str, ...], messages: list[str], direction: str, limit: str
) -> None:
    result = at(three, "query", ALL, "-o", "jsonl", *options)
    assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == messages
    (request,) = three.server.requests
    assert (request.parameters["direction"], request.parameters["limit"]) == (direction, limit)


def test_raw_output(three: RunningServer) -> None:
    assert at(three, "query", ALL, "-o", "raw").stdout == "first\nsecond\nline\nthird\n"


def test_colours_when_they_are_asked_for(three: RunningServer) -> None:
    result = at(three, "--color", "always", "query", ALL)
    assert "\x1b[31mERROR\x1b[0m" in result.stdout
    assert "\x1b" not in at(three, "query", ALL).stdout


def test_stats_go_to_standard_error(three: RunningServer) -> None:
    result = at(three, "query", ALL, "--stats")
    assert "3 entries in " in result.stderr
    assert "1 chunks, 3 lines, 2KiB scanned" in result.stderr
    assert len(result.stdout.splitlines()) == 3


def test_a_malformed_query_is_pointed_at(running: RunningServer) -> None:
    position = {"offset": 14, "line": 1, "column": 15, "length": 1}
    problem = {"error": "unexpected end of query", "position": position, "expected": [",", "}"], "hint": "close it"}
    running.server.scripted["/query"].append(Answer(400, problem))
    result = at(running, "query", '{service="api"')
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        'logpulse: unexpected end of query\n  {service="api"\n                ^\nexpected: , or }\nhint: close it\n'
    )


def test_an_unreadable_entry_is_told_after_those_before_it(running: RunningServer) -> None:
    running.server.scripted["/query"].extend(
        [Answer(200, {"logs": [entry(1, BASE)], "next": "x"}), Answer(200, {"logs": [{"id": "2"}]})]
    )
    result = at(running, "query", ALL, "--all")
    assert result.exit_code == 1
    assert result.stdout.endswith("message 1\n")
    assert "cannot be read" in result.stderr


def test_the_server_may_be_named_anywhere(three: RunningServer) -> None:
    environment = {"LOGPULSE_SERVER_URL": three.url, "LOGPULSE_API_KEY": "from the environment"}
    assert invoke("query", ALL, environment=environment).exit_code == 0
    assert invoke("query", ALL, "--url", three.url, "--api-key", "behind").exit_code == 0
    assert invoke("--url", "http://nowhere.invalid", "query", "--url", three.url, ALL).exit_code == 0
    assert invoke("--api-key", "before", "query", ALL, environment=environment).exit_code == 0
    keys = [request.headers.get("x-api-key") for request in three.server.requests]
    assert keys == ["from the environment", "behind", None, "before"]


@pytest.mark.parametrize(
    "command",
    [
        ("query", ALL),
        ("query", ALL, "--explain"),
        ("tail", ALL),
        ("labels",),
        ("series",),
        ("stats",),
        ("export", ALL),
        ("generate", "5"),
    ],
)
def test_nobody_listens(command: tuple[str, ...]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but not listening
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = invoke("--url", url, *command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"logpulse: cannot reach {url}: connection refused\n"
        "start a server with `logpulse serve`, or name another one with --url or LOGPULSE_SERVER_URL\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("query", ALL, "--since", "1x"), "--since: must be a duration"),
        (("query", ALL, "--since", "1h", "--from", "0"), "cannot be used with --from"),
        (("query", ALL, "--all", "--limit", "5"), "--all and --limit exclude each other"),
        (("query", ALL, "--limit", "-1"), "--limit"),
        (("query", ALL, "-o", "xml"), "xml"),
        (("query",), "QUERY"),
        (("query", ALL, "--explain", "--stats"), "--explain and --stats exclude each other"),
        (("query", ALL, "--explain", "-o", "raw"), "--explain and --output raw exclude each other"),
        (("series", "--to", "x"), "--to"),
        (("series", "-o", "raw"), "raw"),
        (("stats", "--since", "-1h"), "--since: must be longer"),
        (("export",), "QUERY"),
        (("export", ALL, "--from", "2200-01-01T00:00:00Z"), "--from: must lie in the past"),
        (("export", ALL, "-o", "/"), "cannot write /: it is no regular file"),
        (("export", ALL, "-o", "/nowhere/x.ndjson"), "cannot write /nowhere/x.ndjson: no such file or directory"),
        (("tail", ALL, "--since", "1h", "-n", "5"), "--since and --lines exclude each other"),
        (("tail", ALL, "--since", "0s"), "--since: must be longer"),
        (("labels", "--from", "x"), "--from"),
        (("generate", "0"), "N"),
        (("generate", "--rate", "0"), "--rate"),
        (("generate", "--rate", "nan"), "--rate"),
        (("generate", "--rate", "inf"), "--rate"),
        (("generate", "--rate", "1e308"), "--rate"),
        (("labels", "../../etc"), "NAME"),
        (("labels", ""), "NAME"),
        (("labels", "a-b"), "NAME"),
        (("generate", "--services", " , "), "--services"),
        (("--url", "ftp://x", "labels"), "LOGPULSE_SERVER_URL"),
        (("--api-key", "k\u00e9y", "labels"), "LOGPULSE_API_KEY"),
        (("nonsense",), "nonsense"),
        (("query", '{a="\udcff"}'), "not valid UTF-8"),
        (("tail", '{a="\udcff"}'), "not valid UTF-8"),
        (("labels", "\udcff"), "not valid UTF-8"),
        (("series", "\udcff"), "not valid UTF-8"),
        (("stats", "\udcff"), "not valid UTF-8"),
        (("export", "\udcff"), "not valid UTF-8"),
    ],
)
def test_what_was_typed_wrong_exits_with_2(arguments: tuple[str, ...], words: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_labels(three: RunningServer) -> None:
    three.server.entries.append(entry(4, BASE, "x", service="evil\x1b[2J\n"))
    assert at(three, "labels").stdout == "level\nservice\n"
    assert at(three, "labels", "service").stdout == "api\nevil\\x1b[2J\\n\nweb\n"
    assert at(three, "labels", "none").stdout == ""


def test_labels_as_json(three: RunningServer) -> None:
    three.server.entries.append(entry(4, BASE, "x", service="evil\x1b[2J\x9b\n"))
    assert at(three, "labels", "-o", "jsonl").stdout == '"level"\n"service"\n'
    for options in ((), ("--color", "always")):
        shown = at(three, "labels", "service", "-o", "jsonl", *options).stdout
        assert [json.loads(line) for line in shown.splitlines()] == ["api", "evil\x1b[2J\x9b\n", "web"]
    assert "\x9b" not in shown


@pytest.mark.parametrize("command", [("query",), ("query", "--explain"), ("export",), ("stats",)])
def test_an_empty_query_is_to_be_mended(running: RunningServer, command: tuple[str, ...]) -> None:
    for route in ("/query", "/explain", "/loki/api/v1/index/stats"):
        running.server.scripted[route].append(Answer(400, {"error": "query: must be LogQL", "field": "query"}))
    result = at(running, *command, "")
    assert (result.exit_code, result.stderr) == (2, "logpulse: query: must be LogQL\n")


def test_a_tail_that_is_refused(running: RunningServer) -> None:
    running.server.scripted["/stream"].append(Answer(400, {"error": "unexpected", "position": {"offset": 1}}))
    result = at(running, "tail", "{}")
    assert (result.exit_code, result.stderr) == (2, "logpulse: unexpected\n  {}\n   ^\n")


def test_generate_says_what_was_accepted(running: RunningServer) -> None:
    result = at(running, "generate", "10", "--services", "mailer", "--seed", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("accepted 10 entries in ")
    assert "lines/s" in result.stdout
    pushed = json.loads(running.server.requests[0].body)["streams"]
    assert {stream["labels"]["service"] for stream in pushed} == {"mailer"}


def test_generate_without_a_number_makes_a_thousand(running: RunningServer) -> None:
    assert at(running, "generate").stdout.startswith("accepted 1,000 entries in ")


def test_generate_with_refused_entries_fails_after_saying_what_was_accepted(running: RunningServer) -> None:
    partly = {
        "error": "x",
        "accepted": 4,
        "rejected": [{"stream": 0, "entry": 0, "reason": "late"}],
        "rejectedCount": 1,
    }
    running.server.scripted["/ingest"].append(Answer(400, partly))
    result = at(running, "generate", "5")
    assert result.exit_code == 1
    assert result.stdout.startswith("accepted 4 entries")
    assert "refused 1 entries" in result.stderr


def test_version() -> None:
    assert invoke("--version").stdout == f"logpulse, version {__version__}\n"


def fake_module(monkeypatch: pytest.MonkeyPatch, name: str, **attributes: object) -> None:
    module = ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


def test_serve_hands_its_options_on_and_exits_with_what_the_server_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Path | None, Mapping[str, str]]] = []

    def load_config(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]) -> str:
        calls.append((path, overrides))
        return environment["LOGPULSE_PORT"]

    def serve(load: Callable[[], str]) -> int:
        assert load() == load() == "1"
        return 3

    fake_module(monkeypatch, "logpulse.config", load_config=load_config, unknown_variables=lambda _: [])
    fake_module(monkeypatch, "logpulse.server", serve=serve)
    options = ("--config", "c.yaml", "--host", "::1", "--port", "9000", "--storage-path", "/data")
    result = invoke("serve", *options, environment={"LOGPULSE_PORT": "1"})
    assert result.exit_code == 3
    assert invoke("serve", environment={"LOGPULSE_PORT": "1"}).exit_code == 3
    overrides = {"server.host": "::1", "server.port": "9000", "storage.path": "/data"}
    assert calls == [(Path("c.yaml"), overrides)] * 2 + [(None, {})] * 2


def test_serve_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ModuleType("logpulse.server")

    def fail(name: str) -> object:
        raise ModuleNotFoundError("No module named 'hypercorn'", name="hypercorn.config")

    vars(missing)["__getattr__"] = fail
    monkeypatch.setitem(sys.modules, "logpulse.server", missing)
    fake_module(monkeypatch, "logpulse.config", load_config=lambda *_: None)
    result = invoke("serve")
    assert result.exit_code == 1
    assert "pip install 'logpulse[server]'" in result.stderr


def test_check_config_shows_the_settings_or_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]) -> object:
        raise ConfigError("server.port", "must be a number", "LOGPULSE_PORT")

    fake_module(
        monkeypatch,
        "logpulse.config",
        load_config=lambda *_: 1,
        unknown_variables=lambda _: [],
        describe=lambda config: f"port: {config}",
    )
    result = invoke("check-config")
    assert (result.exit_code, result.stdout) == (0, "port: 1\n")
    fake_module(monkeypatch, "logpulse.config", load_config=refuse, unknown_variables=lambda _: [], describe=repr)
    result = invoke("check-config")
    assert (result.exit_code, result.stderr) == (2, "logpulse: server.port: must be a number (from LOGPULSE_PORT)\n")


def test_the_help_of_tail_says_how_far_back_it_looks_after_a_lost_connection() -> None:
    assert f"more than {TAIL_OVERLAP_SECONDS} s older" in " ".join(invoke("tail", "--help").stdout.split())
