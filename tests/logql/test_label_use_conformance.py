"""Replay which recorded metric queries fail for an error in a pipeline: parsers read what is needed, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import attrs
import pytest

from logpulse.logql.ast import (
    BinaryOperation,
    Grouping,
    GroupingMode,
    LabelReplace,
    LogQuery,
    MetricExpression,
    RangeAggregation,
    RangeOperator,
    VectorAggregation,
    VectorOperator,
)
from logpulse.logql.base import Bases
from logpulse.logql.label_use import wanted_labels
from logpulse.logql.parser import parse
from logpulse.logql.pipeline import Pipeline, without_idle_line_formats
from logpulse.logql.record import Record
from logpulse.units import parse_time
from tests.logql.test_pipeline_conformance import entries

_CASES: Final = Path(__file__).parents[1] / "conformance" / "cases.jsonl"
_BYTES: Final = (RangeOperator.BYTES, RangeOperator.BYTES_RATE)
_SUMMED: Final = (*_BYTES, RangeOperator.COUNT, RangeOperator.RATE, RangeOperator.SUM)


@attrs.frozen
class Case:
    """One recorded metric query, the times between which it has its points, and whether it failed."""

    name: str
    query: MetricExpression
    start: int
    end: int
    failed: bool


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Read the recorded metric queries that have stages and were answered, or failed for an error in these."""
    found = []
    for text in _CASES.read_text().splitlines():
        case = json.loads(text)
        parameters = {**case["params"], **case.get("url_params", {})}
        failed = case["status"] == 400 and "pipeline error" in str(case["body"])
        if not case["path"].endswith(("/query", "/query_range")) or not (failed or case["status"] == 200):
            continue
        times = [parameters[name] for name in ("time", "start", "end") if name in parameters]
        query = parse(parameters["query"])
        if times and not isinstance(query, LogQuery) and any(each.log_range.stages for each, _ in ranges(query)):
            start, end = (parse_time(time, field="time") for time in (times[0], times[-1]))
            found.append(Case(case["id"], query, start, end, failed))
    return tuple(found)


def ranges(
    query: MetricExpression, around: Grouping | None = None
) -> Iterator[tuple[RangeAggregation, Grouping | None]]:
    """Give the range aggregations of a query, each with the grouping behind which no other labels matter.

    That is its own one, or that of the sum around an aggregation that can be summed group by group.
    """
    match query:
        case RangeAggregation():
            yield query, query.grouping or (around if query.operator in _SUMMED else None)
        case VectorAggregation():
            grouping = query.grouping or Grouping(GroupingMode.BY, ())
            yield from ranges(query.operand, grouping if query.operator is VectorOperator.SUM else None)
        case BinaryOperation():
            yield from ranges(query.left)
            yield from ranges(query.right)
        case LabelReplace():
            yield from ranges(query.operand)


def fails(case: Case, aggregation: RangeAggregation, grouping: Grouping | None) -> bool:
    """Tell whether an entry in one of the windows has an error in the end."""
    log_range = aggregation.log_range
    stages = log_range.stages if aggregation.operator in _BYTES else without_idle_line_formats(log_range.stages)
    by = grouping is not None and grouping.mode is GroupingMode.BY
    named = frozenset(grouping.labels) if grouping is not None and by else None
    pipeline, bases = Pipeline(stages, wanted_labels(stages, named)), Bases()
    first = case.start - log_range.range_ns - log_range.offset_ns
    for entry in entries():
        if first < entry.timestamp <= case.end - log_range.offset_ns and all(
            matcher.predicate()(entry.labels.get(matcher.name)) for matcher in log_range.selector.matchers
        ):
            record = Record(entry.timestamp, entry.line, bases.of(entry.labels, entry.metadata))
            if pipeline.sample(record) is not None and record.error:
                return True
    return False


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_recorded_case(case: Case) -> None:
    assert any(fails(case, *each) for each in ranges(case.query)) is case.failed


def test_enough_cases() -> None:
    assert len(cases()) >= 90
    assert sum(case.failed for case in cases()) >= 5
