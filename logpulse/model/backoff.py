"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import attrs

from logpulse.limits import RETRY_AFTER_SECONDS, RETRY_FIRST_SECONDS, RETRY_MOST_SECONDS


@attrs.define
class Backoff:
    """Count attempts that failed in a row and spread the waits between them.

    Each wait is anything up to a ceiling that doubles from `first` to `most` seconds ("full jitter"): many clients that
    lost one server together do not come back together. A server that asks for more gets it, up to `most_asked`. The
    defaults are for a command that a person waits for.
    """

    first: float = RETRY_FIRST_SECONDS
    most: float = RETRY_MOST_SECONDS
    most_asked: float = RETRY_AFTER_SECONDS
    failures: int = attrs.field(default=0, init=False)
    _fraction: Callable[[], float] = attrs.field(default=random.random, kw_only=True)

    def next_wait(self, retry_after: float | None = None) -> float:
        """Count one more failure and give the seconds to wait: never less than the server asked for."""
        ceiling = min(self.most, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return max(ceiling * self._fraction(), min(retry_after or 0.0, self.most_asked))

    def reset(self) -> None:
        """Forget the failures, after a success."""
        self.failures = 0


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or a date, as seconds from `now`, a unix time.

    Gives None for no header and for one that makes no sense: a server that is busy may well be confused.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None
