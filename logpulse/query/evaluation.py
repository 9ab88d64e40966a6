"""From a metric query to its answer, given what reads range aggregations: everything above them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import InvalidRequestError, LimitExceededError, SeriesConflictError
from logpulse.limits import SERIES_PER_RESULT
from logpulse.logql.ast_metric import (
    BinaryOperation,
    Grouping,
    GroupingMode,
    LabelReplace,
    MetricExpression,
    NumberLiteral,
    RangeAggregation,
    RangeOperator,
    VectorAggregation,
    VectorLiteral,
    VectorOperator,
)
from logpulse.query.binary_operation import operate
from logpulse.query.grouping import Groups, without
from logpulse.query.label_replace import replace_label
from logpulse.query.matrix import Matrix
from logpulse.query.vector_aggregation import aggregate, by_labels

Read = Callable[[RangeAggregation], Matrix]
"""Give the values of a range aggregation at the times of the query.

Below a `sum` an operator that takes no grouping in LogQL, such as `count_over_time`, may have that of the `sum`: it is
to aggregate all samples of a group. `by ()` says that nobody looks at any label."""

_ADDITIVE: Final = frozenset(
    {RangeOperator.COUNT, RangeOperator.RATE, RangeOperator.BYTES, RangeOperator.BYTES_RATE, RangeOperator.SUM}
)
_NO_LABELS: Final = Grouping(GroupingMode.BY, ())


def evaluate(
    expression: MetricExpression, times: Int64Array, read: Read, max_series: int = SERIES_PER_RESULT
) -> Matrix | float:
    """Answer a metric query at `times` (unix nanoseconds, ascending); an instant query has one.

    A query of numbers alone gives a number. Series come in the order of their labels unless `sort` gave them another,
    each with at least one point, and no two with the same labels.

    Raises:
        SeriesConflictError: a matching is ambiguous, or two series of the result would have the same labels.
        LimitExceededError: there are more than `max_series` series in the result, or too many on the way to it.
        InvalidRequestError: `approx_topk` at several times.
        LogPulseError: whatever `read` raises.
    """
    result = _Evaluation(times, read).value(expression)
    if not isinstance(result, Matrix):
        return result
    result = _distinct(result.inhabited())
    if len(result.labels) > max_series:
        raise LimitExceededError("series of one result", max_series, len(result.labels), "query.max_series")
    return by_labels(result)


@attrs.frozen
class _Evaluation:
    times: Int64Array
    read: Read

    def value(self, node: MetricExpression) -> Matrix | float:
        match node:
            case NumberLiteral():
                return node.value
            case BinaryOperation():
                return operate(node, self.value(node.left), self.value(node.right))
            case _:
                return self.vector(node)

    def vector(self, node: MetricExpression) -> Matrix:
        match node:
            case RangeAggregation():
                return self.read(node)
            case VectorAggregation():
                if node.operator is VectorOperator.APPROXIMATE_TOP and len(self.times) > 1:
                    raise InvalidRequestError("query", str(node), "approx_topk answers instant queries only; use topk")
                return aggregate(node, self.vector(_grouped_below(node)))
            case LabelReplace():
                return replace_label(node, self.vector(node.operand))
            case VectorLiteral():
                return self.constant(node.value)
            case _:
                value = self.value(node)
                return value if isinstance(value, Matrix) else self.constant(value)

    def constant(self, value: float) -> Matrix:
        shape = 1, len(self.times)
        return Matrix(self.times, ((),), np.full(shape, value), np.ones(shape, dtype=np.bool_))


def _grouped_below(aggregation: VectorAggregation) -> MetricExpression:
    """Give what an aggregation is of, grouped already if summing before or after makes no difference."""
    below = aggregation.operand
    if aggregation.operator is not VectorOperator.SUM or not isinstance(below, RangeAggregation):
        return below
    return attrs.evolve(below, grouping=aggregation.grouping or _NO_LABELS) if below.operator in _ADDITIVE else below


def _distinct(result: Matrix) -> Matrix:
    """Make one series of those that have the same labels and never a point at the same time."""
    groups = Groups.of(result.labels, lambda labels: without(labels, ()))
    conflict = groups.conflict(result.present)
    if conflict is not None:
        raise SeriesConflictError(
            "several series of the result have the labels", conflict, "aggregate them, or keep their labels apart"
        )
    return attrs.evolve(
        result,
        labels=groups.keys,
        values=groups.sums(result.values, result.present),
        present=groups.counts(result.present) > 0,
    )
