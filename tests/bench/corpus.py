"""A repeatable corpus: ten services that write access logs, JSON, logfmt and Java-style text.

What counts for a benchmark is the entropy: ids and numbers as real logs have them, words and shapes that come again.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs
import msgspec

START_NS: Final = 1_767_225_600 * 10**9  # 2026-01-01T00:00:00Z
SPAN_NS: Final = 6 * 3600 * 10**9
ABSENT: Final = "no such text anywhere"
BODY_LINES: Final = 10_000

_ENVIRONMENTS: Final = ("prod", "prod", "prod", "prod", "staging")
_HOSTS: Final = tuple(f"node-{number:02d}" for number in range(10))
_LEVELS: Final = ("info",) * 40 + ("debug",) * 6 + ("warn",) * 3 + ("error",)
_VOCABULARY: Final = """
    accepted backlog bucket cache cluster commit customer deadline delivery disk expired flush gateway index invoice
    leader lease lock lookup message node order page partition payment peer pool queue quota refused replica request
    retry role rollback schema session shard socket stale stock sweep sync timeout token transfer upstream user vote
    """
_WORDS: Final = _VOCABULARY.split()
_PATHS: Final = (
    "/api/orders",
    "/api/orders/{}",
    "/api/users/{}",
    "/api/search?q={}",
    "/assets/{}.js",
    "/health",
    "/login",
)
_BROWSERS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "curl/8.14.1",
    "okhttp/5.0.0",
)


@attrs.frozen
class Line:
    """Hold one entry of the corpus; `time` is unix nanoseconds."""

    labels: tuple[tuple[str, str], ...]
    time: int
    text: str


_Form = Callable[[random.Random, datetime, str], str]


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(_WORDS, k=count))


def _id(rng: random.Random) -> str:
    return f"{rng.getrandbits(64):016x}"


def _access(rng: random.Random, moment: datetime, _level: str) -> str:
    address = ".".join(str(rng.randrange(256)) for _ in range(3))
    path = rng.choice(_PATHS).format(rng.randrange(100_000))
    status = rng.choices((200, 201, 304, 404, 500), (88, 4, 4, 3, 1))[0]
    return (
        f'10.{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} '
        f'{int(rng.paretovariate(1.2) * 300)} "-" "{rng.choice(_BROWSERS)}" {rng.random():.3f} {_id(rng)}'
    )


def _json(rng: random.Random, moment: datetime, level: str) -> str:
    fields = {
        "time": moment.isoformat(timespec="microseconds"),
        "level": level,
        "message": _words(rng, 4),
        "trace": _id(rng) + _id(rng),
        "status": rng.choices((200, 400, 503), (95, 4, 1))[0],
        "took_ms": int(rng.lognormvariate(3.4, 1.1)),
        "customer": {"id": rng.randrange(50_000), "plan": rng.choice(("free", "team", "business"))},
    }
    return json.dumps(fields, separators=(",", ":"))


def _logfmt(rng: random.Random, moment: datetime, level: str) -> str:
    return (
        f"ts={moment.isoformat(timespec='milliseconds')} level={level} "
        f'caller={rng.choice(_WORDS)}.go:{rng.randrange(900)} msg="{_words(rng, 5)}" trace={_id(rng)} '
        f"duration={int(rng.lognormvariate(3.4, 1.1))}ms bytes={rng.randrange(65_536)}"
    )


def _java(rng: random.Random, moment: datetime, level: str) -> str:
    return (
        f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d} {level.upper():5} [worker-{rng.randrange(64)}] "
        f"org.example.{rng.choice(_WORDS)}.{rng.choice(_WORDS).title()}Service - {_words(rng, 4)} for user "
        f"{rng.randrange(50_000)} after {int(rng.lognormvariate(3.4, 1.1))} ms id={_id(rng)}"
    )


_FORMS: Final[dict[str, _Form]] = {
    "gateway": _access,
    "accounts": _json,
    "orders": _json,
    "search": _logfmt,
    "billing": _json,
    "stock": _logfmt,
    "mailer": _java,
    "worker": _java,
    "shop": _access,
    "scheduler": _logfmt,
}


def corpus(count: int, seed: int = 1) -> Iterator[Line]:
    """Invent `count` lines in time order, the same ones for the same seed; the services named first are the busiest."""
    rng = random.Random(seed)
    services = tuple(_FORMS)
    weights = [0.7**rank for rank in range(len(services))]
    step = SPAN_NS / count
    for number in range(count):
        time = START_NS + int((number + rng.random()) * step)
        service = rng.choices(services, weights)[0]
        level = rng.choice(_LEVELS)
        labels = (
            ("env", rng.choice(_ENVIRONMENTS)),
            ("host", rng.choice(_HOSTS)),
            ("level", level),
            ("service", service),
        )
        yield Line(labels, time, _FORMS[service](rng, datetime.fromtimestamp(time // 1000 / 1e6, UTC), level))


@attrs.frozen
class Body:
    """Hold a body of POST /ingest and how many bytes of log text of each service are in it."""

    content: bytes
    text_bytes: dict[str, int]


def bodies(lines: Iterator[Line]) -> Iterator[Body]:
    """Write lines as bodies of BODY_LINES lines, those of one stream together."""
    while batch := list(itertools.islice(lines, BODY_LINES)):
        streams: dict[tuple[tuple[str, str], ...], list[dict[str, str]]] = {}
        for line in batch:
            streams.setdefault(line.labels, []).append({"ts": str(line.time), "line": line.text})
        sizes: Counter[str] = Counter()
        for line in batch:
            sizes[dict(line.labels)["service"]] += len(line.text.encode())
        document = {"streams": [{"labels": dict(labels), "entries": entries} for labels, entries in streams.items()]}
        yield Body(msgspec.json.encode(document), dict(sizes))
