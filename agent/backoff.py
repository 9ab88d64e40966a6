"""How long to wait before a batch is sent again."""

from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import attrs

from logpulse.limits import AGENT_RETRY_AFTER_SECONDS, AGENT_RETRY_FIRST_SECONDS


@attrs.define
class Backoff:
    """Spread the waits after failures in a row: each is anything up to a ceiling that doubles ("full jitter").

    Many agents that lost one server together do not come back together then.
    """

    longest: float
    _fraction: Callable[[], float] = attrs.field(default=random.random, kw_only=True)
    _failures: int = attrs.field(default=0, init=False)

    def next_wait(self, retry_after: float = 0.0) -> float:
        """Count one more failure and give the seconds to wait: never less than the server asked for, up to a bound."""
        ceiling = min(self.longest, AGENT_RETRY_FIRST_SECONDS * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return max(ceiling * self._fraction(), min(retry_after, AGENT_RETRY_AFTER_SECONDS))


def parse_retry_after(text: str, now: float) -> float:
    """Read a Retry-After header (RFC 9110, 10.2.3), seconds or a date, as seconds from `now`, a unix time.

    Gives 0 for one that makes no sense: a server that is busy may well be confused.
    """
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return 0.0
