"""Acknowledged means stored, once: through kill -9, SIGTERM and a full disk, each under load."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from trio_websocket import ConnectionClosed, wrap_client_stream

from logpulse.limits import GRACEFUL_SECONDS

from .server_process import MIDNIGHT, PATIENCE, Pusher, S, Servers, connection, lines_in, until

KILLS = 10
SMALL_FLUSHES = {"ingest.flush_bytes": "1MiB", "ingest.flush_interval": "1s"}


def check(port: int, pushers: list[Pusher]) -> Counter[str]:
    """Compare what is stored with what was acknowledged; give it."""
    stored = Counter(lines_in(port))
    acknowledged = set().union(*(pusher.acknowledged for pusher in pushers))
    known = acknowledged.union(*(pusher.given_up for pusher in pushers))
    known.update(line for pusher in pushers if pusher._pending for line in pusher._pending[1])
    assert sorted(acknowledged - stored.keys())[:5] == []  # nothing lost
    assert [line for line, count in stored.items() if count > 1][:5] == []  # nothing twice
    assert sorted(stored.keys() - known)[:5] == []  # nothing invented
    return stored


def acknowledged_count(pushers: list[Pusher]) -> int:
    return sum(len(pusher.acknowledged) for pusher in pushers)


def test_kill_9_under_load_loses_nothing_acknowledged_and_stores_nothing_twice(servers: Servers) -> None:
    pushers = [Pusher(f"pusher{number}") for number in range(3)]
    dice = random.Random(11)
    flushed = 0
    for _ in range(KILLS):
        server = servers.start(SMALL_FLUSHES)
        port = server.port
        check(port, pushers)
        goal = acknowledged_count(pushers) + dice.randint(4, 700)
        for pusher in pushers:
            pusher.start(port)
        until(lambda goal=goal: acknowledged_count(pushers) >= goal, "the pushers get on")  # type: ignore[misc]
        server.kill()
        for pusher in pushers:
            pusher.join()
        flushed += len(list((servers.data / "segments").rglob("*.parquet")))
    server = servers.start(SMALL_FLUSHES)
    stored = check(server.port, pushers)
    assert flushed  # the kills met flushes too
    assert len(stored) >= acknowledged_count(pushers)
    assert {status for pusher in pushers for status in pusher.statuses} == {200}
    assert any(pusher.given_up for pusher in pushers)
    with connection(server.port) as ask:
        assert json.loads(ask("GET", "/health").body)["status"] == "healthy"


# Serve, but die by `kill -9` at the moment at which the data folder is touched for the n-th time.
DYING = """
import os, signal, sys
from functools import partial
from logpulse.config import load_config
from logpulse.server import serve

folder, left = os.environ["LOGPULSE_STORAGE_PATH"], int(sys.argv[1])

def count(event, arguments):
    global left
    if arguments and str(arguments[0]).startswith(folder):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
sys.exit(serve(partial(load_config, None, os.environ, {})))
"""


def test_kill_9_while_starting_changes_nothing(servers: Servers, tmp_path: Path) -> None:
    launcher = tmp_path / "launcher.py"
    launcher.write_text(DYING)
    pusher = Pusher("pusher")
    server = servers.start(SMALL_FLUSHES)
    pusher.start(server.port)
    until(lambda: len(pusher.acknowledged) >= 2000, "the pusher gets on")
    server.kill()
    pusher.join()
    for touched in (2, 5, 6, 8, 9):  # once the lock is held, in the catalogue, among segments, in the WAL
        server = servers.start(SMALL_FLUSHES, command=(sys.executable, str(launcher), str(touched)))
        assert server.exit_code() == -signal.SIGKILL
        assert "istening" not in server.text, "it was still starting"
    check(servers.start(SMALL_FLUSHES).port, [pusher])


async def read_to_the_end(port: int, ready: trio.Event) -> int:
    """Follow everything until the server closes; give the close code."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream, trio.open_nursery() as nursery:
        tail = await wrap_client_stream(nursery, stream, "test", "/stream", message_queue_size=1000)
        await tail.get_message()
        ready.set()
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - frames come before the end
            while True:
                await tail.get_message()
        assert closed.value.reason is not None
        return int(closed.value.reason.code)


