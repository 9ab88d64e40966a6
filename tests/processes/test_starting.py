"""How a server starts, refuses to start, and ends when something in it breaks."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import pytest

from logpulse.limits import GRACEFUL_SECONDS

from .server_process import LOGPULSE, Pusher, Servers, connection, lines_in, until

HYPERCORN = (sys.executable, "-m", "hypercorn", "--worker-class", "trio", "--bind", "127.0.0.1:0", "logpulse.asgi:app")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once_with_code_0(servers: Servers, number: signal.Signals) -> None:
    server = servers.start()
    with connection(server.port) as ask:  # left open: idle connections do not hold up the end
        assert ask("GET", "/ready").status == 200
        server.signal(number)
        assert server.process.wait(GRACEFUL_SECONDS) == 0
    assert "Traceback" not in server.text


def test_a_second_server_on_the_same_folder_is_refused(servers: Servers) -> None:
    first = servers.start()
    port = first.port
    second = servers.start()
    assert second.exit_code() == 2
    assert str(servers.data) in second.text
    assert f"process {first.process.pid}" in second.text
    assert "storage.path" in second.text
    assert "Traceback" not in second.text
    with connection(port) as ask:
        assert ask("GET", "/ready").status == 200


def test_a_lock_left_by_a_killed_server_holds_nobody_up(servers: Servers) -> None:
    server = servers.start()
    assert server.port
    server.kill()
    assert servers.start().port


def test_a_port_in_use_is_named(servers: Servers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = servers.start({"server.port": str(port)})
        assert server.exit_code() == 2
    assert "server.port" in server.text
    assert f"{port} on 127.0.0.1 is in use" in server.text
    assert "Traceback" not in server.text
    assert not servers.data.exists()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"ingest.wal_sync": "sometimes"}, "ingest.wal_sync"),
        ({"server.host": "0.0.0.0"}, "allow_anonymous"),
        ({"server.host": "no.such.host.invalid", "server.allow_anonymous": "true"}, "no.such.host.invalid"),
    ],
)
def test_a_bad_setting_is_named(servers: Servers, settings: dict[str, str], named: str) -> None:
    server = servers.start(settings)
    assert server.exit_code() == 2
    assert named in server.text
    assert "Traceback" not in server.text


@pytest.mark.parametrize("command", [(*LOGPULSE, "serve"), HYPERCORN], ids=["serve", "hypercorn"])
def test_a_variable_that_sets_nothing_is_named(servers: Servers, command: tuple[str, ...]) -> None:
    server = servers.start({"prot": "1"}, command=command)
    assert server.port
    assert "LOGPULSE_PROT is set, but there is no such setting" in server.text


def test_data_of_a_later_version_is_left_alone(servers: Servers) -> None:
    server = servers.start()
    assert server.port
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0
    marker = servers.data / "FORMAT"
    later = marker.read_text().replace("1", "999")
    marker.write_text(later)
    server = servers.start()
    assert server.exit_code() == 2
    assert "newer" in server.text
    assert marker.read_text() == later


BREAKING = """
from logpulse.storage.store import Store

append = Store.append

def breaking(self, batches):
    if any("break" in line for batch in batches for line in batch.entries.column(2).to_pylist()):
        raise RuntimeError("injected")
    return append(self, batches)

Store.append = breaking
"""
FAILING_AT_THE_END = """
from logpulse.storage.wal import Wal

def fail(self):
    raise OSError(5, "Input/output error")

Wal.close = fail
"""
SERVING = """
import os, sys
from functools import partial
from logpulse.config import load_config
from logpulse.server import serve

sys.exit(serve(partial(load_config, None, os.environ, {})))
"""
APPLICATION = """
from logpulse.asgi import app
"""


@pytest.mark.parametrize("under_hypercorn", [False, True])
def test_a_broken_service_ends_the_process(servers: Servers, tmp_path: Path, under_hypercorn: bool) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text(BREAKING + (APPLICATION if under_hypercorn else SERVING))
    hypercorn = (*HYPERCORN[:-1], "--workers", "0", "launcher:app")
    server = servers.start(command=hypercorn if under_hypercorn else (sys.executable, str(launcher)))
    pusher = Pusher("pusher")
    port = server.port
    pusher.start(port)
    until(lambda: len(pusher.acknowledged) >= 100, "the pusher gets on")
    with connection(port) as ask, pytest.raises(OSError):  # noqa: PT011 - any end of the connection will do
        ask("POST", "/ingest", {"streams": [{"labels": {"a": "b"}, "entries": [{"line": "break"}]}]})
    assert server.exit_code() == 1
    pusher.join()
    assert "injected" in server.text
    assert set(pusher.statuses) == {200}
    assert pusher.acknowledged <= set(lines_in(servers.start().port))


def test_a_failure_at_the_end_is_told_from_one_that_forbids_starting(servers: Servers, tmp_path: Path) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text(FAILING_AT_THE_END + SERVING)
    server = servers.start(command=(sys.executable, str(launcher)))
    assert server.port
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 1
    assert "Input/output error" in server.text


# -- hypercorn --------------------------------------------------------------------------------------------------------


def test_hypercorn_serves_the_application_and_stops_with_the_data_intact(servers: Servers) -> None:
    server = servers.start(command=HYPERCORN)
    pusher = Pusher("pusher")
    pusher.start(server.port)
    until(lambda: len(pusher.acknowledged) >= 100, "the pusher gets on")
    with connection(server.port) as ask:
        assert ask("GET", "/ready").status == 200
    server.signal(signal.SIGTERM)
    assert server.exit_code() == 0
    pusher.join()
    assert set(pusher.statuses) <= {200, 503}
    assert "Traceback" not in server.text
    stored = lines_in(servers.start().port)
    assert pusher.acknowledged <= set(stored)
    assert len(stored) == len(set(stored))


@pytest.mark.parametrize("workers", [(), ("--workers", "0")])
def test_hypercorn_does_not_start_with_a_bad_configuration(servers: Servers, workers: tuple[str, ...]) -> None:
    server = servers.start({"ingest.wal_sync": "sometimes"}, command=(*HYPERCORN, *workers))
    # With its default of one worker, Hypercorn 0.18 forgets the exit code of that worker.
    assert (server.exit_code() != 0) == bool(workers)
    assert "ingest.wal_sync" in server.text


def test_hypercorn_does_not_start_on_a_folder_in_use(servers: Servers) -> None:
    first = servers.start()
    assert first.port
    server = servers.start(command=(*HYPERCORN, "--workers", "0"))
    assert server.exit_code() != 0
    assert f"process {first.process.pid}" in server.text
