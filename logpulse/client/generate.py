"""Invent logs that look like those of a small web shop: several services, four line formats, plausible trouble."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from logpulse.limits import SECOND_NS

# Out of a hundred lines: what a healthy system with a little trouble logs.
_LEVELS: Final = ("info",) * 82 + ("debug",) * 9 + ("warn",) * 6 + ("error",) * 3
_HOSTS: Final = ("node-1", "node-2", "node-3")
_PRODUCTION_SHARE: Final = 0.85
_STATUSES: Final = {
    "debug": (200,),
    "info": (200, 200, 200, 200, 200, 200, 201, 204, 301, 304),
    "warn": (400, 401, 403, 404, 404, 404, 409, 429),
    "error": (500, 502, 503, 504),
}
_PATHS: Final = ("/", "/login", "/cart", "/api/v1/items", "/api/v1/items/{n}", "/api/v1/orders/{n}", "/search?q={word}")
_WORDS: Final = ("boots", "lamp", "kettle", "tent", "jacket", "bicycle", "notebook", "speaker")
_AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
    "curl/8.11.0",
    "okhttp/4.12.0",
)
# What happens, and the HTTP status it goes with: everywhere, and in one service only.
_Happenings = Mapping[str, tuple[tuple[str, int], ...]]
_EVERYWHERE: Final[_Happenings] = {
    "debug": (("cache hit", 200), ("health check passed", 200), ("connection taken from the pool", 200)),
    "info": (("request served", 200), ("resource created", 201), ("not modified", 304)),
    "warn": (("slow query", 200), ("upstream timeout, trying again", 504), ("rate limit reached", 429)),
    "error": (("Connection timeout", 504), ("upstream unavailable", 502), ("unhandled exception", 500)),
}
_IN_SERVICE: Final[Mapping[str, _Happenings]] = {
    "auth": {
        "info": (("user signed in", 200), ("token refreshed", 200)),
        "warn": (("invalid password", 401), ("token expired", 401)),
        "error": (("identity provider timeout", 504),),
    },
    "checkout": {"info": (("order placed", 201),), "warn": (("cart is empty", 409),), "error": (("deadlock", 500),)},
    "payments": {
        "info": (("payment authorised", 200), ("refund sent", 200)),
        "warn": (("card declined", 402),),
        "error": (("payment provider timeout", 504),),
    },
    "inventory": {"info": (("stock reserved", 200),), "warn": (("stock is low", 200),)},
    "worker": {"info": (("job finished", 200),), "warn": (("job retried", 200),), "error": (("job failed", 500),)},
}
_FAULTS: Final = (
    ("java.net.SocketTimeoutException", "Read timed out"),
    (
        "java.sql.SQLTransientConnectionException",
        "pool-1 - Connection is not available, request timed out after 30000ms",
    ),
    ("java.lang.IllegalStateException", "Order is already paid"),
)


@attrs.frozen
class GeneratedEntry:
    """Hold one invented entry: `time` in unix nanoseconds, and labels and metadata as `/ingest` takes them."""

    labels: dict[str, str]
    time: int
    line: str
    metadata: dict[str, str]


@attrs.frozen
class _Event:
    """Hold what happened, before a service writes it down in its own format."""

    service: str
    level: str
    time: int
    message: str
    status: int
    milliseconds: int
    user: int
    trace: str
    random: random.Random

    def clock(self, form: str) -> str:
        """Write the time in UTC."""
        return datetime.fromtimestamp(self.time // SECOND_NS, UTC).strftime(form)

    @property
    def fraction(self) -> str:
        """The milliseconds of the time, three digits."""
        return f"{self.time % SECOND_NS // 1_000_000:03}"


class LogGenerator:
    """Invent entries, the same ones for the same services, seed and times; the services named first are the busiest."""

    def __init__(self, services: Sequence[str], seed: int | None) -> None:
        self._services = tuple(services)
        self._busyness = tuple(itertools.accumulate(range(len(services), 0, -1)))
        self._random = random.Random(seed)

    def jitter(self) -> float:
        """Give a fraction from 0 to less than 1."""
        return self._random.random()

    def entry(self, time: int) -> GeneratedEntry:
        """Invent the entry of a moment, unix nanoseconds. The level of the labels is the one the line tells."""
        rng = self._random
        service = rng.choices(self._services, cum_weights=self._busyness)[0]
        level = rng.choice(_LEVELS)
        message, status = rng.choice(_EVERYWHERE[level] + _IN_SERVICE.get(service, {}).get(level, ()))
        event = _Event(
            service=service,
            level=level,
            time=time,
            message=message,
            status=status,
            # Long-tailed, as latencies are; errors are mostly timeouts.
            milliseconds=int(rng.lognormvariate(3.2, 1.0))
            + (rng.choice((1_000, 5_000, 30_000)) if level == "error" else 0),
            user=rng.randrange(1, 5_000),
            trace=f"{rng.getrandbits(128):032x}",
            random=rng,
        )
        env = "prod" if rng.random() < _PRODUCTION_SHARE else "staging"
        labels = {"service": service, "env": env, "host": rng.choice(_HOSTS), "level": level}
        return GeneratedEntry(labels, time, _form_of(service)(event), {"trace_id": event.trace})


def _form_of(service: str) -> Callable[[_Event], str]:
    """Give the line format of a service: always the same one, for names nobody foresaw too."""
    forms = tuple(_FORMS.values())
    return _FORMS.get(service) or forms[zlib.crc32(service.encode()) % len(forms)]


def _access_line(event: _Event) -> str:
    """The combined log format of web servers, with the request's time and id behind it."""
    rng = event.random
    path = (
        "/healthz"
        if event.level == "debug"
        else rng.choice(_PATHS).format(n=rng.randrange(10_000), word=rng.choice(_WORDS))
    )
    status = rng.choice(_STATUSES[event.level])
    method = "GET" if event.level == "debug" or rng.random() < 0.8 else "POST"
    address = f"203.0.113.{rng.randrange(256)}"  # reserved for documentation, RFC 5737
    size = int(rng.paretovariate(1.2) * 400) % 5_000_000
    return (
        f'{address} - - [{event.clock("%d/%b/%Y:%H:%M:%S")} +0000] "{method} {path} HTTP/1.1" {status} {size} "-" '
        f'"{rng.choice(_AGENTS)}" rt={event.milliseconds / 1_000:.3f} rid={event.trace[:16]}'
    )


