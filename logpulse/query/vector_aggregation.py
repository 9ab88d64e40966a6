"""Aggregations over the series of a vector: sum, topk and their kin, at all points at once."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from logpulse.logql.ast_metric import Grouping, GroupingMode, VectorAggregation, VectorOperator
from logpulse.query.grouping import Groups, only, without
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Float64Array, Mask, Matrix, SeriesLabels


def aggregate(aggregation: VectorAggregation, operand: Matrix, interrupt: Interrupt | None = None) -> Matrix:
    """Make one series of each group of `operand`, or choose or order its series.

    `sort` orders the answer to an instant query, which has one point, and does nothing else. NaN is neither the largest
    nor the smallest of anything. Among equal values `topk` prefers series that come first by labels.

    Raises:
        QueryCancelledError: `interrupt` was pulled.
    """
    match aggregation.operator:
        case VectorOperator.TOP | VectorOperator.APPROXIMATE_TOP:
            return _chosen(operand, np.negative, aggregation, interrupt)
        case VectorOperator.BOTTOM:
            return _chosen(operand, np.positive, aggregation, interrupt)
        case VectorOperator.SORT:
            return _sorted(operand, np.positive)
        case VectorOperator.SORT_DESCENDING:
            return _sorted(operand, np.negative)
        case _:
            return _reduced(aggregation, operand, interrupt)


def by_labels(operand: Matrix) -> Matrix:
    """Put series into the order of their labels, unless they have an order of their own."""
    if operand.ordered:
        return operand
    return operand.chosen(sorted(range(len(operand.labels)), key=lambda row: operand.labels[row]))


def _groups(operand: Matrix, grouping: Grouping | None, interrupt: Interrupt | None) -> Groups[SeriesLabels]:
    labels = checked(operand.labels, interrupt)
    if grouping is None:
        return Groups.of(labels, lambda _: ())
    names = frozenset(grouping.labels)
    project = only if grouping.mode is GroupingMode.BY else without
    return Groups.of(labels, lambda each: project(each, names))


# -- one series of each group -----------------------------------------------------------------------------------------


def _reduced(aggregation: VectorAggregation, operand: Matrix, interrupt: Interrupt | None) -> Matrix:
    groups = _groups(operand, aggregation.grouping, interrupt)
    counts = groups.counts(operand.present)
    with np.errstate(all="ignore"):
        match aggregation.operator:
            case VectorOperator.SUM:
                values = groups.sums(operand.values, operand.present)
            case VectorOperator.AVERAGE:
                values = groups.sums(operand.values, operand.present) / counts
            case VectorOperator.MINIMUM:
                values = groups.lowest(operand.values, operand.present)
            case VectorOperator.MAXIMUM:
                values = groups.highest(operand.values, operand.present)
            case VectorOperator.COUNT:
                values = counts.astype(np.float64)
            case VectorOperator.STANDARD_DEVIATION:
                values = np.sqrt(_variances(groups, operand))
            case _:
                values = _variances(groups, operand)
    return Matrix(operand.times, groups.keys, values, counts > 0)


def _variances(groups: Groups[SeriesLabels], operand: Matrix) -> Float64Array:
    counts = groups.counts(operand.present)
    base = groups.lowest(operand.values, operand.present)
    distances = operand.values - base[groups.numbers]  # equal values have the variance 0, whatever rounding does
    means = groups.sums(distances, operand.present) / counts
    squares = groups.sums((distances - means[groups.numbers]) ** 2, operand.present)
    return np.where(counts == 1, 0.0, squares / counts)


# -- some series of each group ----------------------------------------------------------------------------------------

Sign = Callable[[Float64Array], Float64Array]
"""Turn values so that those wanted first are the smallest."""


def _chosen(operand: Matrix, sign: Sign, aggregation: VectorAggregation, interrupt: Interrupt | None) -> Matrix:
    operand = by_labels(operand)
    groups = _groups(operand, aggregation.grouping, interrupt)
    keys = sign(operand.values), ~operand.present, np.broadcast_to(groups.numbers[:, np.newaxis], operand.values.shape)
    order = np.lexsort(keys, axis=0)
    places = np.arange(len(operand.labels)) - groups.begins[np.sort(groups.numbers)]
    taken: Mask = np.zeros(operand.present.shape, dtype=np.bool_)
    np.put_along_axis(taken, order, (places < (aggregation.parameter or 0))[:, np.newaxis], axis=0)
    chosen = attrs.evolve(operand, present=operand.present & taken).inhabited()
    return _sorted(chosen, sign) if operand.ordered else chosen


def _sorted(operand: Matrix, sign: Sign) -> Matrix:
    if len(operand.times) != 1:
        return operand
    found = by_labels(operand.inhabited())
    order = np.argsort(sign(found.values[:, 0]), kind="stable")
    return attrs.evolve(found.chosen(order.tolist()), ordered=True)
