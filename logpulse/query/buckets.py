"""A range of time cut into steps, as volumes are counted over."""

from __future__ import annotations

from typing import Final, Self

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.limits import NEWEST_NS, OLDEST_NS

_MILLISECOND_NS: Final = 1_000_000


@attrs.frozen
class Buckets:
    """Cut the times from `start` to `end`, both inclusive, into pieces of `step` counted from `origin`.

    All are unix nanoseconds. The first and the last piece may be shorter.
    """

    start: int
    end: int
    step: int
    origin: int

    @classmethod
    def whole(cls, start: int, end: int) -> Self:
        """Give one piece from `start` to `end`, within the times that entries can have."""
        first, last = _within_reach(start, end)
        return cls(first, last, max(1, last - first + 1), first)

    @classmethod
    def aligned(cls, start: int, end: int, step: int) -> Self:
        """Cut at the whole multiples of `step` since 1970."""
        first, last = _within_reach(start, end)
        return cls(first, last, step, first // step * step)

    @property
    def count(self) -> int:
        """How many pieces there are; none if the end is before the start."""
        return max(0, (self.end - self.origin) // self.step + 1)

    @property
    def times(self) -> Int64Array:
        """The last millisecond of each piece, by which Loki dates it; the last piece is dated by the end itself."""
        # Python's integers, as the end of a step may lie beyond what a timestamp holds.
        ends = [self.origin + number * self.step - _MILLISECOND_NS for number in range(1, self.count)]
        return np.array([*ends, self.end] if self.count else [], dtype=np.int64)

    def number_of(self, time: int) -> int:
        """Give the piece that `time` lies in."""
        return (time - self.origin) // self.step

    def numbers(self, times: Int64Array) -> Int64Array:
        """Give the piece of each time; they lie between start and end."""
        numbers: Int64Array = (times - self.origin) // self.step
        return numbers


def _within_reach(start: int, end: int) -> tuple[int, int]:
    return max(start, OLDEST_NS), min(end, NEWEST_NS)
