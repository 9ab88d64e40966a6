"""LogPulse servers as processes of their own, and clients that remember what was acknowledged."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import attrs

PATIENCE = 60.0
"""Seconds after which a test gives up on another process, however busy the machine."""

S = 1_000_000_000
MIDNIGHT = 1_768_435_200 * S  # 2026-01-15T00:00:00Z
LOGPULSE = (sys.executable, "-c", "from logpulse.cli import main; main()")
_PROJECT = Path(__file__).parents[2]
_LISTENING = re.compile(r"[Ll]istening on http://127\.0\.0\.1:(\d+)|Running on http://127\.0\.0\.1:(\d+)")


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something in another process or thread."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.005)


@attrs.define(eq=False)
class ServerProcess:
    """One process; what it says goes to the file `said`."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text(errors="replace")

    @property
    def port(self) -> int:
        """Where it listens; waits until it does."""
        until(lambda: bool(_LISTENING.search(self.text)) or self.process.poll() is not None, "the server listens")
        found = _LISTENING.search(self.text)
        assert found, f"exit code {self.process.returncode}:\n{self.text}"
        return int(found[1] or found[2])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end."""
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill it as a power cut would, but for the page cache."""
        self.process.kill()
        self.process.wait(PATIENCE)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a process: none of this one's LOGPULSE_ variables, but those for dotted `settings`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOGPULSE_")}
    given = {f"LOGPULSE_{path.replace('.', '_').upper()}": value for path, value in settings.items()}
    return {**inherited, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(_PROJECT), **given}


class Servers:
    """Start server processes over one data folder, in a folder of their own; all end with the test."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._folder = folder
        self._numbers = itertools.count()
        self._started: list[ServerProcess] = []

    def start(
        self, settings: Mapping[str, str] | None = None, *, command: tuple[str, ...] = (*LOGPULSE, "serve")
    ) -> ServerProcess:
        """Start `logpulse serve`, or another command, on a free port unless `settings` name one.

        It flushes when told to, not because a busy machine took a minute, unless `settings` say when.
        """
        own = {"storage.path": str(self.data), "server.port": "0", "ingest.flush_interval": "1h"}
        effective = {**own, **(settings or {})}
        said = self._folder / f"server-{next(self._numbers)}.log"
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, cwd=self._folder, env=environment(effective), start_new_session=True
            )
        self._started.append(ServerProcess(process, said))
        return self._started[-1]

    def end(self) -> None:
        """Kill what still runs."""
        for server in self._started:
            if server.process.poll() is None:
                server.kill()


# -- clients ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Answer:
    """Hold an HTTP answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def connection(port: int) -> Iterator[Callable[..., Answer]]:
    """Open a connection; call what is given with method, path and maybe a JSON body."""
    held = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        held.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        answer = held.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())

    try:
        yield ask
    finally:
        held.close()


def lines_in(port: int, query: str = '{service=~".+"}') -> list[str]:
    """Page through all that is stored and give the lines, the oldest first."""
    found: list[str] = []
    with connection(port) as ask:
        parameters = {"query": query, "direction": "forward", "limit": "5000"}
        while True:
            answer = ask("GET", f"/query?{urlencode(parameters)}")
            assert answer.status == 200, answer.body
            said = json.loads(answer.body)
            found += [entry["message"] for entry in said["logs"]]
            if said["next"] is None:
                return found
            parameters["cursor"] = said["next"]


Batch = tuple[dict[str, object], list[str]]


@attrs.define(eq=False)
class Pusher:
    """Push batches of unique lines until the server is gone or `stop` is set; remember what became of each line.

    A batch without an answer is sent again first thing in the next run, as an agent does, or given up, by turns.
    """

    name: str
    acknowledged: set[str] = attrs.field(factory=set)
    given_up: set[str] = attrs.field(factory=set)
    statuses: Counter[int] = attrs.field(factory=Counter)
    resets: int = 0
    stop: threading.Event = attrs.field(factory=threading.Event)
    _pending: Batch | None = None
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)
    _random: random.Random = attrs.field(factory=lambda: random.Random(7))
    _thread: threading.Thread | None = None

    def start(self, port: int) -> None:
        """Push in a thread."""
        self.stop.clear()
        self._thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end."""
        assert self._thread is not None
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _run(self, port: int) -> None:
        try:
            with connection(port) as ask:
                while not self.stop.is_set():
                    body, lines = self._pending or self._batch()
                    self._pending = body, lines
                    answer = ask("POST", "/ingest", body)
                    self.statuses[answer.status] += 1
                    if answer.status == 200:
                        self.acknowledged.update(lines)
                        self._pending = None
        except (OSError, http.client.HTTPException):
            self.resets += 1
            if self._pending is not None and self.resets % 2:
                self.given_up.update(self._pending[1])
                self._pending = None

    def _batch(self) -> Batch:
        """Make four lines of about 1 KiB in two streams, some late, over two days."""
        number = next(self._numbers)
        lines = [f"{self.name}-{number}-{part} ".ljust(1024, "x") for part in range(4)]
        time_ns = MIDNIGHT + number * S - self._random.choice((0, 0, 5, 40_000)) * S
        entries = [{"ts": str(time_ns + part), "line": line} for part, line in enumerate(lines)]
        streams = [
            {"labels": {"service": self.name, "part": "a"}, "entries": entries[:2]},
            {"labels": {"service": "shared", "part": "b"}, "entries": entries[2:]},
        ]
        return {"streams": streams}, lines
