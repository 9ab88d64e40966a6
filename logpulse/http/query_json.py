"""Answers of LogPulse's own /query. Their names are a contract; see docs/api.md."""

from __future__ import annotations

import math

import msgspec

from logpulse.http.entry_json import entry_json
from logpulse.query.entry_level import LevelOf
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Matrix
from logpulse.query.result import LogsPage, MetricsAnswer, ScanStats
from logpulse.units import format_duration, format_time


class PhasesJson(msgspec.Struct):
    """How long each phase of a query took, in milliseconds."""

    plan: float
    scan: float
    exact: float
    evaluate: float


class QueryStatsJson(msgspec.Struct, rename="camel"):
    """What a query cost; `execution_time` is in milliseconds."""

    queried_chunks: int
    scanned_lines: int
    scanned_bytes: int
    execution_time: float
    streams: int
    segments: int
    skipped_chunks: int
    cached_segments: int
    exact_lines: int
    phases: PhasesJson


class SeriesJson(msgspec.Struct):
    """One series of a metric query: times, and values, as text (`NaN`, `+Inf`, `-Inf`) where JSON has no number."""

    labels: dict[str, str]
    points: list[tuple[str, float | str]]


def logs_json(page: LogsPage, level_of: LevelOf, seconds: float) -> bytes:
    """Write the answer to a log query that took `seconds`."""
    logs = [entry_json(entry, level_of) for entry in page.entries]
    following = None if page.next is None else str(page.next)
    return msgspec.json.encode({"logs": logs, "stats": stats_json(page.stats, seconds), "next": following})


def series_json(answer: MetricsAnswer, times: list[int], step: int, seconds: float, interrupt: Interrupt) -> bytes:
    """Write the answer to a metric query at `times` (unix nanoseconds), `step` nanoseconds apart.

    Raises:
        QueryCancelledError: `interrupt` was pulled.
    """
    texts = [format_time(time) for time in times]
    if isinstance(answer.result, float):
        series = [SeriesJson({}, [(text, _value(answer.result)) for text in texts])]
    else:
        series = _series(answer.result, texts, interrupt)
    stats = stats_json(answer.stats, seconds)
    return msgspec.json.encode({"series": series, "step": format_duration(step), "stats": stats})


def _series(matrix: Matrix, texts: list[str], interrupt: Interrupt) -> list[SeriesJson]:
    rows = zip(matrix.labels, matrix.values.tolist(), matrix.present.tolist(), strict=True)
    return [
        SeriesJson(
            dict(labels), [(text, _value(value)) for text, value, has in zip(texts, row, present, strict=True) if has]
        )
        for labels, row, present in checked(rows, interrupt)
    ]


def _value(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{value:+}".title()


def stats_json(stats: ScanStats, seconds: float) -> QueryStatsJson:
    """Write what a query cost that took `seconds`."""
    spent = stats.seconds
    return QueryStatsJson(
        queried_chunks=stats.chunks,
        scanned_lines=stats.rows,
        scanned_bytes=stats.text_bytes,
        execution_time=_milliseconds(seconds),
        streams=stats.streams,
        segments=stats.segments,
        skipped_chunks=stats.skipped_chunks,
        cached_segments=stats.cached_segments,
        exact_lines=stats.exact_rows,
        phases=PhasesJson(*map(_milliseconds, (spent.plan, spent.scan, spent.exact, spent.evaluate))),
    )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
