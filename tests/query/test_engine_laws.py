"""The engine against plain Python: the same entries in the same order, wherever they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.logql.ast import LineFilter, LogQuery, Selector
from logpulse.logql.parser import parse_log_query
from logpulse.logql.stages import line_filter
from logpulse.model.matcher import Matcher
from logpulse.query.executor import Executor
from logpulse.query.result import Direction

from ..strategies import NOON, LogEntry, batch_of, entry, few_streams
from .scanning import DIRECTIONS, expected, line_filters, lines, matchers, placed_entries, searchable, shown, spread

SELECTIVE = parse_log_query('{service="api"}').selector.matchers
EVERYTHING = LogQuery(Selector(()))


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Share one plain DuckDB."""
    with duckdb.connect(config={"threads": "1"}) as database:
        yield database


@given(
    placed=placed_entries(),
    selected=st.one_of(st.just([]), st.lists(matchers, max_size=2)),
    stages=st.one_of(st.just([]), st.lists(line_filters, max_size=2)),
    direction=DIRECTIONS,
    limit=st.integers(1, 30),
    data=st.data(),
)
@settings(max_examples=60)
def test_queries_equal_filter_and_sort(
    executor: Executor,
    placed: tuple[list[list[LogEntry]], list[bool], bool],
    selected: list[Matcher],
    stages: list[LineFilter],
    direction: Direction,
    limit: int,
    data: st.DataObject,
) -> None:
    parts, flushes, reopen = placed
    everything = [each for part in parts for each in part]
    times = st.sampled_from([each.timestamp for each in everything])
    start = data.draw(st.one_of(st.just(0), times), label="start")
    end = data.draw(st.one_of(st.just(2**63 - 1), times, times.map(lambda time: time + 1)), label="end")
    query = LogQuery(Selector(tuple(selected)), tuple(stages))
    with spread(parts, flushes, reopen, executor) as found:
        page = found.page(query, direction, limit, start=start, end=end)
        whole = expected(everything, query, direction, start, end)
        assert shown(page) == whole[:limit]
        assert (page.next is None) == (len(whole) <= limit)


@given(
    placed=placed_entries(), stages=st.lists(line_filters, max_size=1), direction=DIRECTIONS, limit=st.integers(1, 5)
)
@settings(max_examples=30)
def test_pages_one_behind_the_other_are_the_whole(
    executor: Executor,
    placed: tuple[list[list[LogEntry]], list[bool], bool],
    stages: list[LineFilter],
    direction: Direction,
    limit: int,
) -> None:
    parts, flushes, reopen = placed
    query = LogQuery(Selector(()), tuple(stages))
    with spread(parts, flushes, reopen, executor) as found:
        pages = [shown(page) for page in found.pages(query, direction, limit)]
        whole = expected([each for part in parts for each in part], query, direction)
        assert [each for page in pages for each in page] == whole
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1] or not whole, "no page is empty but the only one"


same_moment = st.builds(LogEntry, few_streams, st.integers(NOON, NOON + 1), st.text("abc", max_size=4), st.none())


@given(
    before=st.lists(st.lists(same_moment, min_size=1, max_size=40), min_size=1, max_size=3),
    meanwhile=st.lists(st.lists(same_moment, max_size=20), max_size=6),
    flushing=st.lists(st.booleans(), min_size=6, max_size=6),
    direction=DIRECTIONS,
    limit=st.integers(1, 9),
)
@settings(max_examples=30)
def test_pages_stay_whole_while_entries_arrive_and_are_flushed(
    executor: Executor,
    before: list[list[LogEntry]],
    meanwhile: list[list[LogEntry]],
    flushing: list[bool],
    direction: Direction,
    limit: int,
) -> None:
    with spread(before, [number % 2 == 0 for number in range(len(before))], False, executor) as found:
        seen: list[LogEntry] = []
        for number, page in enumerate(found.pages(EVERYTHING, direction, limit)):
            seen += shown(page)
            if number < len(meanwhile) and meanwhile[number]:
                found.store.append([batch_of(meanwhile[number])])
            if flushing[number % len(flushing)]:
                found.store.flush()
        present = {each for part in before for each in part}
        assert [each for each in seen if each in present] == expected(
            [each for part in before for each in part], EVERYTHING, direction
        ), "each entry that was there at the beginning comes once, in order"
        assert len(seen) == len(set(seen))


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("limit", [7, 100, 499])
def test_hundreds_of_equal_times_are_paged_without_gap_or_repeat(
    tmp_path: Path, direction: Direction, limit: int
) -> None:
    parts = [
        [entry(f"line {number}", NOON) for number in range(part, 300, 3)]
        + [entry(f"line {number}", NOON, service="web") for number in range(part, 30, 3)]
        for part in range(3)
    ]
    with searchable(tmp_path) as found:
        for part in parts:
            found.store.append([batch_of(part)])
            if part is not parts[-1]:
                found.store.flush()
        pages = [shown(page) for page in found.pages(EVERYTHING, direction, limit)][: 330 // limit + 1]
        whole = expected([each for part in parts for each in part], EVERYTHING, direction)
        assert [each for page in pages for each in page] == whole


@given(st.lists(lines, min_size=1, max_size=6), line_filters)
@settings(max_examples=300)
def test_the_exact_form_of_a_line_filter_is_its_sql_form(
    database: duckdb.DuckDBPyConnection, found: list[str], stage: LineFilter
) -> None:
    test, predicate = line_filter.exact(stage), line_filter.sql(stage)
    sql = f"select {predicate.text} from (select unnest(?) as line)"
    rows = database.execute(sql, [*predicate.parameters, found]).fetchall()
    assert [row[0] for row in rows] == [test(line) for line in found]


@given(st.lists(matchers, min_size=1, max_size=3), st.lists(line_filters, max_size=3))
def test_what_is_written_is_what_is_asked(selected: list[Matcher], stages: list[LineFilter]) -> None:
    query = LogQuery(Selector((*selected, *SELECTIVE)), tuple(stages))
    assert parse_log_query(str(query)) == query
