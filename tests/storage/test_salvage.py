"""Damaged segments: what is whole is served on, what is not is kept as evidence, and both survive a kill."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import attrs
import pyarrow.parquet as pq
import pytest

from logpulse.errors import StorageError
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import is_sound
from logpulse.storage.store import Store

from ..strategies import NOON, LogEntry, batch_of, entry
from .opening import POLICY, opened, problem_codes, stored

SMALL = attrs.evolve(POLICY, chunk_bytes=600)
ENTRIES = [entry(f"line {number} ".ljust(100, "x"), NOON + number, service=f"s{number // 10}") for number in range(40)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store with one segment of several chunks."""
    with opened(tmp_path / "data", SMALL) as store:
        store.append([batch_of(ENTRIES)])
        store.flush()
        yield store


def damage(segment: Segment, chunk: int) -> set[LogEntry]:
    """Flip a bit among the lines of a chunk; give the entries of that chunk."""
    with pq.ParquetFile(segment.path) as file:
        lines = file.metadata.row_group(chunk).column(2)
    data = bytearray(segment.path.read_bytes())
    data[lines.data_page_offset + lines.total_compressed_size - 3] ^= 0x10
    segment.path.write_bytes(data)
    first, end = segment.chunk_span(chunk)
    return set(sorted(ENTRIES, key=lambda each: (each.labels.id, each.timestamp))[first:end])


def evidence(store: Store) -> list[bytes]:
    """Read what is in quarantine."""
    return [path.read_bytes() for path in sorted(store.folder.quarantine.iterdir())]


def test_a_wrong_bit_costs_its_chunk_alone(store: Store) -> None:
    (segment,) = store.view.segments
    lost = damage(segment, 3)
    data = segment.path.read_bytes()
    store.set_aside(segment, "of the test")
    assert set(stored(store)) == set(ENTRIES) - lost
    assert evidence(store) == [data]
    assert not segment.path.exists()
    assert problem_codes(store) == ["segment_damaged"]
    assert f"{len(ENTRIES) - len(lost)} of its 40 entries were saved" in store.problems.listed()[0].detail
    (saved,) = store.view.segments
    assert is_sound(saved)
    assert store.folder.segment_names() == [saved.name]
    store.set_aside(segment, "again")
    assert problem_codes(store) == ["segment_damaged"], "it is done already"


def test_it_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as store:
        store.append([batch_of(ENTRIES)])
        store.flush()
        (segment,) = store.view.segments
        lost = damage(segment, 1)
        store.set_aside(segment, "of the test")
    for _ in range(2):
        with opened(tmp_path, SMALL) as store:
            assert set(stored(store)) == set(ENTRIES) - lost
            assert problem_codes(store) == []
    (tmp_path / "catalog.sqlite").unlink()
    with opened(tmp_path, SMALL) as store:
        assert set(stored(store)) == set(ENTRIES) - lost


def test_a_push_that_meets_damage_saves_the_rest_and_is_compared_with_it(store: Store) -> None:
    (segment,) = store.view.segments
    lost = damage(segment, 2)
    commit = store.append([batch_of(ENTRIES)])
    assert commit is not None
    assert commit.batch.rows == len(lost), "only what is lost is new"
    assert stored(store) == dict.fromkeys(ENTRIES, 1)
    assert problem_codes(store) == ["segment_damaged"]
    store.flush()
    assert stored(store) == dict.fromkeys(ENTRIES, 1)


def test_a_damaged_segment_met_by_a_push_is_not_missing_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path, SMALL) as store:
        store.append([batch_of(ENTRIES)])
        store.flush()
        store.view.segments[0].path.write_bytes(b"nothing is left of it")
        assert store.append([batch_of(ENTRIES)]) is not None
        assert problem_codes(store) == ["segment_damaged"]
        assert store.view.segments == ()
    with opened(tmp_path, SMALL) as store:
        assert problem_codes(store) == []
        assert stored(store) == dict.fromkeys(ENTRIES, 1)


def test_readers_keep_the_damaged_file_until_they_have_gone(store: Store) -> None:
    (segment,) = store.view.segments
    damage(segment, 0)
    with store.reading():
        store.set_aside(segment, "of the test")
        assert segment.path.exists()
    assert not segment.path.exists()


def test_a_full_disk_saves_nothing_and_keeps_the_evidence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (segment,) = store.view.segments
    damage(segment, 0)
    data = segment.path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("logpulse.storage.segment_writer.publish", full)
        patch.setattr(store._catalog, "replace", full)
        store.set_aside(segment, "of the test")
    assert store.view.segments == ()
    assert evidence(store) == [data]
    assert "No space left" in store.problems.listed()[0].detail


def test_a_disk_without_hard_links_moves_the_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (segment,) = store.view.segments
    lost = damage(segment, 0)
    data = segment.path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store.set_aside(segment, "of the test")
    assert evidence(store) == [data]
    assert set(stored(store)) == set(ENTRIES) - lost


def test_a_lack_of_descriptors_sets_nothing_aside(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    (segment,) = store.view.segments

    def lacking(*_: object) -> None:
        raise StorageError(segment.path, "Too many open files")

    monkeypatch.setattr("logpulse.storage.salvage.read_chunk", lacking)
    with pytest.raises(StorageError, match="Too many"):
        store.set_aside(segment, "of the test")
    assert store.view.segments == (segment,)
    assert set(stored(store)) == set(ENTRIES)
    assert problem_codes(store) == []


class KilledError(BaseException):
    """Stand for the end of the process."""


@pytest.mark.parametrize("call", ["salvage", "replace", "exchange"])
def test_a_kill_on_the_way_loses_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def kill(*_: object) -> None:
        raise KilledError

    with opened(tmp_path, SMALL) as store:
        store.append([batch_of(ENTRIES)])
        store.flush()
        (segment,) = store.view.segments
        lost = damage(segment, 3)
        data = segment.path.read_bytes()
        with monkeypatch.context() as patch:
            if call == "salvage":
                patch.setattr("logpulse.storage.store.salvage", kill)
            else:
                patch.setattr(store._catalog if call == "replace" else store._current, call, kill)
            with pytest.raises(KilledError):
                store.set_aside(segment, "of the test")
    with opened(tmp_path, SMALL) as store:
        assert evidence(store) == [data]
        if call == "salvage":
            assert [each.name for each in store.view.segments] == [segment.name]
            store.set_aside(store.view.segments[0], "found again")
        assert stored(store) == dict.fromkeys(set(ENTRIES) - lost, 1)
