"""The cache of what segments contributed: answers are those without it, whatever is stored and asked in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import MIB, SECOND_NS
from logpulse.logql.parser import parse_unrestricted
from logpulse.query.engine import Engine, MetricsRequest
from logpulse.query.executor import Executor
from logpulse.query.gathering import Gathering
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.partial_cache import PartialCache, PartialsKey, scanned_together
from logpulse.query.partials import Intervals
from logpulse.query.planner import Source
from logpulse.query.result import MetricsAnswer
from logpulse.storage.store import Store

from ..strategies import NOON, LogEntry, batch_of, entry
from .scanning import searchable

MINUTE = 60 * SECOND_NS
QUERIES = [
    'sum by (service) (count_over_time({service=~".+"}[2m]))',
    'rate({service="api"} |= "1" [90s])',
    'bytes_over_time({service=~".+"}[1m])',
    'sum by (code) (count_over_time({service=~".+"} | json [2m]))',
    'quantile_over_time(0.5, {service=~".+"} | json | unwrap took [2m]) by (service)',
    'quantile_over_time(0.9, {service=~".+"} | json | unwrap took [1m]) by (service)',
    'last_over_time({service="api"} | json | unwrap took [2m]) by (code)',
    'count_over_time({service="api"}[1m] offset 30s)',
    'sum(count_over_time({service=~".+"} | line_format "{{.service}}" [2m]))',
    'absent_over_time({service="db"}[2m])',
]


def request(text: str, first: int, points: int, step: int) -> MetricsRequest:
    """Ask for `points` points, `step` seconds apart, the first one `first` steps after noon."""
    step *= SECOND_NS
    start = NOON // step * step + first * step
    query = parse_unrestricted(text)
    assert not hasattr(query, "is_selector")
    return MetricsRequest(query, start, start + (points - 1) * step, step)


ALIKE = [
    tuple(f'sum by (service) (rate({{service=~".+"}}[{window}]))' for window in ("60s", "90s", "2m")),
    tuple(f'bytes_over_time({{service="api"}} |= "1" [1m]{offset})' for offset in ("", " offset 10s", " offset 1m")),
    ('count_over_time({service="api"}[1m] offset 30s)', 'count_over_time({service="api"}[90s])'),
    ('count_over_time({service="api"}[1m])', 'count_over_time({service="web"}[1m])', 'rate({service="api"}[1m])'),
    tuple(f'quantile_over_time({part}, {{service=~".+"}} | json | unwrap took [1m])' for part in ("0.1", "0.9")),
]
"""Queries that differ in little, of which some share what is known and others must not."""

texts = st.sampled_from([*ALIKE, *ALIKE, *((text,) for text in QUERIES)])


def requests_of(texts: tuple[str, ...]) -> st.SearchStrategy[MetricsRequest]:
    """Draw requests for these queries."""
    steps = st.sampled_from([60, 60, 30])
    return st.builds(request, st.sampled_from(texts), st.integers(-4, 0), st.integers(8, 16), steps)


entries = st.builds(
    lambda second, service, code, took: entry(
        f'{{"code":"{code}","took":{took}}}', NOON + second * SECOND_NS, service=service
    ),
    st.integers(-60, 240),
    st.sampled_from(["api", "web"]),
    st.sampled_from(["1", "2"]),
    st.integers(0, 9),
)


@attrs.frozen
class Append:
    """Store entries, and perhaps write a segment."""

    entries: list[LogEntry]
    flushed: bool


appends = st.builds(Append, st.lists(entries, min_size=1, max_size=12, unique=True), st.booleans())
histories = texts.flatmap(
    lambda texts: st.lists(
        st.one_of(appends, requests_of(texts), requests_of(texts), st.just(Store.compact)), min_size=4, max_size=14
    )
)


def points_of(answer: MetricsAnswer) -> dict[tuple[tuple[str, str], ...], list[float | None]]:
    """Give the values of each series, None where it has none."""
    assert isinstance(answer.result, Matrix)
    return {
        labels: [value if here else None for value, here in zip(row, present, strict=True)]
        for labels, row, present in zip(
            answer.result.labels, answer.result.values.tolist(), answer.result.present.tolist(), strict=True
        )
    }


@given(actions=histories)
@settings(max_examples=150)
def test_answers_are_those_without_a_cache(
    executor: Executor, actions: list[Append | Callable[[Store], object] | MetricsRequest]
) -> None:
    with TemporaryDirectory(prefix="logpulse-query-") as root, searchable(Path(root), executor) as found:
        caching = Engine(found.store, executor, partials=PartialCache(MIB))
        for action in actions:
            match action:
                case Append():
                    found.store.append([batch_of(action.entries)])
                    if action.flushed:
                        found.store.flush()
                case MetricsRequest():
                    for _ in range(2):
                        told = points_of(caching.metrics(action, Interrupt()))
                        assert told == points_of(found.engine.metrics(action, Interrupt()))
                case _:
                    action(found.store)


@pytest.fixture
def filled(tmp_path: Path, executor: Executor) -> Iterator[Engine]:
    """Give an engine over three segments of a minute each and something in memory, with a cache of 1 MiB."""
    with searchable(tmp_path, executor) as found:
        for minute in range(4):
            lines = [
                entry(f'{{"code":"1","took":{second}}}', NOON + minute * MINUTE + second * SECOND_NS + 1)
                for second in range(60)
            ]
            found.store.append([batch_of(lines)])
            if minute < 3:
                found.store.flush()
        yield Engine(found.store, executor, partials=PartialCache(MIB))


def cost(engine: Engine, asked: MetricsRequest) -> tuple[int, int, int]:
    """Ask, and give how many segments were known, how many were read, and the entries looked at."""
    stats = engine.metrics(asked, Interrupt()).stats
    return stats.cached_segments, stats.segments, stats.rows


@pytest.mark.parametrize("text", QUERIES[:7])
def test_only_what_may_have_changed_is_read_again(filled: Engine, text: str) -> None:
    asked = request(text, 0, 6, 60)
    assert cost(filled, asked) == (0, 3, 240)
    assert cost(filled, asked) == (3, 0, 60)


def test_windows_that_have_moved_on_share_what_is_known(filled: Engine) -> None:
    text = 'count_over_time({service="api"}[4m])'
    assert cost(filled, request(text, 3, 3, 60)) == (0, 3, 240)
    assert cost(filled, request(text, 4, 3, 60)) == (3, 0, 60)


def test_a_segment_half_within_the_range_is_read(filled: Engine) -> None:
    text = 'count_over_time({service="api"}[1m])'
    whole, half = request(text, 1, 4, 60), request(text, 2, 3, 60)
    assert cost(filled, whole) == (0, 3, 240)
    asked = attrs.evolve(half, start=half.start + SECOND_NS, end=half.end + SECOND_NS)
    assert cost(filled, asked)[0] == 0, "its intervals end elsewhere"
    assert cost(filled, half) == (0, 2, 180), "the three are remembered as one"


def test_other_intervals_are_counted_anew_but_samples_serve_all(filled: Engine) -> None:
    counts, samples = 'count_over_time({service="api"}[2m])', QUERIES[4]
    assert [cost(filled, request(counts, 0, 20, step))[0] for step in (60, 30, 60)] == [0, 0, 3]
    assert [cost(filled, request(samples, 0, 20, step))[0] for step in (60, 30)] == [0, 3]


def test_nothing_is_kept_without_room(tmp_path: Path, executor: Executor) -> None:
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of([entry("x", NOON)])])
        found.store.flush()
        asked = request(QUERIES[0], -1, 6, 60)
        for room, known in ((0, 0), (2 * 4096, 0), (2**20, 1)):
            engine = Engine(found.store, executor, partials=PartialCache(room))
            engine.metrics(asked, Interrupt())
            assert cost(engine, asked)[0] == known


def a_source(tmp_path: Path, executor: Executor) -> Source:
    """Give a source that is one segment."""
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of([entry("x", NOON)])])
        found.store.flush()
        (segment,) = found.store.view.segments
    return Source(NOON, NOON, 1, 100, segment)


def rows(count: int) -> Gathering:
    """Gather so many rows of 32 bytes."""
    column = np.zeros(count, dtype=np.int64)
    gathering = Gathering()
    gathering.add(column, column, column, column)
    return gathering


def key(text: str) -> PartialsKey:
    """Name the counts of a query in steps of a second."""
    aggregation = parse_unrestricted(text)
    return PartialsKey.of_counts(aggregation, Intervals(0, SECOND_NS, 0, 1))  # type: ignore[arg-type]


def test_a_segment_is_itself_and_not_its_name(tmp_path: Path, executor: Executor) -> None:
    source, cache, asked = a_source(tmp_path, executor), PartialCache(MIB), key(QUERIES[7])
    cache.keep(asked, [source], rows(1))
    assert len(cache.recall(asked, [source])[0]) == 1
    assert source.segment is not None
    again = attrs.evolve(source, segment=attrs.evolve(source.segment))
    assert cache.recall(asked, [again]) == ([], [again])


def test_what_was_asked_for_last_stays(tmp_path: Path, executor: Executor) -> None:
    source, cache = a_source(tmp_path, executor), PartialCache(100_000)
    first, second, third = (key(f'count_over_time({{service="{name}"}}[1m])') for name in "abc")
    cache.keep(first, [source], rows(1000))
    cache.keep(second, [source], rows(1000))
    cache.recall(first, [source])
    cache.keep(third, [source], rows(1000))
    assert [len(cache.recall(each, [source])[0]) for each in (first, second, third)] == [1, 0, 1]
    assert cache.nbytes <= 100_000
    cache.keep(second, [source], rows(2000))
    assert cache.recall(second, [source])[0] == [], "more than half of the room"


def test_parts_of_segments_that_are_gone_are_let_go(tmp_path: Path, executor: Executor) -> None:
    source, cache, asked = a_source(tmp_path, executor), PartialCache(MIB), key(QUERIES[7])
    assert source.segment is not None
    cache.keep(asked, [attrs.evolve(source, segment=attrs.evolve(source.segment))], rows(1000))
    before = cache.nbytes
    cache.keep(key(QUERIES[1]), [source], rows(1))
    assert cache.nbytes < before


def test_small_sources_are_scanned_together() -> None:
    sizes = [100 * MIB, 100 * MIB, 100 * MIB, 300 * MIB, MIB]
    groups = list(scanned_together([Source(0, 0, 1, size, None) for size in sizes]))
    assert [[each.text_bytes for each in group] for group in groups] == [sizes[:2], sizes[2:3], sizes[3:4], sizes[4:]]
