"""A server of the benchmark's own, in a temporary folder on a free port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import attrs

from ..ports import unused_port
from .machine import ProcessUse

_PATIENCE_SECONDS = 120


@attrs.frozen
class BenchServer:
    """Hold a running server; `ready_seconds` passed from its start to its first 200 on /ready."""

    port: int
    use: ProcessUse
    data: Path
    ready_seconds: float

    def get(self, route: str, **parameters: str) -> bytes:
        """Ask a route and give the body of its answer.

        Raises:
            RuntimeError: it is not 200.
        """
        return self._exchange("GET", f"{route}?{urllib.parse.urlencode(parameters)}", "")

    def post(self, route: str, document: str) -> bytes:
        """Send JSON to a route and give the body of its answer.

        Raises:
            RuntimeError: it is not 200.
        """
        return self._exchange("POST", route, document)

    def _exchange(self, method: str, target: str, document: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request(method, target, document or None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{target} answered {answer.status}: {body[:300]!r}")
        return body

    def wait_until_flushed(self) -> None:
        """Wait until nothing is in memory alone; asked seldom, as answers cost the CPU time that is measured."""
        _wait(lambda: json.loads(self.get("/health"))["headBytes"] == 0, "the head to be flushed", every=0.5)

    def disk_bytes(self) -> int:
        """Count the bytes of all files of the data folder."""
        return sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file())


@contextmanager
def running_server(folder: Path, flush_interval: str = "3s", cache: str = "0") -> Iterator[BenchServer]:
    """Run a server with its data in `folder`, a short flush interval, no retention, and unless told otherwise no cache.

    Everything else is as shipped.
    """
    port = unused_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LOGPULSE_")}
    settings = {
        "LOGPULSE_PORT": str(port),
        "LOGPULSE_STORAGE_PATH": str(folder),
        "LOGPULSE_STORAGE_RETENTION_DAYS": "0",
        "LOGPULSE_INGEST_FLUSH_INTERVAL": flush_interval,
        "LOGPULSE_QUERY_CACHE": cache,
        "LOGPULSE_SERVER_LOG_LEVEL": "warning",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from logpulse.cli import main; main()", "serve"], env=clean | settings
    )
    try:
        _wait(lambda: process.poll() is not None or _is_ready(port), "the server to be ready")
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        yield BenchServer(port, ProcessUse(process.pid), folder, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait(condition: Callable[[], bool], what: str, *, every: float = 0.02) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {_PATIENCE_SECONDS} s for {what}")
        time.sleep(every)
