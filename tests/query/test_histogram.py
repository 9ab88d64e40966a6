"""Histograms against the pages of the same query: each entry counted once, in its bucket, under the level shown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import DAY_NS, HISTOGRAM_BUCKETS, HISTOGRAM_LEVELS, NEWEST_NS, SECOND_NS
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse_unrestricted
from logpulse.query import level_reader
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.entry_level import DETECTED, LABELLED, LevelRule, shown_parts
from logpulse.query.executor import Executor
from logpulse.query.histogram import Histogram, HistogramRequest, estimated
from logpulse.query.interrupt import Interrupt
from logpulse.query.steps import nice_step

from ..strategies import NOON, LogEntry, batch_of, entry, few_times
from .scanning import searchable, spread

LABELS = [
    {"service": "api"},
    {"service": "api", "level": "Warning"},
    {"service": "api", "level": "unknown"},
    {"service": "api", "severity": "ERR"},
    {"service": "web", "SEVERITY": "notice", "lvl": "debug"},
    {"service": "web", "level": "info", "severity": "error"},
]
LINES = [
    "level=error msg=x status=500",
    '{"level":"debug","status":500}',
    '{"status":200',
    '{"severity":"critical","status":"503"}',
    "ERROR it broke",
    "plain",
    "",
]
METADATA = [None, {"trace": "1"}, {"level": "fatal"}, {"severity_number": "9"}, {"detected_level": "trace", "a": "b"}]
QUERIES = [
    "{}",
    '{service="api"}',
    '{} |= "status"',
    "{} |= `ERROR` or `error`",
    "{} | json",
    "{} | json | status >= 500",
    '{} | json | __error__=""',
    "{} | logfmt | status >= 500",
    '{} | logfmt | level="error"',
    '{} | json severity="status"',
    "{} | drop level",
    "{} | keep service",
    '{} | label_format level="x{{.level}}"',
    "{} | label_format mine=level",
    '{} | line_format "{{.service}}" |= "api"',
    '{} | level="Warning"',
    '{} | trace="1"',
    "{} | regexp `(?P<LEVEL>[a-z]+)`",
    "{} | dedup | context before=3",
]  # fmt: skip
TIMES = st.one_of(
    few_times, st.sampled_from([NOON + step * 10 * SECOND_NS + off for step in range(3) for off in (-1, 0)])
)
MADE = st.builds(
    lambda labels, line, metadata, time: entry(line, time, metadata=metadata, **labels),
    st.sampled_from(LABELS),
    st.sampled_from(LINES),
    st.sampled_from(METADATA),
    TIMES,
)


def alike(each: LogEntry) -> tuple[object, ...]:
    """Tell entries apart without their metadata: a query shows those once that its stages make equal."""
    return each.labels, each.timestamp, each.line


def query_of(text: str) -> LogQuery:
    """Read a log query."""
    query = parse_unrestricted(text)
    assert isinstance(query, LogQuery)
    return query


def histogram(engine: Engine, text: str, start: int, end: int, most: int, rule: LevelRule = DETECTED) -> Histogram:
    """Ask for one."""
    return engine.histogram(HistogramRequest(query_of(text), start, end, most), rule, Interrupt())


def counted(found: Histogram) -> Counter[tuple[str, int]]:
    """Give the entries of each level and bucket, where there are any."""
    return Counter(
        {
            (each.level, time): int(number)
            for each in found.levels
            for time, number in zip(found.times, each.counts, strict=True)
            if number
        }
    )


def paged(engine: Engine, text: str, start: int, end: int, step: int, rule: LevelRule) -> Counter[tuple[str, int]]:
    """Count the same among the entries that an answer shows."""
    query = query_of(text)
    page = engine.logs(LogsRequest(LogQuery(query.selector, query.stages), start, end, 100_000), Interrupt())
    assert page.next is None
    return Counter(
        (rule.find(*shown_parts(each.record, each.labels, each.metadata), each.line), each.timestamp // step * step)
        for each in page.entries
    )


@given(
    parts=st.lists(st.lists(MADE, min_size=1, max_size=10, unique_by=alike), min_size=1, max_size=3),
    flushes=st.lists(st.booleans(), min_size=3, max_size=3),
    reopen=st.booleans(),
    texts=st.lists(st.sampled_from(QUERIES), min_size=1, max_size=4, unique=True),
    start=TIMES,
    length=st.one_of(st.integers(1, 5), st.integers(1, 60 * SECOND_NS), st.integers(1, 4 * DAY_NS)),
    most=st.integers(1, HISTOGRAM_BUCKETS),
    rule=st.sampled_from([DETECTED, LABELLED]),
)
@settings(max_examples=60)
def test_what_is_counted_is_what_pages_show(
    executor: Executor,
    parts: list[list[LogEntry]],
    flushes: list[bool],
    reopen: bool,
    texts: list[str],
    start: int,
    length: int,
    most: int,
    rule: LevelRule,
) -> None:
    seen: set[tuple[object, ...]] = set()
    unique = [[each for each in part if alike(each) not in seen and not seen.add(alike(each))] for part in parts]  # type: ignore[func-returns-value]
    kept = [part for part in unique if part]
    with spread(kept, flushes[: len(kept)], reopen, executor) as found:
        for text in texts:
            answer = histogram(found.engine, text, start, start + length, most, rule)
            assert counted(answer) == paged(found.engine, text, start, start + length, answer.step, rule), text
            assert not answer.is_estimated
            assert len(answer.times) <= most
            assert answer.times[0] <= start < answer.times[0] + answer.step
            assert answer.times[-1] < start + length <= answer.times[-1] + answer.step


@given(
    parts=st.lists(st.lists(MADE, min_size=1, max_size=10, unique_by=alike), min_size=1, max_size=1),
    flush=st.booleans(),
    text=st.sampled_from(QUERIES),
    most=st.integers(1, 10),
)
@settings(max_examples=30)
def test_an_estimate_has_exact_sums(
    executor: Executor, parts: list[list[LogEntry]], flush: bool, text: str, most: int
) -> None:
    start, end = NOON - 3 * DAY_NS, NOON + 3 * DAY_NS
    with pytest.MonkeyPatch.context() as patch, spread(parts, [flush], False, executor) as found:
        exact = histogram(found.engine, text, start, end, most)
        patch.setattr(level_reader, "LEVEL_ROWS", 1)
        patch.setattr(level_reader, "LEVEL_SAMPLE_ROWS", 3)
        answer = histogram(found.engine, text, start, end, most)
    assert answer.total == exact.total
    if answer.levels:
        sums = [sum(each) for each in (zip(*(level.counts.tolist() for level in answer.levels), strict=True))]
        assert sums == [sum(each) for each in zip(*(level.counts.tolist() for level in exact.levels), strict=True)]


def test_a_sample_tells_the_share_of_each_level(tmp_path: Path) -> None:
    entries = [entry("ERROR x" if n % 10 == 0 else "INFO y", NOON + n * SECOND_NS // 100) for n in range(40_000)]
    with searchable(tmp_path) as found:
        found.store.append([batch_of(entries)])
        found.store.flush()
        answer = histogram(found.engine, "{}", NOON, NOON + 400 * SECOND_NS, 60)
        short = histogram(found.engine, "{}", NOON, NOON + 100 * SECOND_NS, 60)
    shares = {each.level: int(each.counts.sum()) for each in answer.levels}
    assert answer.is_estimated
    assert sum(shares.values()) == 40_000
    assert abs(shares["error"] - 4_000) < 400
    assert not short.is_estimated
    assert {each.level: int(each.counts.sum()) for each in short.levels} == {"error": 1_000, "info": 9_000}


@pytest.mark.parametrize("flushed", [True, False], ids=["segment", "memory"])
def test_lines_of_one_level_that_stand_together_have_their_share_and_no_more(tmp_path: Path, flushed: bool) -> None:
    # As each stream begins with its errors, they are runs of 64 rows that stand 1,024 apart.
    entries = [
        entry("ERROR x" if n < 64 else "INFO y", NOON + n * SECOND_NS, service=f"s{stream:02}")
        for stream in range(64)
        for n in range(1024)
    ]
    with searchable(tmp_path) as found:
        found.store.append([batch_of(entries)])
        if flushed:
            found.store.flush()
        answer = histogram(found.engine, "{}", NOON, NOON + 1024 * SECOND_NS, 1)
    shares = {each.level: int(each.counts.sum()) for each in answer.levels}
    assert answer.is_estimated
    assert sum(shares.values()) == 65_536
    assert abs(shares["error"] - 4_096) < 655


def test_long_lines_are_sampled_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_reader, "PAGE_TEXT_BYTES", 10_000)
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("x" * 1_000, NOON + n) for n in range(20)])])
        answer = histogram(found.engine, "{}", NOON, NOON + 100, 1)
    assert (answer.total, answer.is_estimated) == (20, True)


@pytest.mark.parametrize("most", [1, 2, 7, HISTOGRAM_BUCKETS])
@pytest.mark.parametrize("text", ["{}", '{} |= "x"', "{} | logfmt"])
def test_all_of_time_is_no_obstacle(tmp_path: Path, most: int, text: str) -> None:
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("x=1", NOON, level="info"), entry("x=ERROR", 0), entry("x", 1)])])
        answer = histogram(found.engine, text, 0, NEWEST_NS, most)
    assert answer.total == 3
    assert len(answer.times) <= most
    assert int(answer.levels[-1].counts[0]) >= 1


def test_levels_come_with_the_most_severe_first_and_unknown_last(tmp_path: Path) -> None:
    words = ["trace", "zebra", "info", "", "fatal", "error", "notice", "critical", "debug", "warn"]
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("x", NOON, service="a", level=word) for word in words])])
        answer = histogram(found.engine, "{}", NOON, NOON + 1, 1)
    levels = ["fatal", "critical", "error", "warn", "info", "debug", "trace", "notice", "zebra", ""]
    assert [each.level for each in answer.levels] == levels


def test_very_many_words_become_one_level(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        entries = [entry("x", NOON + n, service="a", level=f"w{n}") for n in range(HISTOGRAM_LEVELS + 20)]
        found.store.append([batch_of(entries)])
        answer = histogram(found.engine, "{}", NOON, NOON + 1_000, 1)
    assert len(answer.levels) == HISTOGRAM_LEVELS
    assert answer.total == HISTOGRAM_LEVELS + 20


@given(
    start=st.integers(0, NEWEST_NS - 1),
    length=st.one_of(st.integers(1, 1_000), st.integers(1, 100 * DAY_NS), st.integers(1, NEWEST_NS)),
    most=st.integers(1, HISTOGRAM_BUCKETS),
)
def test_a_nice_step_covers_the_range(start: int, length: int, most: int) -> None:
    end = min(start + length, NEWEST_NS)
    step = nice_step(start, end, most)
    assert 0 < -(-end // step) - start // step <= max(most, 1)


@given(
    totals=st.lists(st.integers(0, 10**12), min_size=1, max_size=6),
    data=st.data(),
)
def test_a_division_leaves_nothing_over(totals: list[int], data: st.DataObject) -> None:
    counts = st.lists(st.integers(0, 50), min_size=len(totals), max_size=len(totals))
    sample = data.draw(st.dictionaries(st.sampled_from(["error", "info", ""]), counts.map(np.array), max_size=3))
    divided = estimated(np.array(totals, dtype=np.int64), sample)
    assert sum(divided.values()).tolist() == totals  # type: ignore[union-attr]
    assert all((each >= 0).all() for each in divided.values())
