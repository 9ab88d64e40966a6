"""The command as a process of its own: signals, pipes, terminals, and what it imports."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .fake_server import BASE, PATIENCE, Answer, RunningServer, entry

S = 10**9
COMMAND = (sys.executable, "-c", "from logpulse.cli import main; main()")
ALL = '{service=~".+"}'


@contextmanager
def started(running: RunningServer, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "LOGPULSE_SERVER_URL": running.url, "NO_COLOR": ""}
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_ctrl_c_ends_a_tail_without_a_word(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE)]
    with started(running, "tail", ALL, "-o", "raw") as process:
        assert line_of(process) == "message 1\n"
        process.send_signal(signal.SIGINT)
        assert finish(process) == (0, "", "")


def test_ctrl_c_ends_a_tail_that_waits_for_a_lost_server(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE)]
    with started(running, "tail", ALL, "-o", "raw") as process:
        line_of(process)
        running.call(running.server.stop_listening)
        running.call(running.server.cut_streams)
        assert process.stderr is not None
        assert "connecting again" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert finish(process) == (0, "", "")


def test_a_tail_ends_when_its_reader_leaves(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE)]
    with started(running, "tail", ALL, "-o", "raw") as process:
        line_of(process)
        assert process.stdout is not None
        process.stdout.close()
        running.call(running.server.commit, entry(2, BASE + S))
        assert process.wait(timeout=PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_query_ends_when_its_reader_leaves(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number, "x" * 1000) for number in range(3000)]
    with started(running, "query", ALL, "--all") as process:
        line_of(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_ctrl_c_cuts_a_query_short(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number, "x" * 1000) for number in range(3000)]
    with started(running, "query", ALL, "--all") as process:
        line_of(process)
        process.send_signal(signal.SIGINT)
        code, _, err = finish(process)
        assert (code, err) == (130, "")


def test_ctrl_c_cuts_an_export_short_and_says_where_its_part_is(running: RunningServer, tmp_path: Path) -> None:
    running.server.entries = [entry(number, BASE + number) for number in range(1500)]
    page = {"logs": running.server.entries[:1000], "next": "00000999"}
    busy = Answer(429, {"error": "busy"}, (("Retry-After", "60"),))
    running.server.scripted["/query"].extend([Answer(200, page), busy])
    with started(running, "export", ALL, "-o", str(tmp_path / "x.ndjson")) as process:
        assert process.stderr is not None
        assert "asking again in" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        code, out, err = finish(process)
    part = tmp_path / "x.ndjson.part"
    assert (code, out, err) == (130, "", f"logpulse: the first 1,000 entries are in {part}\n")
    assert [json.loads(line) for line in part.read_text().splitlines()] == running.server.entries[:1000]


def test_an_export_ends_when_its_reader_leaves(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number, "x" * 1000) for number in range(3000)]
    with started(running, "export", ALL) as process:
        line_of(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_chart_is_as_wide_as_its_terminal(running: RunningServer) -> None:
    points = [["2026-01-15T10:30:00Z", 1], ["2026-01-15T10:31:00Z", 2]]
    running.server.scripted["/query"].append(Answer(200, {"series": [{"labels": {"a": "b"}, "points": points}]}))
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 47))
    environment = {"LOGPULSE_SERVER_URL": running.url, "TZ": "CET-1", "TERM": "dumb", "PATH": os.environ["PATH"]}
    subprocess.run(
        [*COMMAND, "query", "rate({a=~'.+'}[1m])"], stdout=follower, env=environment, timeout=PATIENCE, check=True
    )
    os.close(follower)
    shown = os.read(leader, 16_384).decode().splitlines()
    os.close(leader)
    assert "\x1b" not in "".join(shown)
    assert max(map(len, shown)) == 47
    assert "11:30:15" in "".join(shown)


def test_ctrl_c_ends_a_steady_flow_with_its_tally(running: RunningServer) -> None:
    with started(running, "generate", "--rate", "1000") as process:
        running.wait_for(lambda: len(running.server.requests) >= 2)
        process.send_signal(signal.SIGINT)
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert out.startswith("accepted ")


def test_a_terminal_gets_colours_and_local_time(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE, "\x1b[2J wiped?", level="error")]
    leader, follower = pty.openpty()
    environment = {"LOGPULSE_SERVER_URL": running.url, "TZ": "CET-1", "TERM": "xterm", "PATH": os.environ["PATH"]}
    process = subprocess.run(
        [*COMMAND, "query", ALL], stdout=follower, stderr=subprocess.PIPE, env=environment, timeout=PATIENCE, check=True
    )
    os.close(follower)
    shown = os.read(leader, 4096).decode()
    os.close(leader)
    assert shown == "\x1b[2m2026-01-15 11:30:00.000\x1b[0m \x1b[31mERROR\x1b[0m \\x1b[2J wiped?\r\n"
    assert process.stderr == b""


SERVER_ONLY = {
    "pyarrow",
    "duckdb",
    "quart",
    "quart_trio",
    "hypercorn",
    "numpy",
    "lark",
    "prometheus_client",
    "werkzeug",
}


def imported_by(running: RunningServer, *arguments: str) -> set[str]:
    """Run a command and give the top-level modules it had loaded at its end."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))))\n"
        "from logpulse.cli import main\n"
        "main()"
    )
    environment = {**os.environ, "LOGPULSE_SERVER_URL": running.url}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", ALL),
        ("labels",),
        ("series",),
        ("stats",),
        ("export", ALL),
        ("generate", "1"),
        ("check-config",),
    ],
)
def test_client_commands_need_no_server(running: RunningServer, arguments: tuple[str, ...]) -> None:
    running.server.entries = [entry(1, BASE)]
    running.server.scripted["/loki/api/v1/series"].append(Answer(200, {"data": []}))
    running.server.scripted["/loki/api/v1/index/stats"].append(Answer(200, {"streams": 0}))
    running.server.scripted["/loki/api/v1/index/volume"].append(Answer(200, {"data": {"result": []}}))
    assert not imported_by(running, *arguments) & SERVER_ONLY


def test_a_tail_needs_no_server(running: RunningServer) -> None:
    code = (
        "import sys\n"
        "from logpulse.client import follow, render\n"
        f"assert not {SERVER_ONLY!r} & {{name.partition('.')[0] for name in sys.modules}}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("tail", "--help")])
def test_help_loads_nothing_but_click(running: RunningServer, arguments: tuple[str, ...]) -> None:
    assert not imported_by(running, *arguments) & {"httpx", "trio", "rich", "msgspec", "attrs", "attr", "re2", "yaml"}


@pytest.mark.parametrize("arguments", [("query", ALL), ("labels",), ("generate", "5"), ("check-config",)])
@pytest.mark.parametrize(("redirect", "reason"), [(">/dev/full", "no space left on device"), (">&-", "bad file desc")])
def test_output_that_cannot_be_written_is_told_in_one_line(
    running: RunningServer, arguments: tuple[str, ...], redirect: str, reason: str
) -> None:
    running.server.entries = [entry(1, BASE)]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *COMMAND, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LOGPULSE_SERVER_URL": running.url},
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"logpulse: the output cannot be written: {reason}")
