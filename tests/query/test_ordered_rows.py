"""Rows in order, portion by portion: all of them, each once, however they lie in time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LogQuery, Selector
from logpulse.model.labels import Labels
from logpulse.query import ordered_rows
from logpulse.query.endurance import Endurance
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.logs_plan import plan_logs
from logpulse.query.meter import Meter
from logpulse.query.ordered_rows import OrderedRows
from logpulse.query.planner import ALL_TIMES, Source
from logpulse.query.result import Direction
from logpulse.query.row_reader import FoundRows, Row, RowReader
from logpulse.query.scan import Bounds, RowOrder

from ..strategies import NOON, LogEntry, batch_of, entry
from .scanning import DIRECTIONS, Searchable, expected, searchable, spread

EVERYTHING = LogQuery(Selector(()))


@attrs.define
class Reading:
    """Read all rows of a store, and note the bounds of each read."""

    found: Searchable
    direction: Direction
    bounds: list[Bounds] = attrs.field(factory=list)

    def portions(self, first: int) -> list[Sequence[Row]]:
        with self.found.store.reading() as view:
            plan, order = plan_logs(EVERYTHING, *ALL_TIMES, view).scan, RowOrder(self.direction)
            executor = self.found.engine._executor
            reader = RowReader(plan, order, executor, Endurance(self.found.store), Interrupt())

            def read(sources: Sequence[Source], bounds: Bounds, limit: int) -> FoundRows:
                self.bounds.append(bounds)
                return reader.read(sources, bounds, limit)

            return list(OrderedRows(plan, order, read, Meter(view)).portions(first, None))


# Bursts, gaps of an hour, and many at one time: whatever a slice was guessed from, the next one is another case.
times = st.one_of(
    st.just(NOON),
    st.integers(NOON, NOON + 5),
    st.integers(0, 20).map(lambda number: NOON + number * 3600 * SECOND_NS),
    st.integers(NOON, NOON + 10**15),
)
scattered = st.builds(
    LogEntry,
    st.sampled_from([Labels.of({"service": "api"}), Labels.of({"job": "cron"})]),
    times,
    st.text("abc", min_size=1, max_size=2),
    st.none(),
)


@given(
    parts=st.lists(st.lists(scattered, min_size=1, max_size=30), min_size=1, max_size=4),
    flushes=st.lists(st.booleans(), min_size=4, max_size=4),
    direction=DIRECTIONS,
    first=st.integers(1, 9),
)
@settings(max_examples=60)
def test_portions_are_all_rows_in_order(
    executor: Executor, parts: list[list[LogEntry]], flushes: list[bool], direction: Direction, first: int
) -> None:
    with pytest.MonkeyPatch.context() as patched, spread(parts, flushes[: len(parts)], False, executor) as found:
        patched.setattr(ordered_rows, "ROWS_PER_READ", 8)
        reading = Reading(found, direction)
        rows = [row for portion in reading.portions(first) for row in portion]
    wanted = expected([each for part in parts for each in part], EVERYTHING, direction)
    assert [(row.timestamp, row.stream, row.line) for row in rows] == [
        (each.timestamp, each.labels.id, each.line) for each in wanted
    ]
    assert len(reading.bounds) < 80


@pytest.mark.parametrize("direction", Direction)
def test_each_further_read_looks_at_a_slice_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direction: Direction
) -> None:
    monkeypatch.setattr(ordered_rows, "ROWS_PER_READ", 40)
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry(str(number), NOON + number * SECOND_NS) for number in range(400)])])
        reading = Reading(found, direction)
        portions = reading.portions(10)
    assert sum(map(len, portions)) == 400
    assert len(portions) < 16
    assert reading.bounds[0].last_time is None
    for bounds in reading.bounds[1:-1]:
        assert bounds.after is not None
        assert bounds.last_time is not None
        assert abs(bounds.last_time - bounds.after.timestamp) <= 50 * SECOND_NS


def test_slices_grow_fast_over_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered_rows, "ROWS_PER_READ", 64)
    year = 365 * 24 * 3600 * SECOND_NS
    with searchable(tmp_path) as found:
        stored = [*(entry(str(number), NOON + number) for number in range(9)), entry("last", NOON + year)]
        found.store.append([batch_of(stored)])
        reading = Reading(found, Direction.FORWARD)
        assert [row.line for portion in reading.portions(8) for row in portion] == [each.line for each in stored]
    assert len(reading.bounds) <= 12


def test_older_rows_come_where_the_newest_cannot_be_read(tmp_path: Path) -> None:
    """Though it was known that there are enough of the newest."""
    with searchable(tmp_path) as found:
        for start, count in ((NOON - 3600 * SECOND_NS, 3), (NOON, 2)):
            stored = [entry(str(number), start + number, service=str(number)) for number in range(count)]
            found.store.append([batch_of(stored)])
            found.store.flush()
        reading = Reading(found, Direction.BACKWARD)
        found.store.view.segments[-1].path.write_bytes(b"damaged")
        assert [row.line for portion in reading.portions(2) for row in portion] == ["2", "1", "0"]
    assert reading.bounds[0].last_time == NOON
