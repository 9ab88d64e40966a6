"""Histograms of every recorded log query, whatever its stages: what is counted is what pages of the query show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from logpulse.errors import LogPulseError
from logpulse.logql.ast import DropLabels, KeepLabels, LogQuery
from logpulse.logql.parser import parse
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.entry_level import DETECTED, LABELLED, LevelRule, shown_parts
from logpulse.query.histogram import HistogramRequest
from logpulse.query.interrupt import Interrupt

from ..conformance.recorded import cases
from .test_conformance import engine

__all__ = ["engine"]

_START: Final = 1_793_491_200_000_000_000
_END: Final = _START + 21_600_000_000_000
_BUCKETS: Final = 36


def _queries() -> Iterator[str]:
    """Give each different log query that parses. Those that make entries equal are shown once by pages only."""
    for case in cases():
        text = case.params.get("query", "")
        if not isinstance(text, str):
            continue
        try:
            query = parse(text)
        except LogPulseError:
            continue
        if isinstance(query, LogQuery) and not any(isinstance(each, DropLabels | KeepLabels) for each in query.stages):
            yield text


@pytest.mark.parametrize("text", sorted(set(_queries())))
@pytest.mark.parametrize("rule", [DETECTED, LABELLED], ids=["detected", "labelled"])
def test_a_recorded_query_is_counted_as_shown(engine: Engine, text: str, rule: LevelRule) -> None:
    query = parse(text)
    assert isinstance(query, LogQuery)
    found = engine.histogram(HistogramRequest(query, _START, _END, _BUCKETS), rule, Interrupt())
    page = engine.logs(LogsRequest(query, _START, _END, 1_000_000), Interrupt())
    assert page.next is None
    assert not found.is_estimated
    shown = Counter(
        (
            rule.find(*shown_parts(each.record, each.labels, each.metadata), each.line),
            each.timestamp // found.step * found.step,
        )
        for each in page.entries
    )
    counted = {
        (each.level, time): int(count)
        for each in found.levels
        for time, count in zip(found.times, each.counts, strict=True)
        if count
    }
    assert counted == dict(shown)
