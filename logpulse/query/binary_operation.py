"""Operations on two vectors, or on a vector and a number, at all points at once."""

from __future__ import annotations

import attrs
import numpy as np

from logpulse.logql.arithmetic import fold
from logpulse.logql.ast_metric import BinaryOperation, BinaryOperator
from logpulse.query.grouping import Groups
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Float64Array, Mask, Matrix
from logpulse.query.operators import Operand, calculate, compare
from logpulse.query.vector_matching import met, signature


def operate(
    operation: BinaryOperation, left: Matrix | float, right: Matrix | float, interrupt: Interrupt | None = None
) -> Matrix | float:
    """Combine the two sides of an operation.

    A comparison without `bool` keeps the points for which it holds, with the values of the vector on the left, or of
    the only vector there is.

    Raises:
        SeriesConflictError: the matching is ambiguous at some point.
        LimitExceededError: the series that meet are too many.
        QueryCancelledError: `interrupt` was pulled.
    """
    if not isinstance(left, Matrix):
        if not isinstance(right, Matrix):
            return fold(operation.operator, left, right)
        values, kept = _applied(operation, left, right.values, right.values)
        return attrs.evolve(right, values=values, present=right.present & kept).inhabited()
    if not isinstance(right, Matrix):
        values, kept = _applied(operation, left.values, right, left.values)
        return attrs.evolve(left, values=values, present=left.present & kept).inhabited()
    if operation.operator.is_set_operator:
        return _chosen(operation, left, right, interrupt)
    meeting = met(operation, left, right, interrupt)
    values, kept = _applied(operation, meeting.left, meeting.right, meeting.left)
    return Matrix(left.times, meeting.labels, values, meeting.present & kept, meeting.ordered).inhabited()


def _applied(
    operation: BinaryOperation, left: Operand, right: Operand, filtered: Float64Array
) -> tuple[Float64Array, Mask]:
    """Give the values of an operation and which points stay; a filter lets those of `filtered` through."""
    if not operation.operator.is_comparison:
        return calculate(operation.operator, left, right), np.ones(filtered.shape, dtype=np.bool_)
    holds = compare(operation.operator, left, right)
    if operation.return_bool:
        return holds.astype(np.float64), np.ones(filtered.shape, dtype=np.bool_)
    return filtered, holds


def _chosen(operation: BinaryOperation, left: Matrix, right: Matrix, interrupt: Interrupt | None) -> Matrix:
    """Combine by a set operator, which looks only at where the other side has a match."""
    match operation.operator:
        case BinaryOperator.AND:
            return attrs.evolve(left, present=left.present & _matched(operation, left, right, interrupt)).inhabited()
        case BinaryOperator.UNLESS:
            return attrs.evolve(left, present=left.present & ~_matched(operation, left, right, interrupt)).inhabited()
        case _:
            missing = ~_matched(operation, right, left, interrupt)
            return Matrix.stacked([left, attrs.evolve(right, present=right.present & missing).inhabited()])


def _matched(operation: BinaryOperation, these: Matrix, others: Matrix, interrupt: Interrupt | None) -> Mask:
    """Tell at which points the series of `these` find a match among `others`."""
    sign = signature(operation.matching)
    groups = Groups.of(checked(others.labels, interrupt), sign)
    found = np.zeros((len(groups.keys) + 1, len(these.times)), dtype=np.bool_)
    found[:-1] = groups.counts(others.present) > 0
    return found[[groups.places.get(sign(labels), -1) for labels in checked(these.labels, interrupt)]]
