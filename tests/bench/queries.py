"""Classes of queries over the corpus: how long each takes, beside the time to merely decompress what it selects."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from unittest import mock

import attrs

from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse
from logpulse.query.engine import Engine, MetricsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.range_plan import StreamClass
from logpulse.query.steps import aligned
from logpulse.storage.store import StorePolicy, open_store

from .corpus import ABSENT, SPAN_NS, START_NS
from .server import BenchServer

_MINUTE_NS: Final = 60 * 10**9
_END_NS: Final = START_NS + SPAN_NS
_ALL: Final = '{service=~".+"}'
_JSON: Final = '{service=~"accounts|orders|billing"}'
_LOGFMT: Final = '{service=~"search|stock|scheduler"}'
_ACCESS: Final = '{service=~"gateway|shop"}'


@attrs.frozen
class QueryClass:
    """Name a kind of query. `services` are those it selects, none for all; `goal` counts times of decompressing them.

    With `steps` it asks for a point a minute, otherwise for one at the end.
    """

    name: str
    query: str
    goal: float
    services: tuple[str, ...] = ()
    steps: bool = False


CLASSES: Final = (
    QueryClass("absent text", f'{_ALL} |= "{ABSENT}"', 2.5),
    QueryClass("count, text", f'sum(count_over_time({_ALL} |= "timeout" [7h]))', 2.5),
    QueryClass("count, regex", f'sum(count_over_time({_ALL} |~ "timeout.*(5[0-9][0-9]|user)" [7h]))', 4),
    QueryClass("count, case-insensitive", f'sum(count_over_time({_ALL} |~ "(?i)TIMEOUT" [7h]))', 4),
    QueryClass("volume by level", f"sum by (level) (count_over_time({_ALL}[1m]))", 0.5, steps=True),
    QueryClass("rate by service", f"sum by (service) (rate({_ALL}[5m]))", 0.5, steps=True),
    QueryClass(
        "json field filter",
        f"sum(count_over_time({_JSON} | json | status >= 500 [7h]))",
        5,
        ("accounts", "orders", "billing"),
    ),
    QueryClass(
        "json group by field",
        f"sum by (customer_plan) (count_over_time({_JSON} | json [5m]))",
        5,
        ("accounts", "orders", "billing"),
        steps=True,
    ),
    QueryClass(
        "logfmt field filter",
        f"sum by (service) (count_over_time({_LOGFMT} | logfmt | bytes >= 60000 [7h]))",
        5,
        ("search", "stock", "scheduler"),
    ),
    QueryClass(
        "quantile of duration",
        f'quantile_over_time(0.99, {_LOGFMT} | logfmt | unwrap duration(duration) | __error__="" [5m]) by (service)',
        5,
        ("search", "stock", "scheduler"),
        steps=True,
    ),
    QueryClass(
        "pattern extract",
        f'sum by (method) (count_over_time({_ACCESS} | pattern "<_> \\"<method> <_> <_>\\" <status> <_>" '
        '| status = "500" [7h]))',
        5,
        ("gateway", "shop"),
    ),
    QueryClass(
        "template over every line",
        f'sum(bytes_over_time({_ACCESS} | line_format "{{{{.host}}}} {{{{__line__}}}}" [7h]))',
        0,
        ("gateway", "shop"),
    ),
)

Times = dict[str, str]
"""The parameters of a metric query that say which points it asks for."""

_STEPS: Final = {"start": str(START_NS), "end": str(_END_NS), "step": "60"}
_END: Final = {"start": str(_END_NS), "end": str(_END_NS), "step": "60"}

TEMPLATE: Final = CLASSES[-1]
"""The class that only the exact form can do; its query counts bytes of lines, `TEMPLATE_LINES` the lines."""

TEMPLATE_LINES: Final = f"sum(count_over_time({_ACCESS}[7h]))"
HEAVY: Final = tuple(
    (each.query, _STEPS if each.steps else _END)
    for each in CLASSES
    if each.name in ("count, regex", "json group by field", "quantile of duration", TEMPLATE.name)
)
"""Queries that keep every core busy."""


def count_lines(server: BenchServer, query: str) -> int:
    """Give the only value of a query that counts."""
    series = json.loads(server.get("/query", query=query, **_END))["series"]
    return int(series[0]["points"][0][1])


def ask(server: BenchServer, asked: QueryClass, runs: int = 5) -> float:
    """Ask several times, first for warmth, and give the median of the milliseconds."""
    is_log = isinstance(parse(asked.query), LogQuery)
    times = {"limit": "100"} if is_log else _STEPS if asked.steps else _END
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        body = json.loads(server.get("/query", query=asked.query, **times))
        took.append((time.perf_counter() - began) * 1000)
        if is_log == bool(body.get("logs", body.get("series"))):
            raise RuntimeError(f"{asked.query} gave {body}")
    return statistics.median(took[1:])


def exactly(folder: Path, classes: Iterable[QueryClass]) -> dict[str, float]:
    """Give the milliseconds of each metric class where every row is decided by the exact form; no server may run."""
    found = {}
    with (
        open_store(folder, StorePolicy(retention_days=0)) as store,
        Executor(folder, threads=0, memory=192 << 20) as executor,
        mock.patch(
            "logpulse.query.range_plan.plan_classes", lambda _asked, streams, _index: [StreamClass(streams, None)]
        ),
    ):
        engine = Engine(store, executor)
        for each in classes:
            query = parse(each.query)
            if isinstance(query, LogQuery):
                continue
            start, end = aligned(START_NS if each.steps else _END_NS, _END_NS, _MINUTE_NS)
            began = time.perf_counter()
            engine.metrics(MetricsRequest(query, start, end, _MINUTE_NS), Interrupt())
            found[each.name] = (time.perf_counter() - began) * 1000
    return found
