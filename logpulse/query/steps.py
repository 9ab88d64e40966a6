"""The points of a range query: how far apart they lie, where the first and the last one are, how many there may be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.limits import DAY_NS, DEFAULT_STEPS, NEWEST_NS, POINTS_PER_SERIES, QUERY_RANGE_NS, SECOND_NS


def default_step(start: int, end: int) -> int:
    """Give the step of a query that names none: whole seconds, about 250 steps. All three are nanoseconds."""
    return max(1, (end - start) // (DEFAULT_STEPS * SECOND_NS)) * SECOND_NS


def check_range(start: int, end: int, longest: int = QUERY_RANGE_NS) -> None:
    """Bound the time a range query is about; all three are nanoseconds. How far back `[5m]` looks does not count.

    Raises:
        InvalidRequestError: `end` lies before `start`.
        LimitExceededError: they lie further apart than `longest`.
    """
    if end < start:
        raise InvalidRequestError("end", end, f"must not lie before start, {start}")
    if end - start > longest:
        raise LimitExceededError(
            "seconds between start and end",
            longest / SECOND_NS,
            (end - start) / SECOND_NS,
            "query.max_range",
            "ask for a shorter range",
        )


def check_step(start: int, end: int, step: int, most: int = POINTS_PER_SERIES) -> None:
    """Bound the number of steps between `start` and `end`, as they were asked for; all three are nanoseconds.

    Raises:
        InvalidRequestError: `step` is not positive.
        LimitExceededError: more than `most` whole steps fit in.
    """
    if step <= 0:
        raise InvalidRequestError("step", step, "must be positive")
    if (end - start) // step > most:
        raise LimitExceededError(
            "points of one series", most, (end - start) // step, "query.max_points", "ask for a larger step"
        )


def aligned(start: int, end: int, step: int) -> tuple[int, int]:
    """Move `start` down and `end` up to a multiple of `step` since 1970, as Loki does; all are nanoseconds."""
    return start // step * step, -(-end // step) * step


def nice_step(start: int, end: int, most: int) -> int:
    """Give the least step that people count time in of which at most `most` whole ones since 1970 cover [start, end).

    All are nanoseconds; `start` is not negative. Where none does, as an only step would have to begin at `start`, the
    step reaches from 1970 to the last time there is.
    """
    fitting = (step for step in _nice_steps() if -(-end // step) - start // step <= most)
    return next(fitting, NEWEST_NS)


def _nice_steps() -> Iterator[int]:
    for scale in range(9):
        yield from (digit * 10**scale for digit in (1, 2, 5))
    minute = 60 * SECOND_NS
    yield from (number * unit for unit in (SECOND_NS, minute) for number in (1, 2, 5, 10, 15, 30))
    yield from (number * 60 * minute for number in (1, 2, 3, 6, 12))
    yield from (digit * 10**scale * DAY_NS for scale in range(5) for digit in (1, 2, 5))


def points(start: int, end: int, step: int) -> Int64Array:
    """List start, start + step, … up to `end`, as far as a timestamp can reach.

    Raises:
        InvalidRequestError, LimitExceededError: as `check_step`; alignment may add one step at either end.
    """
    check_step(start, end, step, POINTS_PER_SERIES + 2)
    number = (min(end, NEWEST_NS) - start) // step + 1
    return start + np.arange(number, dtype=np.int64) * (step if number > 1 else 0)
