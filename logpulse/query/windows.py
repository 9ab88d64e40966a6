"""The windows of a range aggregation: which time each point looks at, and what adds up over many windows at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.batch import Int64Array
from logpulse.query.matrix import Float64Array

_OLDEST: Final = -(2**63)
_NEWEST: Final = 2**63 - 1


@attrs.frozen(slots=False, eq=False)
class Windows:
    """Let each of `times` (unix nanoseconds, ascending) look at (time - offset - range, time - offset]."""

    times: Int64Array
    range_ns: int
    offset_ns: int = 0

    @cached_property
    def ends(self) -> Int64Array:
        """The last nanosecond of each window."""
        return _earlier(self.times, self.offset_ns)

    @cached_property
    def starts(self) -> Int64Array:
        """The nanosecond before each window."""
        return _earlier(self.times, self.offset_ns + self.range_ns)

    @cached_property
    def cut(self) -> Cut:
        """The time of all windows, cut wherever one of them starts or ends."""
        bounds = np.unique(np.concatenate([self.starts, self.ends]))
        return Cut(bounds, np.searchsorted(bounds, self.starts), np.searchsorted(bounds, self.ends))


@attrs.frozen(eq=False)
class Cut:
    """Hold time cut into intervals such that each window is a run of them.

    Interval k is (bounds[k], bounds[k + 1]]; window i consists of the intervals firsts[i] to lasts[i] - 1. There are at
    most twice as many intervals as windows, whatever range and step are.
    """

    bounds: Int64Array
    firsts: npt.NDArray[np.intp]
    lasts: npt.NDArray[np.intp]

    @property
    def size(self) -> int:
        """The number of intervals."""
        return len(self.bounds) - 1


def _earlier(times: Int64Array, shift: int) -> Int64Array:
    """Subtract without overflow: what no timestamp can reach stays at the last that one can."""
    while shift > 0:
        reach = min(shift, _NEWEST)
        times = np.maximum(times, _OLDEST + reach) - reach
        shift -= reach
    while shift < 0:
        reach = min(-shift, _NEWEST)
        times = np.minimum(times, _NEWEST - reach) + reach
        shift += reach
    return times


State = tuple[Float64Array, ...]
"""What is known of some stretches of time, in arrays of one shape: a row for each series, a column for each stretch."""


@attrs.frozen
class Summary:
    """Say how states of neighbouring stretches become the state of both together.

    `merge` takes the states of earlier stretches and those of the ones right after them, and is associative. `neutral`
    is the state of a stretch without samples.
    """

    neutral: tuple[float, ...]
    merge: Callable[[State, State], State]

    def over_windows(self, intervals: State, cut: Cut) -> State:
        """Give the state of every window from the states of the intervals.

        States of 1, 2, 4, … neighbouring intervals are made one after the other, and each window is put together from
        those whose lengths add up to its own: a window of n intervals costs log n steps, and as nothing is ever
        subtracted, no digits are lost.
        """
        lengths = cut.lasts - cut.firsts
        at = cut.firsts.copy()
        shape = len(intervals[0]), len(at)
        windows = tuple(np.full(shape, each) for each in self.neutral)
        span, longest = 1, int(lengths.max(initial=0))
        while span <= longest:
            if span > 1:
                half = span // 2
                earlier = tuple(each[:, :-half] for each in intervals)
                intervals = self.merge(earlier, tuple(each[:, half:] for each in intervals))
            taking = np.flatnonzero(lengths & span)
            begun = tuple(each[:, taking] for each in windows)
            joined = self.merge(begun, tuple(each[:, at[taking]] for each in intervals))
            for window, state in zip(windows, joined, strict=True):
                window[:, taking] = state
            at[taking] += span
            span *= 2
        return windows
