"""The part of the past that a command looks at."""

from __future__ import annotations

import attrs

from logpulse.errors import InvalidRequestError
from logpulse.units import format_time, parse_duration, parse_time


@attrs.frozen
class TimeWindow:
    """Bound a request in time: `start` is included, `end` is not; unix nanoseconds, None for the server's default."""

    start: int | None = None
    end: int | None = None

    @classmethod
    def of(cls, since: str | None, begin: str | None, end: str | None, now: int) -> TimeWindow:
        """Read what --since, --from and --to say: `since` counts back from the end if there is one, else from `now`.

        Raises:
            InvalidRequestError: one cannot be read, two contradict each other, or the window is empty.
        """
        end_ns = None if end is None else parse_time(end, field="--to")
        if since is not None and begin is not None:
            raise InvalidRequestError("--since", since, f"cannot be used with --from {begin}: both say where to begin")
        start_ns: int | None
        if since is not None:
            start_ns = (now if end_ns is None else end_ns) - parse_past(since)
        else:
            start_ns = None if begin is None else parse_time(begin, field="--from")
        if start_ns is not None and end_ns is not None and start_ns >= end_ns:
            raise InvalidRequestError("--to", end, f"must be after --from {begin}")
        return cls(start_ns, end_ns)

    def ending(self, end: int) -> TimeWindow:
        """Give the same window with an end, if it has none.

        Raises:
            InvalidRequestError: it would be empty.
        """
        if self.end is not None:
            return self
        if self.start is not None and self.start >= end:
            raise InvalidRequestError("--from", format_time(self.start), "must lie in the past where there is no --to")
        return TimeWindow(self.start, end)

    def parameters(self) -> dict[str, str]:
        """Give the bounds as the API takes them."""
        bounds = {"start": self.start, "end": self.end}
        return {name: format_time(bound) for name, bound in bounds.items() if bound is not None}


def parse_past(since: str) -> int:
    """Read --since: how far to look back, in nanoseconds.

    Raises:
        InvalidRequestError: it is no duration, or not a positive one.
    """
    duration = parse_duration(since, field="--since")
    if duration <= 0:
        raise InvalidRequestError("--since", since, "must be longer than nothing")
    return duration
