"""Compaction: fewer segments, the same entries in the same order, within its bounds, and whole after any kill."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import attrs
import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.limits import COMPACTED_BYTES, COMPACTION_FANIN, DAY_NS, RECENT_BYTES
from logpulse.storage.compaction import choose_run
from logpulse.storage.filenames import DataFolder, segment_name
from logpulse.storage.flush import free_name
from logpulse.storage.segment import Segment, SegmentFacts, StreamTable
from logpulse.storage.store import Store

from ..strategies import NOON, LogEntry, batch_of, entry, entry_lists
from .opening import POLICY, opened, problem_codes, stored

SMALL = attrs.evolve(POLICY, chunk_bytes=400)


def fill(store: Store, count: int = COMPACTION_FANIN) -> set[LogEntry]:
    """Store so many segments of one day."""
    everything = [
        [entry(f"{part} {number}", NOON + 10 * number + part, service=f"s{number % 3}") for number in range(10)]
        for part in range(count)
    ]
    for entries in everything:
        store.append([batch_of(entries)])
        store.flush()
    return set(itertools.chain(*everything))


def rows(segment: Segment) -> list[tuple[int, int, str]]:
    """Read the entries of a segment in their order."""
    return [(row["stream"], row["timestamp"], row["line"]) for row in pq.read_table(segment.path).to_pylist()]


@given(st.lists(entry_lists, min_size=2, max_size=6))
@settings(max_examples=20)
def test_merging_changes_nothing_but_the_files(
    tmp_path_factory: pytest.TempPathFactory, pushes: list[list[LogEntry]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("logpulse.storage.compaction.COMPACTION_FANIN", 2)
        with opened(tmp_path_factory.mktemp("compaction") / "data", SMALL) as store:
            for push in pushes:
                store.append([batch_of(push)])
                store.flush()
            before = store.view.segments
            in_order: dict[int, list[tuple[int, int, str]]] = {}
            for segment in sorted(before, key=lambda each: each.facts.first_sequence):
                in_order.setdefault(segment.facts.day, []).extend(rows(segment))
            while store.compact():
                pass
            for segment in store.view.segments:
                of_the_day = sorted(in_order[segment.facts.day], key=lambda row: row[:2])
                if sum(each.facts.day == segment.facts.day for each in store.view.segments) == 1:
                    assert rows(segment) == of_the_day
                assert segment.facts.rows == len(rows(segment))
            assert sum(each.facts.rows for each in before) == sum(each.facts.rows for each in store.view.segments)
            assert store.folder.segment_names() == [segment.name for segment in store.view.segments]
            assert not problem_codes(store)


# -- what is merged ---------------------------------------------------------------------------------------------------


def segment_of(number: int, size: int, day: int = 20_000) -> Segment:
    """Make a segment of `size` bytes in its entries, the `number`th in commit order."""
    facts = SegmentFacts(1, "test", day, number, number, 1, 1, 0, size, 0, 0, 0)
    name = segment_name(day, number, number, 0)
    table = SimpleNamespace()
    return Segment(name, Path(name), size, facts, table)  # type: ignore[arg-type]


def sizes(*found: int) -> list[Segment]:
    """Make segments of one day with these sizes, the oldest first."""
    return [segment_of(number, size) for number, size in enumerate(found, 1)]


def chosen(segments: Sequence[Segment]) -> list[int]:
    """Give the sequence numbers of the segments that are merged next."""
    return [each.facts.first_sequence for each in choose_run(segments)]


HALF = COMPACTED_BYTES // 2


@pytest.mark.parametrize(
    ("found", "merged"),
    [
        ([10] * (COMPACTION_FANIN - 1), []),
        ([10] * COMPACTION_FANIN, [1, 2, 3, 4]),
        ([10] * 7, [1, 2, 3, 4, 5, 6, 7]),
        ([100, 10, 10, 10, 10], [2, 3, 4, 5]),
        ([30, 10, 10, 10, 10], [1, 2, 3, 4, 5]),
        ([COMPACTED_BYTES, 10, 10, 10], []),
        ([10, 10, 10, 10, COMPACTED_BYTES], [1, 2, 3, 4]),
        ([HALF, HALF, 10, 10], []),
        ([HALF] * 8, []),
        ([HALF // 2] * 8, [1, 2, 3, 4]),
        ([RECENT_BYTES] * 7, []),
        ([RECENT_BYTES - 1] * 7, [1, 2, 3, 4, 5, 6, 7]),
        ([10, 10, 10, RECENT_BYTES, 10, 10, 10], []),
        ([0] * 4, [1, 2, 3, 4]),
    ],
)
def test_which_neighbours_are_merged(found: list[int], merged: list[int]) -> None:
    assert chosen(sizes(*found)) == merged


def test_an_earlier_day_is_merged_to_its_end() -> None:
    earlier = [segment_of(number, RECENT_BYTES) for number in range(1, 5)]
    assert chosen([*earlier, segment_of(5, 10, day=20_001)]) == [1, 2, 3, 4]


def test_days_are_never_merged() -> None:
    assert chosen([segment_of(number, 10, day=20_000 + number // 3) for number in range(9)]) == []


@given(st.lists(st.sampled_from([1, 10, 1000, HALF // 2, HALF, COMPACTED_BYTES]), max_size=40))
def test_merging_ends_and_keeps_its_bounds(found: list[int]) -> None:
    segments = sizes(*found)
    merges = 0
    while run := choose_run(segments):
        assert len(run) >= COMPACTION_FANIN
        total = sum(each.facts.entry_bytes for each in run)
        assert total <= COMPACTED_BYTES
        places = [segments.index(each) for each in run]
        assert places == list(range(places[0], places[0] + len(run))), "neighbours alone keep the order of commits"
        joined = msgspec.structs.replace(run[0].facts, last_sequence=run[-1].facts.last_sequence, entry_bytes=total)
        segments[places[0] : places[-1] + 1] = [attrs.evolve(run[0], facts=joined)]
        merges += 1
    assert merges <= len(found)


def test_metadata_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.storage.compaction.COMPACTED_BYTES", 4000)
    with opened(tmp_path, SMALL) as store:
        for number in range(8):
            store.append([batch_of([entry("", NOON + number, metadata={"trace": "x" * 900})])])
            store.flush()
        while store.compact():
            pass
        assert [segment.facts.rows for segment in store.view.segments] == [4, 4]


def test_a_merged_segment_never_has_a_name_it_replaces(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    day = NOON // DAY_NS
    first = segment_name(day, 1, 2, 0)
    assert free_name(folder, day, 1, 2) == first
    assert free_name(folder, day, 1, 2, (first,)) == segment_name(day, 1, 2, 1)


# -- what goes wrong --------------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """Stand for the end of the process."""


def kill(*_: object, **__: object) -> None:
    """End the process."""
    raise KilledError


def before_the_rename(store: Store, patch: pytest.MonkeyPatch) -> None:
    """Be killed with the merged segment unfinished."""
    patch.setattr("logpulse.storage.segment_writer.publish", kill)
    patch.setattr(Path, "unlink", kill)


def before_the_catalog(store: Store, patch: pytest.MonkeyPatch) -> None:
    """Be killed with the merged segment in its place and the catalog not told."""
    patch.setattr(store._catalog, "replace", kill)


def before_the_deletion(store: Store, patch: pytest.MonkeyPatch) -> None:
    """Be killed with the merged segment known and the files it replaces still there."""
    patch.setattr(store._current, "doom", kill)


@pytest.mark.parametrize("at", [before_the_rename, before_the_catalog, before_the_deletion])
@pytest.mark.parametrize("lose_the_catalog", [False, True], ids=["", "and the catalog is lost"])
def test_a_kill_anywhere_loses_nothing_and_stores_nothing_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: Callable[[Store, pytest.MonkeyPatch], None],
    lose_the_catalog: bool,
) -> None:
    with opened(tmp_path, SMALL) as store:
        everything = fill(store)
        with monkeypatch.context() as patch:
            at(store, patch)
            with pytest.raises(KilledError):
                store.compact()
    on_disk = len(list((tmp_path / "segments").rglob("*.parquet")))
    assert on_disk == (COMPACTION_FANIN if at is before_the_rename else COMPACTION_FANIN + 1)
    if lose_the_catalog:
        (tmp_path / "catalog.sqlite").unlink()
    for _ in range(2):
        with opened(tmp_path, SMALL) as store:
            assert stored(store) == dict.fromkeys(everything, 1)
            assert not problem_codes(store)
            assert store.folder.segment_names() == [segment.name for segment in store.view.segments]
            assert len(store.view.segments) == (COMPACTION_FANIN if at is before_the_rename else 1)
            assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("call", ["fsync", "rename"])
@pytest.mark.parametrize("nth", range(3))
def test_a_disk_that_refuses_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    with opened(tmp_path, SMALL) as store:
        everything = fill(store)
        before = store.view.segments
        count = itertools.count()
        real = getattr(os, call)

        def full(*arguments: object, **options: object) -> object:
            if next(count) >= nth:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            if (call == "rename" and nth) or (call == "fsync" and nth == 2):
                assert store.compact() is not None
            else:
                with pytest.raises(OSError, match="No space"):
                    store.compact()
                assert store.view.segments == before
        assert stored(store) == dict.fromkeys(everything, 1)
        assert store.folder.segment_names() == [segment.name for segment in store.view.segments]
        assert not list(tmp_path.rglob("*.tmp"))


def test_a_catalog_that_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "database or disk is full")

    with opened(tmp_path, SMALL) as store:
        everything = fill(store)
        before = store.view.segments
        with monkeypatch.context() as patch:
            patch.setattr(store._catalog, "replace", full)
            with pytest.raises(OSError, match="full"):
                store.compact()
        assert store.view.segments == before
        assert store.folder.segment_names() == [segment.name for segment in before]
        assert store.compact() is not None
        assert stored(store) == dict.fromkeys(everything, 1)


def test_the_reserve_of_the_disk_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, attrs.evolve(SMALL, disk_reserve_bytes=1000)) as store:
        fill(store)
        needed = 1000 + sum(segment.file_bytes for segment in store.view.segments)
        free = [needed - 1]
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free[0], f_blocks=free[0], f_frsize=1))
        assert store.compact() is None
        free[0] = needed
        assert store.compact() is not None


def test_a_merge_that_is_told_to_stop_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as store:
        everything = fill(store)
        before = store.view.segments
        asked = itertools.count()
        assert store.compact(lambda: next(asked) == 2) is None
        assert next(asked) == 3, "it is asked before each chunk, and ends at once"
        assert store.view.segments == before
        assert store.folder.segment_names() == [segment.name for segment in before]
        assert not list(tmp_path.rglob("*.tmp"))
        assert store.compact() is not None
        assert stored(store) == dict.fromkeys(everything, 1)


def test_a_damaged_source_is_set_aside_and_the_rest_is_merged(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as store:
        everything = fill(store, COMPACTION_FANIN + 1)
        segment = store.view.segments[2]
        lost = {each for each in everything if each.line.startswith("2 ")}
        segment.path.write_bytes(segment.path.read_bytes()[:-100])
        assert store.compact() is None
        assert problem_codes(store) == ["segment_damaged"]
        assert store.compact() is not None
        assert stored(store) == dict.fromkeys(everything - lost, 1)


def test_the_stream_table_of_a_merged_segment_is_that_of_its_entries(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as store:
        fill(store)
        merged = store.compact()
        assert merged is not None
        assert merged.streams.agrees_with(merged.facts)
        assert isinstance(merged.streams, StreamTable)
        starts = merged.streams.first_rows.tolist()
        assert [rows(merged)[start][0] for start in starts] == merged.streams.ids.tolist()
