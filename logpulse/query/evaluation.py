"""From a metric query to its answer, given what reads range aggregations: everything above them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import InvalidRequestError, SeriesConflictError, SeriesLimitError
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
from logpulse.query.interrupt import Interrupt, checked
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


def range_aggregations(expression: MetricExpression) -> Iterator[RangeAggregation]:
    """List what `evaluate` reads for a query, in reading order."""
    match expression:
        case RangeAggregation():
            yield expression
        case VectorAggregation():
            yield from range_aggregations(_grouped_below(expression))
        case LabelReplace():
            yield from range_aggregations(expression.operand)
        case BinaryOperation():
            yield from range_aggregations(expression.left)
            yield from range_aggregations(expression.right)


def check_points(expression: MetricExpression, points: int) -> None:
    """Raise InvalidRequestError if a query cannot be answered at so many points."""
    match expression:
        case VectorAggregation():
            if expression.operator is VectorOperator.APPROXIMATE_TOP and points > 1:
                raise InvalidRequestError(
                    "query", str(expression), "approx_topk answers instant queries only; use topk"
                )
            check_points(expression.operand, points)
        case LabelReplace():
            check_points(expression.operand, points)
        case BinaryOperation():
            check_points(expression.left, points)
            check_points(expression.right, points)


def evaluate(
    expression: MetricExpression,
    times: Int64Array,
    read: Read,
    max_series: int = SERIES_PER_RESULT,
    interrupt: Interrupt | None = None,
) -> Matrix | float:
    """Answer a metric query at `times` (unix nanoseconds, ascending); an instant query has one.

    A query of numbers alone gives a number. Series come in the order of their labels unless `sort` gave them another,
    each with at least one point, and no two with the same labels.

    Raises:
        SeriesConflictError: a matching is ambiguous, or two series of the result would have the same labels.
        SeriesLimitError: there are more than `max_series` series in the result.
        LimitExceededError: there are too many on the way to it.
        QueryCancelledError: `interrupt` was pulled.
        InvalidRequestError: `approx_topk` at several times.
        LogPulseError: whatever `read` raises.
    """
    check_points(expression, len(times))
    result = _Evaluation(times, read, interrupt).value(expression)
    if not isinstance(result, Matrix):
        return result
    result = _distinct(result.inhabited(), interrupt)
    if len(result.labels) > max_series:
        raise SeriesLimitError(
            "series of one result", max_series, len(result.labels), "query.max_series", "aggregate by fewer labels"
        )
    return by_labels(result)


@attrs.frozen
class _Evaluation:
    times: Int64Array
    read: Read
    interrupt: Interrupt | None

    def value(self, node: MetricExpression) -> Matrix | float:
        if self.interrupt is not None:
            self.interrupt.check()
        match node:
            case NumberLiteral():
                return node.value
            case BinaryOperation():
                return operate(node, self.value(node.left), self.value(node.right), self.interrupt)
            case _:
                return self.vector(node)

    def vector(self, node: MetricExpression) -> Matrix:
        match node:
            case RangeAggregation():
                return self.read(node)
            case VectorAggregation():
                return aggregate(node, self.vector(_grouped_below(node)), self.interrupt)
            case LabelReplace():
                return replace_label(node, self.vector(node.operand), self.interrupt)
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


def _distinct(result: Matrix, interrupt: Interrupt | None) -> Matrix:
    """Make one series of those that have the same labels and never a point at the same time."""
    groups = Groups.of(checked(result.labels, interrupt), lambda labels: without(labels, ()))
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
