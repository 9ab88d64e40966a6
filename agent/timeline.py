"""The times of lines: when they were read, and never the same twice."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from logpulse.limits import AGENT_SKEW_NS


@attrs.define
class Timeline:
    """Give each line read a time of its own, later than all before, over restarts too if `newest` is kept.

    Two equal lines then stay two, and a line that is sent again with its old time is known to the server as the same.
    A clock set back by more than AGENT_SKEW_NS is believed, since the server refuses times in the future.
    """

    newest: int = 0
    _now: Callable[[], int] = attrs.field(default=time.time_ns, kw_only=True)

    def reserve(self, count: int) -> int:
        """Give the first of `count` times, unix nanoseconds, one apart."""
        now = self._now()
        first = now if self.newest - now > AGENT_SKEW_NS else max(now, self.newest + 1)
        self.newest = first + count - 1
        return first
