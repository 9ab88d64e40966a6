"""Operators on whole arrays, as LogQL defines them: what `logpulse.logql.arithmetic` does to two numbers, to many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from logpulse.logql.ast_metric import BinaryOperator
from logpulse.query.matrix import Float64Array, Mask

Operand = Float64Array | float


def calculate(operator: BinaryOperator, left: Operand, right: Operand) -> Float64Array:
    """Combine numbers by an arithmetic operator; dividing by zero gives NaN."""
    with np.errstate(all="ignore"):
        return _ARITHMETIC[operator](left, right)


def compare(operator: BinaryOperator, left: Operand, right: Operand) -> Mask:
    """Tell where a comparison holds."""
    return _COMPARISONS[operator](left, right)


def _divide(left: Operand, right: Operand) -> Float64Array:
    return np.where(np.equal(right, 0), np.nan, np.divide(left, right))


_ARITHMETIC: Final[dict[BinaryOperator, Callable[[Operand, Operand], Float64Array]]] = {
    BinaryOperator.ADD: np.add,
    BinaryOperator.SUBTRACT: np.subtract,
    BinaryOperator.MULTIPLY: np.multiply,
    BinaryOperator.DIVIDE: _divide,
    BinaryOperator.MODULO: np.fmod,
    BinaryOperator.POWER: np.power,
}
_COMPARISONS: Final[dict[BinaryOperator, Callable[[Operand, Operand], Mask]]] = {
    BinaryOperator.EQUAL: np.equal,
    BinaryOperator.NOT_EQUAL: np.not_equal,
    BinaryOperator.GREATER: np.greater,
    BinaryOperator.GREATER_OR_EQUAL: np.greater_equal,
    BinaryOperator.LESS: np.less,
    BinaryOperator.LESS_OR_EQUAL: np.less_equal,
}
