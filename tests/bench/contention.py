"""Pushes beside heavy queries: what a sender notices of those who ask."""

from __future__ import annotations

import itertools
import threading
import time
from http.client import HTTPConnection
from typing import Final

import attrs
import msgspec

from .queries import HEAVY, Times
from .server import BenchServer

PUSH_RATE: Final = 20_000
"""Lines a second."""

_PUSHES_PER_SECOND: Final = 20


@attrs.frozen
class Contention:
    """Hold delays of pushes, in milliseconds from when each was due to its answer, and the queries answered."""

    p50: float
    p99: float
    queries: int


def push_beside_queries(server: BenchServer, seconds: float) -> Contention:
    """Push a steady flow while each of HEAVY is asked again and again.

    Raises:
        RuntimeError: a push or a query was not answered 200.
    """
    stop, failures = threading.Event(), list[Exception]()
    answered = itertools.count()

    def ask_again(query: str, times: Times) -> None:
        try:
            while not stop.is_set():
                server.get("/query", query=query, **times)
                next(answered)
        except Exception as error:
            failures.append(error)

    asking = [threading.Thread(target=ask_again, args=each) for each in HEAVY]
    for thread in asking:
        thread.start()
    try:
        delays = _push_steadily(server.port, seconds)
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    if failures:
        raise failures[0]
    ordered = sorted(delays)
    return Contention(ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], next(answered))


def _push_steadily(port: int, seconds: float) -> list[float]:
    """Push when it is due, whether or not the push before took long: a sender's lines do not wait either."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    share = PUSH_RATE // _PUSHES_PER_SECOND
    delays = []
    began = time.perf_counter()
    for tick in range(int(seconds * _PUSHES_PER_SECOND)):
        entries = [{"line": f"{tick}-{number} GET /api/orders/{number} 200 in 12 ms"} for number in range(share)]
        body = msgspec.json.encode({"streams": [{"labels": {"service": "bench-beside"}, "entries": entries}]})
        due = began + tick / _PUSHES_PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("POST", "/ingest", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a push was answered {answer.status}: {said[:300]!r}")
        delays.append((time.perf_counter() - due) * 1000)
    connection.close()
    return delays
