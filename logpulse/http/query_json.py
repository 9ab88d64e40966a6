"""Answers of LogPulse's own /query. Their names are a contract; see docs/api.md."""

from __future__ import annotations

import math

import msgspec

from logpulse.http.entry_json import LevelOf, entry_json
from logpulse.query.matrix import Matrix
from logpulse.query.result import LogsPage, MetricsAnswer, ScanStats
from logpulse.units import format_duration, format_time


class QueryStatsJson(msgspec.Struct):
    """What a query cost; `executionTime` is in milliseconds."""

    queriedChunks: int  # noqa: N815 - the contract's names
    scannedLines: int  # noqa: N815
    scannedBytes: int  # noqa: N815
    executionTime: float  # noqa: N815


class SeriesJson(msgspec.Struct):
    """One series of a metric query: times, and values, null where one is no finite number."""

    labels: dict[str, str]
    points: list[tuple[str, float | None]]


def logs_json(page: LogsPage, level_of: LevelOf, seconds: float) -> bytes:
    """Write the answer to a log query that took `seconds`."""
    logs = [entry_json(entry, level_of) for entry in page.entries]
    following = None if page.next is None else str(page.next)
    return msgspec.json.encode({"logs": logs, "stats": _stats(page.stats, seconds), "next": following})


def series_json(answer: MetricsAnswer, times: list[int], step: int, seconds: float) -> bytes:
    """Write the answer to a metric query at `times` (unix nanoseconds), `step` nanoseconds apart."""
    texts = [format_time(time) for time in times]
    if isinstance(answer.result, float):
        series = [SeriesJson({}, [(text, _finite(answer.result)) for text in texts])]
    else:
        series = _series(answer.result, texts)
    stats = _stats(answer.stats, seconds)
    return msgspec.json.encode({"series": series, "step": format_duration(step), "stats": stats})


def _series(matrix: Matrix, texts: list[str]) -> list[SeriesJson]:
    return [
        SeriesJson(
            dict(labels), [(text, _finite(value)) for text, value, has in zip(texts, row, present, strict=True) if has]
        )
        for labels, row, present in zip(matrix.labels, matrix.values.tolist(), matrix.present.tolist(), strict=True)
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _stats(stats: ScanStats, seconds: float) -> QueryStatsJson:
    return QueryStatsJson(stats.chunks, stats.rows, stats.text_bytes, round(seconds * 1000, 3))
