"""The inventory against plain Python: sizes of streams, wherever their entries are stored."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import LimitExceededError, QueryCancelledError, StorageError
from logpulse.limits import DAY_NS, SECOND_NS, VOLUME_POINTS
from logpulse.logql.ast import Selector
from logpulse.logql.parser import parse_selector
from logpulse.model.matcher import Matcher
from logpulse.query.buckets import Buckets
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.inventory import Inventory
from logpulse.query.matrix import Matrix
from logpulse.query.volume import Aggregation, VolumeRequest

from ..strategies import NOON, LogEntry, batch_of, entry, entry_lists
from .scanning import matchers, searchable, spread

ALL = Selector(())
metadata_texts = st.text('a":,{é\\', min_size=1, max_size=4)
STEPS = st.sampled_from([1, 2, SECOND_NS, 3600 * SECOND_NS, DAY_NS, 3 * DAY_NS])


def metadata_bytes(text: str | None) -> int:
    pairs = msgspec.json.decode(text, type=dict[str, str]) if text else {}
    return sum(len(name.encode()) + len(value.encode()) for name, value in pairs.items())


def chosen(parts: Sequence[Sequence[LogEntry]], selector: Selector, start: int, end: int) -> list[LogEntry]:
    """Select entries in the plainest way; each counts once, however often it was pushed."""
    everything = dict.fromkeys(each for part in parts for each in part)
    return [
        each
        for each in everything
        if start <= each.timestamp <= end
        and all(matcher.predicate()(each.labels.get(matcher.name)) for matcher in selector.matchers)
    ]


def shown(matrix: Matrix) -> dict[tuple[tuple[str, str], ...], dict[int, float]]:
    """Give the points of each series by time."""
    return {
        labels: {
            int(time): float(value) for time, value, there in zip(matrix.times, values, present, strict=True) if there
        }
        for labels, values, present in zip(matrix.labels, matrix.values, matrix.present, strict=True)
    }


def request(buckets: Buckets) -> VolumeRequest:
    """Ask for the volume of each stream."""
    return VolumeRequest(ALL, (), Aggregation.SERIES, 1000, buckets)


@given(
    parts=st.lists(entry_lists, min_size=1, max_size=3),
    flushes=st.lists(st.booleans(), min_size=3, max_size=3),
    reopen=st.booleans(),
    selected=st.lists(matchers, max_size=2),
    start=st.integers(NOON - 2 * DAY_NS, NOON + 2 * DAY_NS),
    length=st.integers(0, 4 * DAY_NS),
)
@settings(max_examples=40)
def test_stats_equal_a_count(
    executor: Executor,
    parts: list[list[LogEntry]],
    flushes: list[bool],
    reopen: bool,
    selected: list[Matcher],
    start: int,
    length: int,
) -> None:
    selector, end = Selector(tuple(selected)), start + length
    expected = chosen(parts, selector, start, end)
    with spread(parts, flushes[: len(parts)], reopen, executor) as found:
        stats = Inventory(found.store, executor).index_stats(selector, start, end, Interrupt())
    assert stats.entries == len(expected)
    assert stats.text_bytes == sum(len(each.line.encode()) for each in expected)
    assert stats.streams == len({each.labels for each in expected})
    assert bool(stats.chunks) == bool(expected)


@given(
    parts=st.lists(entry_lists, min_size=1, max_size=3),
    flushes=st.lists(st.booleans(), min_size=3, max_size=3),
    reopen=st.booleans(),
    start=st.integers(NOON - 2 * DAY_NS, NOON + 2 * DAY_NS),
    steps=st.integers(1, 8),
    step=STEPS,
    data=st.data(),
)
@settings(max_examples=40)
def test_volumes_equal_a_sum(
    executor: Executor,
    parts: list[list[LogEntry]],
    flushes: list[bool],
    reopen: bool,
    start: int,
    steps: int,
    step: int,
    data: st.DataObject,
) -> None:
    if step < SECOND_NS:
        start = NOON + data.draw(st.integers(-2, 4))
    buckets = Buckets.aligned(start, start + steps * step, step)
    ends = buckets.times.tolist()
    sums: Counter[tuple[tuple[tuple[str, str], ...], int]] = Counter()
    for each in chosen(parts, ALL, start, start + steps * step):
        size = len(each.line.encode()) + metadata_bytes(each.metadata)
        sums[each.labels.pairs, ends[each.timestamp // step - start // step]] += size
    with spread(parts, flushes[: len(parts)], reopen, executor) as found:
        matrix = Inventory(found.store, executor).volumes(request(buckets), Interrupt()).volumes
    points = {(labels, time): value for labels, each in shown(matrix).items() for time, value in each.items()}
    assert points == dict(sums)
    totals = [sum(each.values()) for each in shown(matrix).values()]
    assert totals == sorted(totals, reverse=True)


SHOP = [
    entry("x" * 2000, NOON, app="shop", env="prod", pod="a"),
    entry("x" * 1000, NOON + 1, app="shop", env="dev", pod="b"),
    entry("x" * 700, NOON + 2, app="db", env="prod"),
    entry("x" * 100, NOON + 3, app="cron"),
]
WHOLE = Buckets.whole(NOON, NOON + 10)


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize(
    ("selector", "targets", "aggregation", "limit", "expected"),
    [
        ('{app=~".+"}', (), "series", 10, {"app=shop": 3072, "app=db": 1024, "app=cron": 0}),
        ('{app=~".+"}', (), "series", 2, {"app=shop": 3072, "app=db": 1024}),
        ('{app=~"db|cron", env=~".*"}', (), "series", 10, {"app=db env=prod": 1024, "app=cron": 0}),
        ('{app=~".+"}', ("env",), "series", 10, {"env=prod": 3072, "env=dev": 1024}),
        ('{app=~".+"}', ("pod", "env"), "series", 10, {"env=prod pod=a": 2048, "env=dev pod=b": 1024}),
        ('{app=~".+"}', (), "labels", 10, {"app=": 4096, "env=": 4096, "pod=": 3072}),
        ('{app=~".+"}', ("env",), "labels", 10, {"env=": 4096}),
        ("{}", (), "series", 2, {"app=shop env=prod pod=a": 2048, "app=db env=prod": 1024}),
        ('{app="nosuch"}', (), "series", 10, {}),
    ],
)  # fmt: skip
def test_what_volumes_are_told_apart_by(
    tmp_path: Path,
    executor: Executor,
    flushed: bool,
    selector: str,
    targets: tuple[str, ...],
    aggregation: str,
    limit: int,
    expected: dict[str, int],
) -> None:
    asked = VolumeRequest(parse_selector(selector), targets, Aggregation(aggregation), limit, WHOLE)
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of(SHOP)])
        if flushed:
            found.store.flush()
        matrix = Inventory(found.store, executor).volumes(asked, Interrupt()).volumes
    named = {" ".join(f"{name}={value}" for name, value in labels): points for labels, points in shown(matrix).items()}
    assert named == {name: {NOON + 10: size} for name, size in expected.items()}
    assert list(named) == list(expected)


def test_too_many_points_are_refused_before_they_are_made(tmp_path: Path, executor: Executor) -> None:
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of(SHOP)])
        buckets = Buckets.aligned(NOON, NOON + VOLUME_POINTS, 1)
        with pytest.raises(LimitExceededError, match="volumes times steps"):
            Inventory(found.store, executor).volumes(request(buckets), Interrupt())


@given(st.lists(st.dictionaries(metadata_texts, metadata_texts | st.just(""), min_size=1, max_size=4), max_size=5))
@settings(max_examples=20)
def test_metadata_counts_alike_in_memory_and_on_disk(executor: Executor, metadata: list[dict[str, str]]) -> None:
    entries = [entry("x", NOON + number, metadata=each) for number, each in enumerate(metadata)]
    with spread([[*entries, entry("x", NOON + 9)]], [False], False, executor) as found:
        inventory, buckets = Inventory(found.store, executor), Buckets.aligned(NOON - 1, NOON + 10, 20)
        in_memory = inventory.volumes(request(buckets), Interrupt()).volumes
        found.store.flush()
        on_disk = inventory.volumes(request(buckets), Interrupt()).volumes
    assert shown(in_memory) == shown(on_disk)
    # What JSON escapes counts as it is written there.
    written = [
        json.dumps(text, ensure_ascii=False)[1:-1] for each in metadata for pair in each.items() for text in pair
    ]
    assert in_memory.values.sum() == len(entries) + 1 + sum(len(text.encode()) for text in written)


def test_series_are_each_once_and_sorted(tmp_path: Path, executor: Executor) -> None:
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of(SHOP)])
        inventory = Inventory(found.store, executor)
        selectors = [parse_selector(text) for text in ('{env="prod"}', '{app="shop"}')]
        series = inventory.series(selectors, NOON, NOON + 10, Interrupt())
        assert [dict(labels)["app"] for labels in series] == ["db", "shop", "shop"]
        assert inventory.series(selectors, NOON + 11, NOON + 20, Interrupt()) == []
        pulled = Interrupt()
        pulled.pull()
        with pytest.raises(QueryCancelledError):
            inventory.series(selectors, NOON, NOON + 10, pulled)


def test_a_damaged_segment_is_set_aside_and_the_rest_counted(tmp_path: Path, executor: Executor) -> None:
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of(SHOP)])
        found.store.flush()
        found.store.append([batch_of([entry("rest", NOON + 5, app="shop")])])
        (segment,) = found.store.view.segments
        content = segment.path.read_bytes()
        segment.path.write_bytes(content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :])
        stats = Inventory(found.store, executor).index_stats(ALL, NOON + 1, NOON + 9, Interrupt())
        assert (stats.entries, stats.text_bytes) == (1, 4)
        assert [each.code for each in found.store.problems.listed()] == ["segment_damaged"]


def test_a_failure_without_damage_is_reported(tmp_path: Path, executor: Executor) -> None:
    with searchable(tmp_path, executor) as found:
        found.store.append([batch_of(SHOP)])
        found.store.flush()
        with Executor(tmp_path / "elsewhere", threads=1, memory=64 << 20) as blind, pytest.raises(StorageError):
            Inventory(found.store, blind).index_stats(ALL, NOON + 1, NOON + 9, Interrupt())
        assert not found.store.problems.listed()
