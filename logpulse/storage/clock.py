"""Tell a wall clock that may be believed from one that jumped: a wrong clock must not delete an archive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from logpulse.limits import DAY_NS

_TOLERANCE_NS: Final = DAY_NS  # a clock set right by more than this is worth a doubt, and ages are counted in days


@attrs.frozen
class ClockRecord:
    """Hold what is known of the wall clock, in nanoseconds: 0 is never.

    `trusted` is the time that should be now as far as the clock was believed; `doubted` what a clock that disagrees
    showed last, and `steady` how long it has run on without another jump. The record outlives the process, so that a
    restart neither clears a doubt nor makes it last for ever.
    """

    trusted: int = 0
    doubted: int = 0
    steady: int = 0

    @property
    def is_doubted(self) -> bool:
        """Whether the clock must not be believed now."""
        return self.doubted != 0

    def observed(self, now: int, elapsed: int) -> ClockRecord:
        """Take in that the clock shows `now`, `elapsed` nanoseconds of monotonic time after the last look.

        A clock that comes back to where it should be is believed again at once; one that goes on steadily after a jump
        is believed after a day.
        """
        expected = self.trusted + elapsed
        if not self.trusted or abs(now - expected) <= _TOLERANCE_NS:
            return ClockRecord(now)
        if not self.is_doubted or abs(now - self.doubted - elapsed) > _TOLERANCE_NS:
            return ClockRecord(expected, now)
        steady = self.steady + elapsed
        return ClockRecord(now) if steady >= DAY_NS else ClockRecord(expected, now, steady)


class ClockWatch:
    """Keep the record of the clock, given a monotonic one in nanoseconds. One thread at a time."""

    def __init__(self, monotonic: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._looked = monotonic()
        self._record = ClockRecord()

    def begin(self, record: ClockRecord, newest_arrival: int) -> None:
        """Go on from an earlier process; without it the newest entry to arrive says how late it was at least."""
        self._record = record if record.trusted else ClockRecord(newest_arrival)

    def observe(self, now: int) -> ClockRecord:
        """Take in that the clock shows `now`, and give what to think of it."""
        looked = self._monotonic()
        self._record = self._record.observed(now, looked - self._looked)
        self._looked = looked
        return self._record