async def test_sigterm_under_load_ends_in_order(servers: Servers) -> None:
    server = servers.start(SMALL_FLUSHES)
    port = server.port
    pushers = [Pusher(f"pusher{number}") for number in range(4)]
    codes: list[int] = []
    following = trio.Event()

    async def follow() -> None:
        codes.append(await read_to_the_end(port, following))

    with trio.fail_after(2 * PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            await following.wait()
            for pusher in pushers:
                pusher.start(port)
            await trio.to_thread.run_sync(until, lambda: acknowledged_count(pushers) >= 1000, "the pushers get on")
            server.signal(signal.SIGTERM)
            assert await trio.to_thread.run_sync(server.process.wait, GRACEFUL_SECONDS) == 0
    for pusher in pushers:
        pusher.join()
    assert codes == [1001]
    assert {status for pusher in pushers for status in pusher.statuses} <= {200, 503}
    assert "Traceback" not in server.text
    check(servers.start().port, pushers)


def test_a_second_signal_stops_at_once_and_loses_nothing(servers: Servers) -> None:
    server = servers.start()
    pusher = Pusher("pusher")
    pusher.start(server.port)
    until(lambda: len(pusher.acknowledged) >= 100, "the pusher gets on")
    server.signal(signal.SIGSTOP)  # or the first could be obeyed to the end before the second is sent
    server.signal(signal.SIGTERM)
    server.signal(signal.SIGINT)
    server.signal(signal.SIGCONT)
    assert server.exit_code() == 0
    pusher.join()
    check(servers.start().port, [pusher])


# -- a full disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 112 MiB, of which the server keeps 64 free."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("needs root and mount(8) on Linux to make a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=112m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a tmpfs: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill_up(file: Path) -> None:
    """Write until the disk takes no more."""
    with suppress(OSError), file.open("ab", buffering=0) as out:
        while out.write(bytes(1 << 12)):
            pass
    free = os.statvfs(file)
    assert free.f_bavail == 0


def test_a_full_disk_refuses_pushes_until_there_is_room_again(servers: Servers, small_disk: Path) -> None:
    server = servers.start({"storage.path": str(small_disk / "data")})
    with connection(server.port) as ask:
        acknowledged: list[str] = []

        def push(number: int) -> int:
            lines = [f"{number}-{part} ".ljust(100_000, "x") for part in range(20)]
            entries = [{"ts": str(MIDNIGHT + number * S + part), "line": line} for part, line in enumerate(lines)]
            answer = ask("POST", "/ingest", {"streams": [{"labels": {"service": "api"}, "entries": entries}]})
            if answer.status == 200:
                acknowledged.extend(lines)
            else:
                assert answer.status == 503, answer.body
                assert int(answer.headers["retry-after"]) > 0
                assert json.loads(answer.body)["error"]
            return answer.status

        assert push(0) == 200
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(30 << 20))
        statuses = [push(number) for number in range(1, 15)]
        assert 200 in statuses
        assert statuses[-1] == 503
        # Really full, beyond what the server keeps free for itself.
        fill_up(ballast)
        assert push(15) == 503
        health = ask("GET", "/health")
        assert (health.status, json.loads(health.body)["status"]) == (503, "unhealthy")
        assert ask("GET", "/ready").status == 503
        assert ask("GET", "/livez").status == 200
        assert sorted(lines_in(server.port)) == sorted(acknowledged)
        ballast.unlink()
        assert push(16) == 200
        assert sorted(lines_in(server.port)) == sorted(acknowledged)
        health = json.loads(ask("GET", "/health").body)
        assert (health["status"], [each["code"] for each in health["problems"]]) == ("degraded", ["disk_nearly_full"])
    server.kill()
    assert sorted(lines_in(servers.start({"storage.path": str(small_disk / "data")}).port)) == sorted(acknowledged)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs prlimit(2)")
def test_files_that_cannot_grow_refuse_pushes_until_they_can(servers: Servers) -> None:
    """Every write beyond a size fails for real: in the WAL, and in a flush."""
    server = servers.start({"ingest.flush_interval": "1s"})
    acknowledged: list[str] = []
    numbers = itertools.count()

    with connection(server.port) as ask:

        def push() -> int:
            number = next(numbers)
            lines = [f"{number}-{part} {os.urandom(1000).hex()}" for part in range(50)]
            entries = [{"ts": str(MIDNIGHT + number * S + part), "line": line} for part, line in enumerate(lines)]
            status = ask("POST", "/ingest", {"streams": [{"labels": {"service": "api"}, "entries": entries}]}).status
            if status == 200:
                acknowledged.extend(lines)
            return status

        def codes() -> set[str]:
            return {problem["code"] for problem in json.loads(ask("GET", "/health").body).get("problems", [])}

        def is_refused() -> bool:
            return push() == 503 and ask("GET", "/ready").status == 503

        def limit_files(size: int) -> None:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        assert [push() for _ in range(4)] == [200] * 4
        limit_files(64 << 10)
        # Every few seconds it proves the disk with a write of less than that, and is ready until the next push.
        until(is_refused, "a push fails, and the server is not ready")
        until(lambda: "flush_failed" in codes(), "a flush fails")
        assert sorted(lines_in(server.port)) == sorted(acknowledged)
        limit_files(resource.RLIM_INFINITY)
        until(lambda: ask("GET", "/ready").status == 200, "the server is ready without a push")
        until(lambda: not codes(), "a flush succeeds")
        assert push() == 200
        assert sorted(lines_in(server.port)) == sorted(acknowledged)
    server.kill()
    assert sorted(lines_in(servers.start().port)) == sorted(acknowledged)
