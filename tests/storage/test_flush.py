"""Flushing: segments are sorted, whole, readable by anyone, and replace the memory they come from in one step."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.batch import text_bytes
from logpulse.limits import DAY_NS
from logpulse.model.labels import Labels
from logpulse.storage.catalog import Catalog
from logpulse.storage.filenames import DataFolder
from logpulse.storage.problems import Problems
from logpulse.storage.recovery import open_catalog
from logpulse.storage.store import Store

from ..strategies import NOON, LogEntry, batch_of, entry, entry_lists
from .opening import POLICY, opened, problem_codes, stored


@given(st.lists(entry_lists, min_size=1, max_size=4))
@settings(max_examples=25)
def test_segments_are_sorted_of_one_day_and_keep_commit_order(
    tmp_path_factory: pytest.TempPathFactory, pushes: list[list[LogEntry]]
) -> None:
    with opened(tmp_path_factory.mktemp("flush") / "data") as store:
        committed: dict[LogEntry, None] = {}
        for push in pushes:
            store.append([batch_of(push)])
            committed.update(dict.fromkeys(push))
        flushed = store.flush()
        assert flushed is not None
        assert flushed.rows == len(committed)
        assert not store.view.batches
        for segment in flushed.segments:
            table = pq.read_table(segment.path)
            rows = [
                LogEntry(Labels.from_text(row["labels"]), row["timestamp"], row["line"], row["metadata"])
                for row in table.to_pylist()
            ]
            of_the_day = [each for each in committed if each.timestamp // DAY_NS == segment.facts.day]
            assert rows == sorted(of_the_day, key=lambda each: (each.labels.id, each.timestamp))
            assert [each.labels.id for each in rows] == table.column("stream").to_pylist()
            times = [each.timestamp for each in rows]
            facts = segment.facts
            assert (facts.rows, facts.oldest, facts.newest) == (len(rows), min(times), max(times))
            assert facts.text_bytes == sum(len(each.line.encode()) for each in rows)
            assert (facts.first_sequence, facts.last_sequence) == (1, store.view.sequence)
        assert len({segment.facts.day for segment in flushed.segments}) == len(flushed.segments)


def test_chunks_hold_about_the_wanted_text(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(POLICY, chunk_bytes=1000)) as store:
        lines = [entry("x" * 90 + f"{number:010}", NOON + number) for number in range(95)]
        store.append([batch_of([*lines, entry("y" * 5000, NOON + 1000), entry("", NOON + 1001)])])
        flushed = store.flush()
        assert flushed is not None
        (segment,) = flushed.segments
        with pq.ParquetFile(segment.path) as file:
            sizes = [text_bytes(file.read_row_group(number)) for number in range(file.num_row_groups)]
            assert file.metadata.row_group(0).column(2).compression == "ZSTD"
            starts = [0]
            for number in range(file.num_row_groups - 1):
                starts.append(starts[-1] + file.metadata.row_group(number).num_rows)
    assert sum(sizes) == segment.facts.text_bytes
    assert sizes[:10] == [800] * 10, "eight lines of 100 bytes, as nine would take more than 1000 with 24 each"
    assert max(sizes) == 5000, "a longer line is a chunk of its own"
    assert segment.facts.chunks == len(sizes)
    assert segment.streams.chunk_rows.tolist() == starts


def test_metadata_fills_chunks_as_lines_do(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(POLICY, chunk_bytes=1000)) as store:
        heavy = [entry("", NOON + number, metadata={"trace": f"{number:0500}"}) for number in range(10)]
        empty = [entry("", NOON + number) for number in range(10, 210)]
        store.append([batch_of([*heavy, *empty])])
        flushed = store.flush()
        assert flushed is not None
        (segment,) = flushed.segments
        assert np.diff([*segment.streams.chunk_rows.tolist(), 210]).max() <= 1000 // 24
        assert segment.streams.chunk_rows.tolist()[:10] == list(range(10))
        assert segment.facts.text_bytes == 0
        assert segment.facts.entry_bytes == 10 * (24 + len('{"trace":""}') + 500) + 200 * 24


def test_the_chunks_of_a_stream_are_found_by_number(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(POLICY, chunk_bytes=200)) as store:
        streams = [Labels.of({"service": f"s{number}"}) for number in range(5)]
        store.append(
            [batch_of([LogEntry(each, NOON + number, "z" * 30) for each in streams for number in range(1, 12)])]
        )
        flushed = store.flush()
        assert flushed is not None
        (segment,) = flushed.segments
        for each in streams:
            ids = segment.streams.ids[segment.streams.ids == each.id]
            with pq.ParquetFile(segment.path) as file:
                holding = [
                    number
                    for number in range(file.num_row_groups)
                    if each.id in file.read_row_group(number, columns=["stream"]).column(0).to_pylist()
                ]
            assert segment.chunk_numbers(ids).tolist() == holding
            assert segment.text_of(ids) == (11, 330)


def test_anyone_can_read_a_segment_with_its_labels(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("one", service="api", env="ü"), entry("two", metadata={"trace": "7"}, job="x")])])
        flushed = store.flush()
        assert flushed is not None
        table = pq.read_table(flushed.segments[0].path)
    assert table.schema.names == ["stream", "timestamp", "line", "metadata", "labels"]
    by_line = {row["line"]: row for row in table.to_pylist()}
    assert json.loads(by_line["one"]["labels"]) == {"env": "ü", "service": "api"}
    assert by_line["one"]["metadata"] is None
    assert json.loads(by_line["two"]["metadata"]) == {"trace": "7"}


@given(st.lists(entry_lists, min_size=1, max_size=3))
@settings(max_examples=15)
def test_the_footers_rebuild_the_catalog(
    tmp_path_factory: pytest.TempPathFactory, pushes: list[list[LogEntry]]
) -> None:
    root = tmp_path_factory.mktemp("footer") / "data"
    with opened(root) as store:
        for push in pushes:
            store.append([batch_of(push)])
            store.flush()
        folder = store.folder
    with_catalog = Catalog(folder.catalog)
    told = with_catalog.read(folder)
    with_catalog.close()
    folder.catalog.unlink()
    rebuilt = open_catalog(folder, Problems(folder))
    rebuilt.catalog.close()
    assert {each.id: each for each in rebuilt.contents.streams} == {each.id: each for each in told.streams}
    assert len(rebuilt.contents.segments) == len(told.segments)
    for ours, theirs in zip(rebuilt.contents.segments, told.segments, strict=True):
        assert (ours.name, ours.path, ours.file_bytes, ours.facts) == (
            theirs.name,
            theirs.path,
            theirs.file_bytes,
            theirs.facts,
        )
        for column in ("ids", "first_rows", "newest", "text_bytes", "chunk_rows"):
            assert getattr(ours.streams, column).tolist() == getattr(theirs.streams, column).tolist()


def test_a_view_taken_before_a_flush_does_not_change(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("before")])])
        with store.reading() as view:
            content = stored(store, view)
            store.append([batch_of([entry("later", NOON + 1)])])
            store.flush()
            assert stored(store, view) == content
            assert (len(view.segments), len(view.batches), view.sequence) == (0, 1, 1)
        assert (len(store.view.segments), len(store.view.batches), store.view.sequence) == (1, 0, 2)


# -- a disk that refuses ----------------------------------------------------------------------------------------------


def refuse(name: str, nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the n-th call (from 0) of a function of the operating system fail as on a full disk, and all after it."""
    real: Callable[..., object] = getattr(os, name)
    count = 0

    def call(*arguments: object, **options: object) -> object:
        nonlocal count
        count += 1
        if count > nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, call)


