"""The work whose cost is measured: pushing a corpus, asking for it, following a live flow."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import attrs
import httpx
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from .server import BenchServer

CONNECTIONS: Final = 2
_TICKS_PER_SECOND: Final = 20
_SILENCE_SECONDS: Final = 5


def push(server: BenchServer, files: Sequence[Path]) -> float:
    """Send each file as one push, over CONNECTIONS connections, and give the seconds it took."""

    waiting = iter(files)  # shared, so that the connections stay abreast as senders of live lines do

    def send(_: int) -> None:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
        for file in waiting:
            connection.request("POST", "/ingest", file.read_bytes(), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"a push was answered {answer.status}: {body[:300]!r}")
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(send, range(CONNECTIONS)))
    return time.perf_counter() - began


def median_milliseconds(server: BenchServer, query: str, expected: int, runs: int = 7) -> float:
    """Ask `query` several times, the first time for warmth only, and give the median time.

    Raises:
        RuntimeError: an answer does not have `expected` entries.
    """
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        body = server.get("/query", query=query)
        took.append((time.perf_counter() - began) * 1000)
        found = len(json.loads(body)["logs"])
        if found != expected:
            raise RuntimeError(f"{query} gave {found} entries instead of {expected}")
    return statistics.median(took[1:])


@attrs.frozen
class TailResult:
    """Hold what a live tail saw of a steady flow: delays from just before the push to the frame, in milliseconds."""

    sent: int
    received: int
    p50: float
    p99: float


def follow(server: BenchServer, lines_per_second: int, seconds: float) -> TailResult:
    """Push a steady flow, follow it live, and account for every line."""
    total = int(lines_per_second * seconds)
    delays: dict[int, float] = {}
    trio.run(_follow, server, lines_per_second, total, delays)
    ordered = sorted(delays.values()) or [float("nan")]
    return TailResult(total, len(delays), ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100])


async def _follow(server: BenchServer, rate: int, total: int, delays: dict[int, float]) -> None:
    url = f"ws://127.0.0.1:{server.port}/stream?service=bench-live"
    async with open_websocket_url(url) as socket, trio.open_nursery() as nursery:
        await socket.get_message()  # "connected": from here on nothing is missed
        nursery.start_soon(_receive, socket, total, delays)
        await _send_steadily(server.port, rate, total)


async def _receive(socket: WebSocketConnection, total: int, delays: dict[int, float]) -> None:
    while len(delays) < total:
        with trio.move_on_after(_SILENCE_SECONDS) as silence:
            frame = json.loads(await socket.get_message())
        if silence.cancelled_caught:
            return
        now = time.perf_counter()
        if frame["type"] == "log":
            number, sent = frame["data"]["message"].split()[:2]
            delays[int(number)] = (now - float(sent)) * 1000


async def _send_steadily(port: int, rate: int, total: int) -> None:
    share = rate // _TICKS_PER_SECOND
    began = trio.current_time()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for tick, first in enumerate(range(0, total, share)):
            await trio.sleep_until(began + tick / _TICKS_PER_SECOND)
            sent = time.perf_counter()
            lines = [
                {"line": f"{number} {sent!r} GET /api/orders/{number} 200"}
                for number in range(first, min(first + share, total))
            ]
            answer = await client.post(
                "/ingest", json={"streams": [{"labels": {"service": "bench-live"}, "entries": lines}]}
            )
            answer.raise_for_status()
