"""Arithmetic on single numbers as LogQL defines it, for folding literals; it never raises."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Final

from logpulse.logql.ast_metric import BinaryOperator


def fold(symbol: BinaryOperator, left: float, right: float) -> float:
    """Combine two numbers with an arithmetic operator or a comparison; the latter gives 0 or 1.

    Division and modulo by zero give NaN, as in Loki (PromQL gives infinity). `%` takes the sign of its left side and
    `^` treats infinities, zeros and negative bases as Go's `math.Pow` does.
    """
    return float(_OPERATIONS[symbol](left, right))


def _divide(left: float, right: float) -> float:
    return math.nan if right == 0 else left / right


def _modulo(left: float, right: float) -> float:
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and _is_odd(exponent) else math.inf
    except ValueError:
        if base != 0:  # a negative base with a broken exponent has no real power
            return math.nan
        return math.copysign(math.inf, base) if _is_odd(exponent) else math.inf


def _is_odd(number: float) -> bool:
    return math.fmod(number, 2) in (1, -1)


_OPERATIONS: Final[dict[BinaryOperator, Callable[[float, float], float]]] = {
    BinaryOperator.EQUAL: operator.eq,
    BinaryOperator.NOT_EQUAL: operator.ne,
    BinaryOperator.GREATER: operator.gt,
    BinaryOperator.GREATER_OR_EQUAL: operator.ge,
    BinaryOperator.LESS: operator.lt,
    BinaryOperator.LESS_OR_EQUAL: operator.le,
    BinaryOperator.ADD: operator.add,
    BinaryOperator.SUBTRACT: operator.sub,
    BinaryOperator.MULTIPLY: operator.mul,
    BinaryOperator.DIVIDE: _divide,
    BinaryOperator.MODULO: _modulo,
    BinaryOperator.POWER: _power,
}
