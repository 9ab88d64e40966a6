"""How often an address may fail, and that it costs little memory to know."""

from __future__ import annotations

import attrs
import pytest

from logpulse.errors import OverloadedError
from logpulse.http.failed_logins import FailedLogins
from logpulse.limits import LOGIN_ADDRESSES, LOGIN_FAILURES_PER_MINUTE


@attrs.define
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def failures_until_refused(failed: FailedLogins, address: str) -> int:
    count = 0
    while True:
        try:
            failed.refuse_beyond(address)
        except OverloadedError:
            return count
        failed.note(address)
        count += 1


def test_so_many_a_minute() -> None:
    clock = Clock()
    failed = FailedLogins(clock)
    assert failures_until_refused(failed, "192.0.2.1") == LOGIN_FAILURES_PER_MINUTE
    with pytest.raises(OverloadedError) as refused:
        failed.refuse_beyond("192.0.2.1")
    assert refused.value.retry_after == 60 / LOGIN_FAILURES_PER_MINUTE
    clock.now += refused.value.retry_after - 0.01
    assert failures_until_refused(failed, "192.0.2.1") == 0
    clock.now += 0.02
    assert failures_until_refused(failed, "192.0.2.1") == 1
    clock.now += 3600
    assert failures_until_refused(failed, "192.0.2.1") == LOGIN_FAILURES_PER_MINUTE


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "192.0.2.1", False),
        ("", "", True),
    ],
)
def test_who_shares_a_count(first: str, second: str, are_one: bool) -> None:
    failed = FailedLogins(Clock())
    failures_until_refused(failed, first)
    assert failures_until_refused(failed, second) == (0 if are_one else LOGIN_FAILURES_PER_MINUTE)


def test_only_so_many_addresses_are_remembered_the_last_ones() -> None:
    failed = FailedLogins(Clock())
    failures_until_refused(failed, "192.0.2.1")
    for number in range(LOGIN_ADDRESSES - 1):
        failed.note(f"10.0.{number // 256}.{number % 256}")
    assert len(failed._failures) == LOGIN_ADDRESSES
    assert failures_until_refused(failed, "192.0.2.1") == 0
    failed.note("192.0.2.2")
    assert len(failed._failures) == LOGIN_ADDRESSES
    assert failures_until_refused(failed, "192.0.2.1") == LOGIN_FAILURES_PER_MINUTE
