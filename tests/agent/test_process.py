"""The agent as a process: signals, exit codes, death, and what it imports."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import trio

from .fake_server import STORED_THEN_HANG_UP, FakeServer, Reply
from .running import PATIENCE, Workplace, append, end

LINES = [f"line {number}" for number in range(3000)]


def _write(path: Path, lines: list[str]) -> None:
    append(path, "".join(f"{line}\n" for line in lines))


async def test_kill_9_in_a_loop(place: Workplace, server: FakeServer) -> None:
    """At any moment, with a server that loses answers: nothing is lost, nothing comes twice."""
    place.set("batch", "max_bytes", "20KiB")
    choose = random.Random(3)
    for begin in range(0, 3000, 600):
        _write(place.logs / "a.log", LINES[begin : begin + 600])
        server.scripted.extend([Reply(503), STORED_THEN_HANG_UP] * choose.randrange(2))
        requests = len(server.bodies)
        process = await place.start_process()
        await server.wait_for(lambda: len(server.bodies) > requests)  # noqa: B023
        await trio.sleep(choose.uniform(0, 0.03))
        assert await end(process, signal.SIGKILL) == -signal.SIGKILL
    server.scripted.clear()
    process = await place.start_process("--once")
    assert await process.wait() == 0
    assert server.lines_of(place.logs / "a.log") == LINES
    assert len(server.stored) == len(LINES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_everything_delivered(
    place: Workplace, server: FakeServer, number: signal.Signals
) -> None:
    place.settings["shutdown_timeout"] = "10m"
    _write(place.logs / "a.log", LINES)
    process = await place.start_process()
    await server.wait_for_lines(LINES[-1])
    assert await end(process, number) == 0
    bodies = len(server.bodies)
    process = await place.start_process("--once")
    assert await process.wait() == 0
    assert len(server.bodies) == bodies


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_stop_while_the_server_is_away(place: Workplace, server: FakeServer, is_stored: bool) -> None:
    """What it has taken, and what it has not, arrives once."""
    server.always = Reply(503, is_stored=is_stored)
    _write(place.logs / "a.log", LINES)
    process = await place.start_process()
    await server.wait_for(lambda: len(server.bodies) > 0)
    with trio.fail_after(PATIENCE):
        assert await end(process, signal.SIGTERM) == 0
    server.always = None
    process = await place.start_process("--once")
    assert await process.wait() == 0
    assert server.lines == LINES


async def test_a_second_signal_does_not_wait(place: Workplace, server: FakeServer) -> None:
    place.settings["shutdown_timeout"] = "10m"
    server.always = Reply(503)
    _write(place.logs / "a.log", LINES)
    process = await place.start_process()
    await server.wait_for(lambda: len(server.bodies) > 0)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    with trio.fail_after(PATIENCE):
        text = b""
        while b"stopping on SIGTERM" not in text:
            text += await process.stderr.receive_some()
        assert await end(process, signal.SIGTERM) == 0


async def test_exit_codes_of_once(place: Workplace, server: FakeServer) -> None:
    _write(place.logs / "a.log", ["good", "bad"])
    server.refuse = lambda entry: "no" if entry.line == "bad" else ""
    assert await (await place.start_process("--once")).wait() == 1
    assert await (await place.start_process("--once")).wait() == 0
    assert server.lines == ["good"]


async def test_once_that_is_stopped_before_all_is_delivered_has_failed(place: Workplace, server: FakeServer) -> None:
    _write(place.logs / "a.log", LINES[:5])  # all read at once: only the delivery is cut short
    server.always = Reply(503)
    process = await place.start_process("--once")
    await server.wait_for(lambda: len(server.bodies) > 0)
    assert await end(process, signal.SIGTERM) == 1


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOGPULSE_")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_check_config(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("targets: [{path: /var/log/*.log}]\n")
    shown = _run("-m", "agent", "--config", str(config), "--check-config", LOGPULSE_API_KEY="hunter2")
    assert shown.returncode == 0
    assert "/var/log/*.log" in shown.stdout
    assert "hunter2" not in shown.stdout + shown.stderr
    config.write_text("targets: [{path: /var/log/*.log, nothing: 1}]\n")
    refused = _run("-m", "agent", "--config", str(config), "--check-config")
    assert refused.returncode == 2
    assert "targets[0].nothing" in refused.stderr


async def test_the_key_is_in_no_log_line(place: Workplace, server: FakeServer) -> None:
    place.set("server", "api_key", "hunter2")
    server.scripted.append(Reply(401))
    _write(place.logs / "a.log", LINES)
    process = await place.start_process("--once")
    assert process.stderr is not None
    text = b"".join([piece async for piece in process.stderr])
    assert await process.wait() == 0
    assert b"server.api_key" in text
    assert b"hunter2" not in text
    assert Counter(server.lines) == Counter(LINES)


@pytest.mark.parametrize(("mode", "is_warned"), [(0o644, True), (0o604, True), (0o600, False), (0o640, False)])
async def test_a_key_that_everybody_can_read(place: Workplace, server: FakeServer, mode: int, is_warned: bool) -> None:
    place.set("server", "api_key", "hunter2")
    place.write_config().chmod(mode)
    process = await place.start_process("--once")
    assert process.stderr is not None
    text = b"".join([piece async for piece in process.stderr])
    assert await process.wait() == 0
    assert (b"can be read by everybody" in text) is is_warned


def test_it_imports_neither_the_engine_nor_the_server() -> None:
    """The agent is installed without them."""
    code = (
        "import sys, agent.cli\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'duckdb', 'pyarrow', 'quart', 'hypercorn', 'numpy', 'lark', 'asyncpg'}))\n"
        "print(sorted(n for n in sys.modules if n.startswith('logpulse.') and n.split('.')[1] not in\n"
        "             {'errors', 'limits', 'units', 'model'}))\n"
    )
    assert _run("-c", code).stdout == "[]\n[]\n"
