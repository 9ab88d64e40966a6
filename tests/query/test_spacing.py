"""Entries at least an interval apart: the same as a plain reading that skips what is too close."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.logql.parser import parse_log_query
from logpulse.logql.record import Base, Record
from logpulse.model.labels import Labels
from logpulse.query.engine import LogsRequest
from logpulse.query.result import Cursor, Direction, Entry, LogsPage, ScanStats
from logpulse.query.spacing import spaced_logs

LABELS = Labels.of({"service": "api"})
QUERY = parse_log_query('{service="api"}')
BASE = Base({"service": "api"})


def entry(time: int) -> Entry:
    return Entry(1, time, "x", None, LABELS, Record(time, "x", BASE))


@attrs.define
class FakeEngine:
    """Answer from a list of times, some entries at a time, and count the requests."""

    times: list[int]
    page: int
    asked: int = 0

    def logs(self, request: LogsRequest) -> LogsPage:
        self.asked += 1
        backward = request.direction is Direction.BACKWARD
        found = sorted((time for time in self.times if request.start <= time < request.end), reverse=backward)
        shown = found[: min(self.page, request.limit)]
        more = Cursor(shown[-1], 1, b"", 1) if len(shown) < len(found) else None
        return LogsPage(tuple(entry(time) for time in shown), more, ScanStats(rows=len(shown)))


def spaced(times: list[int], interval: int, limit: int) -> list[int]:
    """Skip what is too close: the rule itself."""
    found: list[int] = []
    for time in times:
        if len(found) < limit and (not found or abs(time - found[-1]) >= interval):
            found.append(time)
    return found


@given(
    st.lists(st.integers(0, 60), max_size=40),
    st.integers(1, 30),
    st.integers(1, 10),
    st.integers(1, 7),
    st.sampled_from(Direction),
)
@settings(max_examples=300)
def test_paging_skips_what_a_plain_reading_skips(
    times: list[int], interval: int, limit: int, page: int, direction: Direction
) -> None:
    engine = FakeEngine(times, page)
    request = LogsRequest(QUERY, 5, 55, limit, direction)
    answer = spaced_logs(engine.logs, request, interval)
    inside = sorted((time for time in times if 5 <= time < 55), reverse=direction is Direction.BACKWARD)
    assert [each.timestamp for each in answer.entries] == spaced(inside, interval, limit)
    assert answer.next is None


def test_dense_entries_are_jumped_over() -> None:
    engine = FakeEngine(list(range(100_000)), 1000)
    answer = spaced_logs(engine.logs, LogsRequest(QUERY, 0, 100_000, 5), 20_000)
    assert [each.timestamp for each in answer.entries] == [99_999, 79_999, 59_999, 39_999, 19_999]
    assert (engine.asked, answer.stats.rows) == (5, 5000)
