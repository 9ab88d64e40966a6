"""The wall clock in doubt: whatever it shows, and however often the server starts, a jump deletes no archive."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import DAY_NS, SECOND_NS
from logpulse.storage.clock import ClockRecord
from logpulse.storage.store import Store

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, Clock, opened, stored

HOUR_NS = 3600 * SECOND_NS
TEN_YEARS_NS = 3650 * DAY_NS
RUN_NS = 600 * SECOND_NS  # between two runs of retention
WEEK = attrs.evolve(POLICY, retention_days=7)


def fill(store: Store) -> None:
    """Store one segment."""
    store.append([batch_of([entry("archive")])])
    store.flush()


def deleted_within(store: Store, clock: Clock, nanoseconds: int) -> int:
    """Run retention for so long, as its service does; count the segments it deleted."""
    count = 0
    for _ in range(nanoseconds // RUN_NS):
        count += len(store.retain())
        clock.run(RUN_NS)
    return count


@pytest.mark.parametrize("jump", [8 * DAY_NS, TEN_YEARS_NS])
def test_a_jump_deletes_nothing_for_a_day_and_is_believed_then(tmp_path: Path, jump: int) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        store.retain()
        clock.now += jump
        assert deleted_within(store, clock, DAY_NS) == 0
        assert deleted_within(store, clock, HOUR_NS) == 1


def test_the_first_run_after_a_start_believes_no_jump_either(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
    clock.now += TEN_YEARS_NS
    with opened(tmp_path, WEEK, clock) as store:
        assert deleted_within(store, clock, DAY_NS) == 0
        assert deleted_within(store, clock, HOUR_NS) == 1


def test_pushes_and_restarts_under_a_wrong_clock_do_not_make_it_right(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        store.retain()
    clock.now += TEN_YEARS_NS
    for number in range(5):
        with opened(tmp_path, WEEK, clock) as store:
            store.append([batch_of([entry(f"of ten years later {number}", clock.now)])])
            store.flush()
            assert deleted_within(store, clock, 4 * HOUR_NS) == 0
    clock.now -= TEN_YEARS_NS
    with opened(tmp_path, WEEK, clock) as store:
        assert deleted_within(store, clock, 6 * DAY_NS) == 0
        assert "archive" in {each.line for each in stored(store)}


def test_a_server_that_never_runs_a_whole_day_deletes_nevertheless(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        store.retain()
    deleted = 0
    for _ in range(30):
        clock.now += 16 * HOUR_NS
        with opened(tmp_path, WEEK, clock) as store:
            deleted += deleted_within(store, clock, 8 * HOUR_NS)
    assert deleted == 1


def test_a_clock_that_is_set_right_is_believed_at_once(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        store.retain()
        clock.now += TEN_YEARS_NS
        assert deleted_within(store, clock, HOUR_NS) == 0
        clock.now -= TEN_YEARS_NS
        clock.run(7 * DAY_NS)
        assert len(store.retain()) == 1


@given(st.lists(st.tuples(st.integers(0, DAY_NS // 2), st.sampled_from([0, 0, 0, 2, -2, 3650, -3650])), max_size=40))
def test_a_doubtful_clock_is_believed_only_after_a_steady_day_or_where_it_should_be(
    steps: list[tuple[int, int]],
) -> None:
    record, now, right, steady = ClockRecord(NOON), NOON, NOON, 0
    for elapsed, jump_days in steps:
        now += elapsed + jump_days * DAY_NS
        right += elapsed
        before = record
        record = record.observed(now, elapsed)
        steady = 0 if jump_days or not before.is_doubted else steady + elapsed
        if abs(now - right) <= DAY_NS:
            assert not record.is_doubted
        elif not record.is_doubted:
            assert steady >= DAY_NS
            right = now
        if not record.is_doubted:
            assert record == ClockRecord(now)