def _json_line(event: _Event) -> str:
    fields = {
        "ts": f"{event.clock('%Y-%m-%dT%H:%M:%S')}.{event.fraction}Z",
        "level": event.level,
        "msg": event.message,
        "trace_id": event.trace,
        "status": event.status,
        "duration_ms": event.milliseconds,
        "user": {"id": event.user, "plan": event.random.choice(("free", "pro", "enterprise"))},
    }
    return json.dumps(fields, separators=(",", ":"))


def _logfmt_line(event: _Event) -> str:
    rng = event.random
    return (
        f"ts={event.clock('%Y-%m-%dT%H:%M:%S')}.{event.fraction}Z level={event.level} "
        f'caller={event.service}/handler.go:{rng.randrange(20, 400)} msg="{event.message}" status={event.status} '
        f"duration={event.milliseconds}ms user={event.user} trace_id={event.trace[:16]}"
    )


def _java_line(event: _Event) -> str:
    """A logback line; most errors bring their stack trace, which is several lines of one entry."""
    rng = event.random
    name = event.service.title().replace("-", "")
    line = (
        f"{event.clock('%Y-%m-%d %H:%M:%S')},{event.fraction} {event.level.upper():5} [exec-{rng.randrange(1, 33)}] "
        f"shop.{event.service}.{name}Service - {event.message} user={event.user} took={event.milliseconds}ms "
        f"id={event.trace[:16]}"
    )
    if event.level != "error" or rng.random() < 0.3:
        return line
    fault, detail = rng.choice(_FAULTS)
    frames = (
        f"\tat shop.{event.service}.{name}{part}.{method}({name}{part}.java:{rng.randrange(20, 400)})"
        for part, method in (("Client", "call"), ("Service", "handle"), ("Controller", "post"))
    )
    return "\n".join((line, f"{fault}: {detail}", *frames))


_FORMS: Final[Mapping[str, Callable[[_Event], str]]] = {
    "web": _access_line,
    "api": _json_line,
    "auth": _logfmt_line,
    "checkout": _java_line,
    "payments": _json_line,
    "inventory": _logfmt_line,
    "search": _access_line,
    "worker": _java_line,
}
DEFAULT_SERVICES: Final = tuple(_FORMS)
