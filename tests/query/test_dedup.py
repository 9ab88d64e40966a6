"""`dedup`: of the entries of an answer, in its order, each key once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import LimitExceededError
from logpulse.logql.ast import Dedup, LogQuery, Selector
from logpulse.logql.parser import parse_log_query
from logpulse.logql.record import Base, Record
from logpulse.query.dedup import AnswerKeys, NoKeys, RecentKeys, key_of, keys_of_answer, keys_of_tail
from logpulse.query.executor import Executor
from logpulse.query.logs import _Twins
from logpulse.query.planner import Source
from logpulse.query.result import Direction
from logpulse.query.row_reader import FoundRows, Row, RowReader
from logpulse.query.scan import Bounds

from ..strategies import NOON, LogEntry, batch_of, entry
from .scanning import DIRECTIONS, expected, placed_entries, searchable, shown, spread


def firsts(entries: list[LogEntry], key: Callable[[LogEntry], object]) -> list[LogEntry]:
    """Keep the first entry of each key."""
    found: dict[object, LogEntry] = {}
    for each in entries:
        found.setdefault(key(each), each)
    return list(found.values())


def label(name: str) -> Callable[[LogEntry], object]:
    return lambda each: dict(each.labels.pairs).get(name, "")


@given(
    placed=placed_entries(),
    dedup=st.sampled_from(
        [
            (Dedup(), lambda each: each.line),
            (Dedup(("service",)), label("service")),
            (Dedup(("env", "job")), lambda each: (label("env")(each), label("job")(each))),
            (Dedup(("absent",)), lambda _: None),
            (Dedup(("trace",)), lambda each: each.metadata),
        ]
    ),
    direction=DIRECTIONS,
    limit=st.integers(1, 12),
)
@settings(max_examples=60)
def test_answers_equal_plain_python(
    executor: Executor,
    placed: tuple[list[list[LogEntry]], list[bool], bool],
    dedup: tuple[Dedup, Callable[[LogEntry], object]],
    direction: Direction,
    limit: int,
) -> None:
    parts, flushes, reopen = placed
    node, key = dedup
    everything = expected([each for part in parts for each in part], LogQuery(Selector(())), direction)
    query = LogQuery(Selector(()), dedup=node)
    with spread(parts, flushes, reopen, executor) as found:
        pages = [(shown(page), page.next) for page in found.pages(query, direction, limit)]
    rest = everything
    for page, following in pages:
        single = firsts(rest, key)
        assert page == single[:limit], "each page is an answer of its own over what stands behind the one before"
        assert (following is None) == (len(single) <= limit)
        rest = rest[rest.index(page[-1]) + 1 :] if page else []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{service="api"} | logfmt | line_format "{{.a}}" | dedup', ["1", "2"]),
        ('{service="api"} | logfmt | dedup by (a)', ["a=1 b=1", "a=2 b=1"]),
        ('{service="api"} | logfmt | dedup by (b, a)', ["a=1 b=1", "a=1 b=2", "a=2 b=1"]),
        ('{service="api"} | dedup', ["a=1 b=1", "a=1 b=2", "a=2 b=1"]),
        ('{service="api"} | dedup by (a)', ["a=1 b=1"]),
        ('{service="api"} | json | dedup by (__error__)', ["a=1 b=1"]),
        ('{service="api"} | logfmt | a > 1 | dedup by (service)', ["a=2 b=1"]),
    ],
)
def test_the_key_is_what_the_pipeline_left(tmp_path: Path, text: str, wanted: list[str]) -> None:
    with searchable(tmp_path) as found:
        lines = ["a=1 b=1", "a=1 b=2", "a=1 b=1", "a=2 b=1", "a=1 b=2"]
        found.store.append([batch_of([entry(line, NOON + number) for number, line in enumerate(lines)])])
        assert [each.record.line for each in found.page(parse_log_query(text)).entries] == wanted


def test_too_many_keys_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.query.dedup.DEDUP_KEYS", 5)
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry(str(number), NOON + number) for number in range(9)])])
        assert len(found.page(parse_log_query('{service="api"} | dedup'), limit=4).entries) == 4
        with pytest.raises(LimitExceededError, match="keys of `dedup` in one answer is limited to 5, got 6; ask"):
            found.page(parse_log_query('{service="api"} | dedup'))


def record(line: str = "", **labels: str) -> Record:
    return Record(NOON, line, Base(labels))


def test_values_of_labels_do_not_run_together() -> None:
    key = key_of(Dedup(("a", "b")))
    keys = {
        key(record(a=a, b=b)) for a, b in [("x", "y"), ("xy", ""), ("", "xy"), ("1:y", ""), ("", "1:y"), ("x1:y", "")]
    }
    assert len(keys) == 6
    assert key(record(a="x")) == key(record(a="x", b="", c="z"))


def test_any_line_has_a_key() -> None:
    key = key_of(Dedup())
    assert len({key(record(line)) for line in ("", "a", "\ud800", "é", "\0")}) == 5
    assert len(key(record("x" * 100_000))) == 8


def test_a_tail_forgets_the_oldest_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.query.dedup.TAIL_DEDUP_KEYS", 2)
    keys = keys_of_tail(Dedup())
    assert [keys.has(record(line), 1) for line in "aabbacca"] == [False, True, False, True, True, False, True, False]


def test_without_dedup_nothing_repeats() -> None:
    for keys in (keys_of_answer(LogQuery(Selector(()))), keys_of_tail(None)):
        assert isinstance(keys, NoKeys)
        assert not keys.has(record("a"), 1)
        assert not keys.has(record("a"), 1)
    assert isinstance(keys_of_answer(LogQuery(Selector(()), dedup=Dedup())), AnswerKeys)
    assert isinstance(keys_of_tail(Dedup()), RecentKeys)


@pytest.mark.parametrize(
    ("ending", "lines", "reads"),
    [
        ("| dedup", ["same"], 2),
        ('|= "s" | dedup', ["same"], 2),
        ("| dedup by (service)", ["same"], 2),
        ('| logfmt | service="api" | dedup', ["same"], 2),
        ('| line_format "x" | dedup', ["x"], 5),
        ("| logfmt | dedup by (service)", ["same"], 5),
        ("| dedup by (absent)", ["same"], 5),
    ],
)
def test_what_surely_repeats_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, lines: list[str], reads: int
) -> None:
    monkeypatch.setattr("logpulse.query.ordered_rows.ROWS_PER_READ", 8)
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("same", NOON + number) for number in range(30)])])
        seen: list[Bounds] = []
        read = RowReader.read

        def noted(self: RowReader, sources: Sequence[Source], bounds: Bounds, limit: int) -> FoundRows:
            seen.append(bounds)
            return read(self, sources, bounds, limit)

        monkeypatch.setattr(RowReader, "read", noted)
        page = found.page(parse_log_query(f'{{service="api"}} {ending}'), limit=1)
        assert [each.record.line for each in page.entries] == lines
        assert len(seen) == reads


def test_metadata_in_place_of_a_label_is_seen_in_every_entry(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        stored = [
            entry("a", NOON),
            *(entry("a", NOON + 1 + number, metadata={"pod": str(number)}) for number in range(5)),
        ]
        found.store.append([batch_of(stored)])
        pages = [
            shown(page)
            for page in found.pages(parse_log_query('{service="api"} | dedup by (pod)'), Direction.FORWARD, 3)
        ]
        assert pages == [stored[:3], stored[3:]]
        assert len(found.page(parse_log_query('{service="api"} | dedup by (pod)'), limit=1).entries) == 1


def test_twins_are_one_entry_before_they_are_compared(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        twin = entry("a", metadata={"trace": "1"})
        found.store.append([batch_of([twin, attrs.evolve(twin, metadata='{"trace":"2"}'), entry("a", NOON + 1)])])
        query = parse_log_query('{service="api"} | drop trace | dedup by (trace)')
        assert len(found.page(query).entries) == 1
        assert len(found.page(parse_log_query('{service="api"} | dedup by (trace)')).entries) == 3


class CountedLine(str):
    """Be a line that counts how often it is compared."""

    compared = 0

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        CountedLine.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_many_entries_of_one_time_are_not_compared_each_with_each() -> None:
    twins, lines = _Twins(), [CountedLine(number % 300) for number in range(600)]
    found = [twins.has(Row(NOON, 1, "~", number, line, None), record(line)) for number, line in enumerate(lines)]
    assert found == [False] * 300 + [True] * 300
    assert CountedLine.compared < 2000
