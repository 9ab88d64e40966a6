"""How long to wait before trying again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import RETRY_AFTER_SECONDS
from logpulse.model.backoff import Backoff, parse_retry_after


def test_the_ceiling_doubles_up_to_its_most_and_starts_again() -> None:
    backoff = Backoff(first=1.0, most=6.0, fraction=lambda: 1.0)
    assert [backoff.next_wait() for _ in range(5)] == [1, 2, 4, 6, 6]
    assert backoff.failures == 5
    backoff.reset()
    assert backoff.next_wait() == 1


def test_the_server_may_ask_for_more_but_not_for_ever() -> None:
    backoff = Backoff(first=1.0, most=6.0, fraction=lambda: 0.5)
    assert backoff.next_wait(retry_after=3.0) == 3
    assert backoff.next_wait(retry_after=0.0) == 1
    assert backoff.next_wait(retry_after=1e9) == RETRY_AFTER_SECONDS
    assert Backoff(1.0, 6.0, 300.0).next_wait(retry_after=1e9) == 300


@settings(deadline=None)
@given(st.integers(0, 100))
def test_waits_are_spread_below_the_ceiling(failures: int) -> None:
    backoff = Backoff(first=0.5, most=30.0)
    for _ in range(failures):
        assert 0 <= backoff.next_wait() <= 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        (" 5 ", 5.0),
        ("Thu, 15 Jan 2026 10:30:07 GMT", 7.0),
        ("Thu, 15 Jan 2026 10:29:00 GMT", 0.0),
        ("soon", None),
        ("9" * 400, float("inf")),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, now=1_768_473_000.0) == seconds