def assert_nothing_happened(store: Store, before: set[Path]) -> None:
    """Check that a failed flush left neither files nor gaps."""
    assert set(store.folder.root.rglob("*.parquet*")) == before
    assert {each.line for each in stored(store)} == {"old", "today", "yesterday"}


@pytest.mark.parametrize("call", ["fsync", "rename", "open"])
@pytest.mark.parametrize("nth", range(4))
def test_a_flush_that_fails_at_any_call_keeps_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("old", NOON - 9)])])
        store.flush()
        before = set(store.folder.root.rglob("*.parquet*"))
        store.append([batch_of([entry("today"), entry("yesterday", NOON - DAY_NS)])])
        failed = False
        with monkeypatch.context() as patch:
            refuse(call, nth, patch)
            try:
                store.flush()
            except OSError:
                failed = True
        if failed:
            assert_nothing_happened(store, before)
        assert failed or (call, nth) in {("rename", 2), ("rename", 3)}
        store.append([batch_of([entry("after", NOON + 1)])])
        store.flush()
    with opened(tmp_path) as store:
        assert stored(store) == dict.fromkeys(stored(store), 1)
        assert {each.line for each in stored(store)} == {"old", "today", "yesterday", "after"}
        assert not problem_codes(store)


def test_a_flush_whose_catalog_refuses_is_not_found_twice_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("once"), entry("and once", NOON - DAY_NS)])])
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise OSError(errno.ENOSPC, "database or disk is full")

            patch.setattr(store._catalog, "add", full)
            with pytest.raises(OSError, match="full"):
                store.flush()
        assert store.folder.segment_names() == []
        assert store.flush() is not None
    with opened(tmp_path) as store:
        assert sorted(stored(store).values()) == [1, 1]


def test_a_kill_between_segment_and_catalog_stores_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """Stand for the end of the process."""

    def kill(*_: object) -> None:
        raise KilledError

    with opened(tmp_path) as store:
        store.append([batch_of([entry("a"), entry("b", NOON - DAY_NS)])])
        with monkeypatch.context() as patch:
            patch.setattr(store._catalog, "add", kill)
            with pytest.raises(KilledError):
                store.flush()
        assert len(store.folder.segment_names()) == 2
    with opened(tmp_path) as store:
        assert sorted(stored(store).values()) == [1, 1]
        assert not store.view.batches, "the WAL holds nothing that the adopted segments do not"
        store.append([batch_of([entry("c", NOON + 1)])])
        store.flush()
        assert store.wal_bytes() == 0
        assert DataFolder(tmp_path).segment_names() == [segment.name for segment in store.view.segments]
    with opened(tmp_path) as store:
        assert sorted(stored(store).values()) == [1, 1, 1]
