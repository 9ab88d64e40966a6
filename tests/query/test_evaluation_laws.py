"""The laws of metric queries: whole matrices agree with plain Python at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.batch import Int64Array
from logpulse.errors import SeriesConflictError
from logpulse.logql.ast import (
    BinaryOperator,
    MetricExpression,
    RangeAggregation,
    RangeOperator,
    VectorOperator,
)
from logpulse.query.evaluation import evaluate
from logpulse.query.matrix import Matrix

from . import metric_strategies as metrics
from . import naive_metrics as naive
from .sampled import read_samples, source_of

Sources = Mapping[str, Sequence[naive.Sample]]


def points_of(result: Matrix, column: int) -> naive.Vector:
    """Give what a result says of one time, in its order."""
    return [
        (labels, float(row[column]))
        for labels, row, present in zip(result.labels, result.values, result.present, strict=True)
        if present[column]
    ]


def agrees(expression: MetricExpression, times: Int64Array, sources: Sources) -> None:
    """Check an expression at all times at once against each time alone."""

    def samples(node: RangeAggregation) -> Sequence[naive.Sample]:
        return sources[source_of(node)]

    try:
        expected = [naive.evaluate(expression, int(time), samples) for time in times]
    except naive.AmbiguousError:
        with pytest.raises(SeriesConflictError):
            evaluate(expression, times, read_samples(sources, times))
        return
    result = evaluate(expression, times, read_samples(sources, times))
    assert isinstance(result, Matrix)
    assert result.present.any(axis=1).all()
    assert len(set(result.labels)) == len(result.labels)
    if not result.ordered:
        assert list(result.labels) == sorted(result.labels)
    for column, wanted in enumerate(expected):
        assert not isinstance(wanted, float)
        found = dict(points_of(result, column))
        assert found.keys() == dict(wanted).keys()
        for labels, value in wanted:
            assert found[labels] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)


LAST = metrics.range_aggregations_by(RangeOperator.LAST)
"""Vectors with any values."""


@pytest.mark.parametrize("operator", RangeOperator)
@given(data=st.data(), times=metrics.times, sources=metrics.sources)
@settings(max_examples=40)
def test_ranges(operator: RangeOperator, data: st.DataObject, times: Int64Array, sources: Sources) -> None:
    agrees(data.draw(metrics.range_aggregations_by(operator)), times, sources)


@given(metrics.range_aggregations_by(RangeOperator.RATE_COUNTER), metrics.times, metrics.counters())
def test_counters(aggregation: RangeAggregation, times: Int64Array, readings: list[naive.Sample]) -> None:
    agrees(aggregation, times, dict.fromkeys(metrics.SOURCES, readings))


@pytest.mark.parametrize("operator", [each for each in VectorOperator if each is not VectorOperator.APPROXIMATE_TOP])
@given(data=st.data(), times=metrics.times, sources=metrics.sources)
@settings(max_examples=40)
def test_vector_aggregations(
    operator: VectorOperator, data: st.DataObject, times: Int64Array, sources: Sources
) -> None:
    agrees(data.draw(metrics.vector_aggregations_by(operator, LAST)), times, sources)


@pytest.mark.parametrize("operator", BinaryOperator)
@given(data=st.data(), times=metrics.times, sources=metrics.sources)
@settings(max_examples=40)
def test_binary_operations(operator: BinaryOperator, data: st.DataObject, times: Int64Array, sources: Sources) -> None:
    agrees(data.draw(metrics.binary_operations_by(operator, LAST)), times, sources)


@given(metrics.vectors(), metrics.times, metrics.sources)
@settings(max_examples=200)
def test_expressions(expression: MetricExpression, times: Int64Array, sources: Sources) -> None:
    agrees(expression, times, sources)
