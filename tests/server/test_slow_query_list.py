"""Which queries are remembered as slow, how many, and how much of each."""

from __future__ import annotations

import pytest

from logpulse.limits import SLOW_QUERIES, SLOW_QUERY_CHARACTERS, SLOW_QUERY_SECONDS
from logpulse.logql.parser import parse
from logpulse.services.slow_queries import SlowQueries, SlowQuery


def test_only_slow_ones_with_what_they_were() -> None:
    slow = SlowQueries(lambda: 7)
    slow.note("logs", parse('{a="b"}'), SLOW_QUERY_SECONDS - 0.001)
    slow.note("logs", parse('{a="c"}|="x"'), SLOW_QUERY_SECONDS)
    slow.note("labels", None, 60.0)
    assert slow.newest_first() == [
        SlowQuery("labels", "", 60.0, 7),
        SlowQuery("logs", '{a="c"} |= "x"', float(SLOW_QUERY_SECONDS), 7),
    ]


def test_only_the_last_ones() -> None:
    slow = SlowQueries(lambda: 0)
    for number in range(SLOW_QUERIES + 5):
        slow.note("logs", None, 2.0 + number)
    seconds = [each.seconds for each in slow.newest_first()]
    assert seconds == [2.0 + number for number in reversed(range(5, SLOW_QUERIES + 5))]


@pytest.mark.parametrize("extra", [0, 1, 10_000])
def test_only_the_beginning_of_a_long_one(extra: int) -> None:
    slow = SlowQueries(lambda: 0)
    query = parse('{a="' + "x" * (SLOW_QUERY_CHARACTERS - len('{a=""}') + extra) + '"}')
    slow.note("logs", query, 2.0)
    (remembered,) = slow.newest_first()
    assert len(remembered.text) == SLOW_QUERY_CHARACTERS
    assert remembered.text.endswith("…") == (extra > 0)
