"""The last queries that took long, for whoever asks why the server is busy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import attrs

from logpulse.limits import SLOW_QUERIES, SLOW_QUERY_CHARACTERS, SLOW_QUERY_SECONDS
from logpulse.logql.ast import Query


@attrs.frozen
class SlowQuery:
    """Hold what a query was and what it took: its `kind` in the metrics, its canonical text (shortened, empty where
    it was none in LogQL), its time in `seconds`, and when it ended, in unix nanoseconds.
    """

    kind: str
    text: str
    seconds: float
    ended_ns: int


class SlowQueries:
    """Remember the last SLOW_QUERIES that took SLOW_QUERY_SECONDS or more, ended or cut short.

    Args:
        now_ns: the wall clock in unix nanoseconds.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._queries: deque[SlowQuery] = deque(maxlen=SLOW_QUERIES)

    def note(self, kind: str, query: Query | None, seconds: float) -> None:
        """Take note of a query, if it was slow."""
        if seconds < SLOW_QUERY_SECONDS:
            return
        text = "" if query is None else str(query)
        shown = text if len(text) <= SLOW_QUERY_CHARACTERS else f"{text[: SLOW_QUERY_CHARACTERS - 1]}…"
        self._queries.append(SlowQuery(kind, shown, seconds, self._now_ns()))

    def newest_first(self) -> list[SlowQuery]:
        """List what is remembered."""
        return list(reversed(self._queries))
