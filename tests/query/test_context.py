"""`context` against plain Python: matches with what stands around them in their streams, wherever it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import SECOND_NS
from logpulse.logql.ast import Context, LineFilter, LogQuery, Selector
from logpulse.logql.parser import parse_log_query
from logpulse.model.labels import Labels
from logpulse.model.matcher import Matcher
from logpulse.query.executor import Executor, ScanTask
from logpulse.query.result import Direction, LogsPage, Side

from ..strategies import NOON, LogEntry, batch_of, entry
from .scanning import DIRECTIONS, expected, line_filters, matchers, placed_entries, searchable, shown, spread
from .test_engine import cut

Shown = tuple[LogEntry, str]
"""An entry of an answer, and its side; empty for a match."""


def sides(page: LogsPage) -> list[Shown]:
    """Give the entries of a page with their sides."""
    return [
        (each, "" if found.side is None else found.side.value)
        for each, found in zip(shown(page), page.entries, strict=True)
    ]


def pages_of(
    entries: Sequence[LogEntry], query: LogQuery, direction: Direction, limit: int, start: int, end: int
) -> list[list[Shown]]:
    """Answer a query with context page by page in the simplest way."""
    context = query.context
    assert context is not None
    everything = expected(entries, attrs.evolve(query, stages=()), Direction.FORWARD, start, end)
    order = {each: number for number, each in enumerate(everything)}
    streams: dict[Labels, list[LogEntry]] = {}
    for each in everything:
        streams.setdefault(each.labels, []).append(each)
    pages: list[dict[LogEntry, str]] = [{}]
    matched: list[set[LogEntry]] = [set()]
    for match in expected(entries, query, direction, start, end):
        stream = streams[match.labels]
        at = stream.index(match)
        before, after = stream[max(0, at - context.before) : at], stream[at + 1 : at + 1 + context.after]
        if pages[-1] and len(pages[-1].keys() | {*before, match, *after}) > limit:
            pages.append({})
            matched.append(set())
        page = pages[-1]
        matched[-1].add(match)
        page[match] = ""
        for each in before:
            page.setdefault(each, "before")
        for each in after:
            if each not in matched[-1]:
                page[each] = "after"
    sign = -1 if direction is Direction.BACKWARD else 1
    return [sorted(page.items(), key=lambda each: sign * order[each[0]]) for page in pages]


@given(
    placed=placed_entries(),
    selected=st.one_of(st.just([]), st.lists(matchers, max_size=1)),
    stages=st.lists(line_filters, max_size=1),
    context=st.builds(Context, st.integers(0, 4), st.integers(0, 4)).filter(lambda each: each.before + each.after),
    direction=DIRECTIONS,
    limit=st.integers(1, 30),
    data=st.data(),
)
@settings(max_examples=60)
def test_answers_equal_plain_python(
    executor: Executor,
    placed: tuple[list[list[LogEntry]], list[bool], bool],
    selected: list[Matcher],
    stages: list[LineFilter],
    context: Context,
    direction: Direction,
    limit: int,
    data: st.DataObject,
) -> None:
    parts, flushes, reopen = placed
    everything = [each for part in parts for each in part]
    times = st.sampled_from([each.timestamp for each in everything])
    start = data.draw(st.one_of(st.just(0), times), label="start")
    end = data.draw(st.one_of(st.just(2**63 - 1), times, times.map(lambda time: time + 1)), label="end")
    query = LogQuery(Selector(tuple(selected)), tuple(stages), context=context)
    with spread(parts, flushes, reopen, executor) as found:
        pages = [found.page(query, direction, limit, start=start, end=end)]
        while pages[-1].next is not None:
            pages.append(found.page(query, direction, limit, start=start, end=end, cursor=pages[-1].next))
    assert [sides(page) for page in pages] == pages_of(everything, query, direction, limit, start, end)


crowded = st.builds(
    LogEntry,
    st.sampled_from([Labels.of({"service": "api"}), Labels.of({"job": "cron"})]),
    st.integers(NOON, NOON + 1),
    st.text("abc", min_size=1, max_size=3),
    st.none(),
)


@given(
    parts=st.lists(st.lists(crowded, min_size=1, max_size=25), min_size=1, max_size=3),
    flushes=st.lists(st.booleans(), min_size=3, max_size=3),
    context=st.builds(Context, st.integers(0, 3), st.integers(1, 3)),
    direction=DIRECTIONS,
)
@settings(max_examples=30)
def test_equal_times_have_exact_neighbours(
    executor: Executor, parts: list[list[LogEntry]], flushes: list[bool], context: Context, direction: Direction
) -> None:
    everything = [each for part in parts for each in part]
    query = LogQuery(Selector(()), parse_log_query('{app="x"} |= "b"').stages, context=context)
    with spread(parts, flushes[: len(parts)], False, executor) as found:
        page = sides(found.page(query, direction))
    assert [page] == pages_of(everything, query, direction, 100_000, 0, 2**63 - 1)


def numbered(count: int, service: str = "api") -> list[LogEntry]:
    return [entry(f"line {number}", NOON + number * SECOND_NS, service=service) for number in range(count)]


@pytest.mark.parametrize("direction", Direction)
def test_an_entry_between_two_matches_is_shown_once(tmp_path: Path, direction: Direction) -> None:
    with searchable(tmp_path) as found:
        stored = numbered(10)
        found.store.append([batch_of(stored)])
        page = found.page(parse_log_query('{service="api"} |~ "line [46]" | context before=2 after=1'), direction)
        wanted = [
            (stored[2], "before"),
            (stored[3], "before"),
            (stored[4], ""),
            (stored[5], "after"),
            (stored[6], ""),
            (stored[7], "after"),
        ]
        assert sides(page) == (wanted if direction is Direction.FORWARD else wanted[::-1])
        assert page.stats.rows >= len(wanted)


def test_context_is_what_is_stored_and_matches_what_the_pipeline_made(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        stored = [entry(f"a={number}", NOON + number, metadata={"trace": str(number)}) for number in range(3)]
        found.store.append([batch_of(stored)])
        query = parse_log_query('{service="api"} | logfmt | a = 1 | line_format "<{{.a}}>" | context before=1 after=1')
        before, match, after = found.page(query).entries
        assert (before.side, match.side, after.side) == (Side.BEFORE, None, Side.AFTER)
        assert (before.record.line, match.record.line, after.record.line) == ("a=0", "<1>", "a=2")
        assert dict(match.record.shown) == {"service": "api", "trace": "1", "a": "1"}
        assert dict(after.record.shown) == {"service": "api", "trace": "2"}


def test_context_stays_within_the_time_asked_for_and_the_stream(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        stored = numbered(9)
        others = numbered(9, service="web")
        found.store.append([batch_of([*stored, *others])])
        query = parse_log_query('{service=~"api|web"} |= "line 4" | context before=9 after=9')
        page = found.page(query, start=stored[3].timestamp, end=stored[6].timestamp)
        within = [each for pair in zip(stored[3:6], others[3:6], strict=True) for each in pair]
        assert sorted(shown(page), key=within.index) == within


def test_dedup_leaves_out_matches_before_their_context_is_shown(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        texts = ["a", "x", "b", "c", "x", "d", "x", "x"]
        stored = [entry(text, NOON + number * SECOND_NS) for number, text in enumerate(texts)]
        found.store.append([batch_of(stored)])
        page = found.page(parse_log_query('{service="api"} |= "x" | dedup | context before=1'))
        assert sides(page) == [(stored[0], "before"), (stored[1], "")]
        page = found.page(parse_log_query('{service="api"} |= "x" | dedup | context after=3'))
        assert [side for _, side in sides(page)] == ["", "after", "after", "after"]


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [5, 5, 5]), (5, [5, 5, 5]), (9, [5, 5, 5]), (10, [10, 5]), (15, [15])]
)
def test_a_match_and_its_context_stay_together(tmp_path: Path, limit: int, sizes: list[int]) -> None:
    with searchable(tmp_path) as found:
        stored = numbered(100)
        found.store.append([batch_of(stored)])
        query = parse_log_query('{service="api"} |~ "^line [159]0$" | context before=2 after=2')
        pages = list(found.pages(query, Direction.FORWARD, limit))
        assert [len(page.entries) for page in pages] == sizes
        assert [each for page in pages for each in shown(page)] == [*stored[8:13], *stored[48:53], *stored[88:93]]


def test_a_page_ends_early_before_it_holds_too_much_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.query.context.PAGE_TEXT_BYTES", 1000)
    with searchable(tmp_path) as found:
        stored = [entry(f"{number} " + "x" * 300, NOON + number * SECOND_NS) for number in range(20)]
        found.store.append([batch_of(stored)])
        query = parse_log_query('{service="api"} |~ "^(2|6|16) " | context before=1 after=1')
        pages = [shown(page) for page in found.pages(query, Direction.FORWARD, 100)]
        assert pages == [stored[1:4], stored[5:8], stored[15:18]]


@pytest.mark.parametrize("spacing", [1, SECOND_NS // 1000, 3600 * SECOND_NS])
def test_windows_find_rows_however_dense_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spacing: int
) -> None:
    tasks: list[str] = []
    run = Executor.run

    def noted(self: Executor, task: ScanTask, interrupt: object) -> object:
        tasks.append(task.sql)
        return run(self, task, interrupt)  # type: ignore[arg-type]

    with searchable(tmp_path) as found:
        burst = [entry(f"burst {number}", NOON + number, service="api") for number in range(50)]
        sparse = [entry(f"sparse {number}", NOON + (number + 1) * spacing, service="web") for number in range(50)]
        found.store.append([batch_of(burst + sparse[:25])])
        found.store.flush()
        found.store.append([batch_of(sparse[25:])])
        query = parse_log_query('{service=~".+"} |~ "burst 0$|sparse 30" | context before=30 after=10')
        monkeypatch.setattr(Executor, "run", noted)
        page = found.page(query)
        assert sorted(shown(page), key=lambda each: (each.labels.id, each.timestamp)) == sorted(
            [*burst[:11], *sparse[:41]], key=lambda each: (each.labels.id, each.timestamp)
        )
        assert len(tasks) < 30, "windows grow fast"


def test_a_damaged_segment_costs_only_its_own_entries(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        stored = numbered(9)
        for number in range(3):
            found.store.append([batch_of(stored[number * 3 : number * 3 + 3])])
            found.store.flush()
        with found.store.reading():
            cut(found.store.view.segments[1].path)
            page = found.page(parse_log_query('{service="api"} |= "line 7" | context before=4'))
        assert shown(page) == [*stored[:3], *stored[6:8]]
        assert [problem.code for problem in found.store.problems.listed()] == ["segment_damaged"]


def test_what_neighbours_cost_is_counted(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        found.store.append([batch_of(numbered(40))])
        match = found.page(parse_log_query('{service="api"} |= "line 7"')).stats
        both = found.page(parse_log_query('{service="api"} |= "line 7" | context before=1')).stats
        assert both.rows == match.rows * 3, "a scan each for the match, for the places of its neighbours, for these"
        assert both.streams == match.streams == 1
