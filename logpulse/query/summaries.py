"""What the operators over ranges need to know of a stretch of time, and how neighbouring stretches are joined."""

from __future__ import annotations

from typing import Final

import numpy as np

from logpulse.query.windows import State, Summary


def _add(earlier: State, later: State) -> State:
    return tuple(np.add(a, b) for a, b in zip(earlier, later, strict=True))


def _lower(earlier: State, later: State) -> State:
    return (np.fmin(earlier[0], later[0]),)


def _higher(earlier: State, later: State) -> State:
    return (np.fmax(earlier[0], later[0]),)


def _spread(earlier: State, later: State) -> State:
    count_a, mean_a, squares_a = earlier
    count_b, mean_b, squares_b = later
    count = count_a + count_b
    share = count_b / np.maximum(count, 1)
    distance = mean_b - mean_a
    squares = squares_a + squares_b + distance * distance * count_a * share
    return (
        count,
        np.where(count_a == 0, mean_b, np.where(count_b == 0, mean_a, mean_a + distance * share)),
        np.where(count_a == 0, squares_b, np.where(count_b == 0, squares_a, squares)),
    )


def _count_up(earlier: State, later: State) -> State:
    count_a, first_a, last_a, resets_a = earlier
    count_b, first_b, last_b, resets_b = later
    reset = np.where((count_a > 0) & (count_b > 0) & (first_b < last_a), last_a, 0.0)
    return (
        count_a + count_b,
        np.where(count_a == 0, first_b, first_a),
        np.where(count_b == 0, last_a, last_b),
        resets_a + resets_b + reset,
    )


SUM: Final = Summary((0.0,), _add)
"""(sum,)"""

MINIMUM: Final = Summary((np.nan,), _lower)
"""(smallest,): NaN yields to any number, and to itself when there is none."""

MAXIMUM: Final = Summary((np.nan,), _higher)
"""(largest,), likewise."""

SPREAD: Final = Summary((0.0, 0.0, 0.0), _spread)
"""(count, mean, sum of the squared distances from it), joined by the formula of Chan, Golub and LeVeque."""

COUNTER: Final = Summary((0.0, 0.0, 0.0, 0.0), _count_up)
"""(count, first value, last value, sum of what was lost at resets): a value below the one before it is a reset."""
