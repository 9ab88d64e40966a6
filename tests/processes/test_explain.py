"""`logpulse query --explain` against a real server."""

from __future__ import annotations

import json
import subprocess

from .server_process import LOGPULSE, MIDNIGHT, PATIENCE, S, Servers, connection, environment, until


def explain(port: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask for a plan by the command."""
    command = [*LOGPULSE, "query", *words, "--explain", "--url", f"http://127.0.0.1:{port}"]
    return subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_command_draws_what_the_server_plans(servers: Servers) -> None:
    port = servers.start().port
    entries = [{"ts": str(MIDNIGHT + number * S), "line": f"line {number}"} for number in range(10)]
    streams = [{"labels": {"service": name}, "entries": entries} for name in ("api", "web")]
    with connection(port) as ask:
        assert ask("POST", "/ingest", {"streams": streams}).status == 200
        assert ask("POST", "/flush").status == 204
        until(lambda: json.loads(ask("GET", "/health").body)["lastFlush"] is not None, "the flush")  # 204 is too early
        memory = {"labels": {"service": "api"}, "entries": [{"line": "x"}]}
        assert ask("POST", "/ingest", {"streams": [memory]}).status == 200
    drawn = explain(port, '{service="api"} |= "line" | json | a="1"')
    assert (drawn.stderr, drawn.returncode) == ("", 0)
    assert drawn.stdout == (
        '{service="api"} |= "line" | json | a="1"  (logs query)\n'
        '└─ {service="api"}\n'
        "   ├─ reads 1 stream, 1 of 1 segment in time with 61B of text, 1 entry in memory\n"
        "   ├─ mode  exact\n"
        "   ├─ SQL decides\n"
        '   │  └─ |= "line"\n'
        "   └─ exactly, row by row\n"
        "      ├─ | json\n"
        '      └─ | a="1"\n'
    )
    metric = "sum by (a) (rate({service=~`.+`} | json [1m])) / sum(rate({service=`web`}[1m]))"
    said = explain(port, metric, "--from", "2026-01-15T00:00:00Z", "--to", "2026-01-15T00:01:00Z", "-o", "jsonl")
    plan = json.loads(said.stdout)
    assert plan["kind"] == "metric"
    modes = [(each["selector"], each["streams"], each["mode"]) for each in plan["selectors"]]
    assert modes == [('{service=~".+"}', 2, "sql, doubtful rows exactly"), ('{service="web"}', 1, "sql")]
    wrong = explain(port, "{service=")
    assert wrong.returncode == 2
    assert "unexpected end" in wrong.stderr
