"""A server process with lines that tests know, for the page to show."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

import attrs

from tests.processes.server_process import Servers, connection

S: Final = 1_000_000_000
MINUTE: Final = 60 * S
APPS: Final = ("cart", "checkout", "payment")
TIMEOUTS: Final = 50
"""So many of the seeded lines, and no others, hold the word `timeout`."""

_LINES: Final = 10_000
_SPAN: Final = 50 * MINUTE  # lines stay within the last hour for as long as the tests of a module take
_BATCH: Final = 20_000
_EMOJI: Final = "\N{SHOPPING TROLLEY}\N{PARTY POPPER}"


@attrs.frozen
class Line:
    """Hold a line as it is pushed, and its level as the page names it."""

    ns: int
    labels: Mapping[str, str]
    text: str
    level: str


def level_of(number: int) -> str:
    """Give the level of the n-th seeded line: mostly info, few errors, a handful of critical ones."""
    if number % 1000 == 7:
        return "critical"
    return {0: "error", 1: "warn", 2: "warn", 3: "debug", 4: "debug", 5: "debug", 6: "trace"}.get(number % 40, "info")


def seeded_lines(newest: int | None = None, *, count: int = _LINES, span: int = _SPAN) -> list[Line]:
    """Give `count` lines of three apps, the oldest first, evenly over `span` nanoseconds up to `newest` (seconds ago).

    Each app writes in a way of its own: JSON, logfmt, plain text. Some are multi-line, coloured, or hold emoji.
    """
    last = newest if newest is not None else time.time_ns() // S * S - 5 * S
    step = span // count
    return [_line(number, last - (count - 1 - number) * step) for number in range(count)]


def _line(number: int, ns: int) -> Line:
    app = APPS[number % len(APPS)]
    level = level_of(number)
    said = f"upstream timeout after 3 tries, request {number}" if number % 200 == 100 else f"request {number} handled"
    duration = f"{number * 7 % 900}ms"
    if number % 500 == 250:
        said = f"{said}\n  at Basket.add (basket.ts:{number % 90})\n  at Server.handle (server.ts:12)"
    if number % 900 == 450:
        said = f"{said} {_EMOJI}"
    fields = {"level": level, "msg": said, "duration": duration, "status": 200 if level != "error" else 500}
    if app == "checkout":
        text = json.dumps(fields, ensure_ascii=False)
    elif app == "cart":
        text = f'level={level} msg={json.dumps(said, ensure_ascii=False)} duration={duration} user="user {number % 37}"'
    else:
        word = f"\x1b[31m{level.upper()}\x1b[0m" if number % 700 == 350 else level.upper()
        text = f"{word} {said} in {duration}"
    return Line(ns, {"app": app, "env": "prod" if number % 4 else "staging", "pod": f"{app}-{number % 5}"}, text, level)


@attrs.frozen
class PageServer:
    """One server and what it was given."""

    servers: Servers
    port: int
    lines: list[Line] = attrs.field(factory=list)

    @classmethod
    def start(
        cls, servers: Servers, lines: Iterable[Line] = (), settings: Mapping[str, str] | None = None
    ) -> PageServer:
        """Start a process over the data folder of `servers` and push `lines`."""
        server = cls(servers, servers.start(settings).port)
        server.push(lines)
        return server

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def push(self, lines: Iterable[Line]) -> None:
        """Push lines, all of which have to be accepted, and remember them."""
        added = list(lines)
        with connection(self.port) as ask:
            for first in range(0, len(added), _BATCH):
                answer = ask("POST", "/ingest", {"streams": _streams(added[first : first + _BATCH])})
                assert answer.status == 200, answer.body
        self.lines.extend(added)

    def ask(self, path: str, **parameters: str) -> dict[str, object]:
        """Give the JSON object that a GET brings."""
        said = self._json(path, parameters)
        assert isinstance(said, dict)
        return said

    def ask_list(self, path: str, **parameters: str) -> list[object]:
        """Give the JSON array that a GET brings."""
        said = self._json(path, parameters)
        assert isinstance(said, list)
        return said

    def _json(self, path: str, parameters: Mapping[str, str]) -> object:
        with connection(self.port) as ask:
            answer = ask("GET", f"/{path}?{urlencode(parameters)}")
        assert answer.status == 200, answer.body
        said: object = json.loads(answer.body)
        return said


def _streams(lines: Iterable[Line]) -> list[dict[str, object]]:
    def stream(line: Line) -> list[tuple[str, str]]:
        return sorted(line.labels.items())

    return [
        {"labels": dict(labels), "entries": [{"ts": str(line.ns), "line": line.text} for line in each]}
        for labels, each in groupby(sorted(lines, key=stream), stream)
    ]
