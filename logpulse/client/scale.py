"""Where values and times stand on a chart, and which of them its axes name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import Final, Self

import attrs

from logpulse.limits import DAY_NS, SECOND_NS

_LARGEST: Final = 1e300  # values beyond stand at the edge: the axis may end one step further out and must be finite
_FINEST: Final = 1e-300  # of a span; below, steps would have no logarithm
_COARSEST: Final = 1e-9  # of a span beside its values: less is noise of their last digits, and steps would not add up
_MINUTE_NS: Final = 60 * SECOND_NS
_HOUR_NS: Final = 60 * _MINUTE_NS
_TIME_STEPS: Final = (
    *(number * SECOND_NS // 1000 for number in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(number * SECOND_NS for number in (1, 2, 5, 10, 15, 30)),
    *(number * _MINUTE_NS for number in (1, 2, 5, 10, 15, 30)),
    *(number * _HOUR_NS for number in (1, 2, 3, 6, 12)),
    *(number * DAY_NS for number in (1, 2, 7, 14, 30, 90, 365, 3650)),
)


@attrs.frozen
class ValueScale:
    """Map values to places from bottom to top; `ticks` are round numbers, the first is the bottom, the last the top."""

    ticks: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float], most: int) -> Self:
        """Span finite values with at most `most` ticks, at least three. Zero is the bottom where it is not far away."""
        known = [min(max(value, -_LARGEST), _LARGEST) for value in values]
        low, high = (min(known), max(known)) if known else (0.0, 0.0)
        if low == high == 0:
            high = 1.0
        if low > 0 and (low == high or high - low > high / 4):
            low = 0.0
        if high < 0 and (low == high or high - low > -low / 4):
            high = 0.0
        span = max(high - low, max(abs(low), abs(high)) * _COARSEST, _FINEST)
        return cls(next(ticks for ticks in _round_ticks(low, high, span / most) if len(ticks) <= max(most, 3)))

    def place(self, value: float, places: int) -> int:
        """Give the place of a finite value, 0 at the bottom to `places - 1` at the top."""
        low, high = self.ticks[0], self.ticks[-1]
        share = (min(max(value, low), high) - low) / (high - low)
        return min(round(share * (places - 1)), places - 1)


def _round_ticks(low: float, high: float, step: float) -> Iterator[tuple[float, ...]]:
    """Give coarser and coarser ticks around `low` and `high`, at 1, 2 and 5 times powers of ten."""
    exponent = math.floor(math.log10(step))
    while True:
        for digit in (1, 2, 5):
            distance = float(f"{digit}e{exponent}")
            first, last = math.floor(low / distance), math.ceil(high / distance)
            yield tuple(float(f"{number * digit}e{exponent}") for number in range(first, max(last, first + 1) + 1))
        exponent += 1


@attrs.frozen
class TimeScale:
    """Map times to places from left to right; all times are unix nanoseconds."""

    start: int
    end: int

    def place(self, moment: int, places: int) -> int:
        """Give the place of a time, 0 at the start to `places - 1` at the end; the middle where both are the same."""
        if self.start == self.end:
            return (places - 1) // 2
        return min(max((moment - self.start) * (places - 1) // (self.end - self.start), 0), places - 1)

    def ticks(self, places: int) -> dict[int, str]:
        """Name round local times by their places, as many as stand side by side on so many places.

        A name is as wide as its text and centred at its place; none reaches beyond the places.
        """
        for step in _TIME_STEPS:
            width = len(_name(self.start, step))
            if (self.end - self.start) // step * (width + 2) <= places:
                return self._named(step, places)
        return {}

    def _named(self, step: int, places: int) -> dict[int, str]:
        named: dict[int, str] = {}
        offset = time.localtime(self.start // SECOND_NS).tm_gmtoff * SECOND_NS
        free = 0
        for moment in range(-(-(self.start + offset) // step) * step - offset, self.end + 1, step):
            place, name = self.place(moment, places), _name(moment, step)
            begin = place - len(name) // 2
            if begin >= free and begin + len(name) <= places:
                named[place] = name
                free = begin + len(name) + 1
        return named

    def __str__(self) -> str:
        return " to ".join(_local(moment, "%Y-%m-%d %H:%M:%S") for moment in (self.start, self.end))


def _name(moment: int, step: int) -> str:
    """Write a time as precisely as the distance to the next one asks for."""
    if step < SECOND_NS:
        return f"{_local(moment, '%H:%M:%S')}.{moment % SECOND_NS // 1_000_000:03}"
    if step < _MINUTE_NS:
        return _local(moment, "%H:%M:%S")
    if step < DAY_NS:
        return _local(moment, "%H:%M")
    return _local(moment, "%m-%d" if step < 30 * DAY_NS else "%Y-%m-%d")


def _local(moment: int, form: str) -> str:
    return time.strftime(form, time.localtime(moment // SECOND_NS))
