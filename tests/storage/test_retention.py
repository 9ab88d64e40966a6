"""Retention: what is too old goes as a whole file, a doubtful clock deletes nothing, and no reader is cut off."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from logpulse.limits import DAY_NS, SECOND_NS
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.storage.segment import Segment
from logpulse.storage.store import Store

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, Clock, opened, problem_codes, stored

WEEK = attrs.evolve(POLICY, retention_days=7)


def lines(store: Store) -> list[str]:
    """List what is stored."""
    return sorted(each.line for each in stored(store))


def fill(store: Store) -> None:
    """Store something of today and something of four weeks ago, in two segments, and flush."""
    store.append([batch_of([entry("of today", service="api"), entry("old", NOON - 28 * DAY_NS, service="archive")])])
    store.flush()


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (7 * DAY_NS, ["of today", "old"]),
        (7 * DAY_NS + SECOND_NS, []),
    ],
    ids=["at its age", "a second beyond"],
)
def test_age_counts_from_the_later_of_time_and_arrival(tmp_path: Path, age: int, kept: list[str]) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        clock.run(age)
        store.retain()
        assert lines(store) == kept


def test_an_entry_ahead_of_the_clock_lives_by_its_own_time(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        store.append([batch_of([entry("ahead", NOON + 600 * SECOND_NS)])])
        store.flush()
        clock.run(7 * DAY_NS + 300 * SECOND_NS)
        assert store.retain() == ()
        clock.run(301 * SECOND_NS)
        assert len(store.retain()) == 1


def test_zero_days_keep_everything(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, attrs.evolve(POLICY, retention_days=0), clock) as store:
        fill(store)
        clock.run(36_500 * DAY_NS)
        assert store.retain() == ()
        assert lines(store) == ["of today", "old"]


def test_what_is_not_flushed_is_never_deleted(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        store.append([batch_of([entry("in memory")])])
        clock.run(30 * DAY_NS)
        assert store.retain() == ()
        assert lines(store) == ["in memory"]


def test_streams_without_entries_are_forgotten_also_by_the_catalog(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        clock.run(6 * DAY_NS)
        store.append([batch_of([entry("fresh", clock.now, service="api")])])
        store.append([batch_of([entry("fresh too", clock.now, service="new")])])
        store.retain()
        clock.run(DAY_NS)
        store.retain()
        clock.run(DAY_NS)
        assert len(store.retain()) == 2
        assert lines(store) == ["fresh", "fresh too"]
        everything = store.index.select([])
        assert store.index.values("service", everything) == ["api", "new"]
        archive = Matcher("service", MatchOperator.EQUAL, "archive")
        assert not len(store.index.select([archive]))
        store.flush()
        assert store.append([batch_of([entry("back", clock.now, service="archive")])]) is not None
        assert len(store.index.select([archive])) == 1
    with opened(tmp_path, WEEK, clock) as store:
        assert store.index.values("service", store.index.select([])) == ["api", "archive", "new"]


def test_a_reader_keeps_its_segments_until_it_has_gone(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        paths = [segment.path for segment in store.view.segments]
        with store.reading() as early:
            content = stored(store, early)
            clock.run(8 * DAY_NS)
            assert len(store.retain()) == 2
            with store.reading() as late:
                assert not late.segments
            assert all(path.exists() for path in paths), "the early reader may still open them"
            assert stored(store, early) == content
            assert [early.index.labels(stream).text for stream in early.all_streams().tolist()], "with their labels"
        assert not any(path.exists() for path in paths)
        assert not problem_codes(store)


def test_two_readers_of_different_age_hold_different_segments(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        store.append([batch_of([entry("a")])])
        store.flush()
        clock.run(DAY_NS)
        store.append([batch_of([entry("b", clock.now)])])
        store.flush()
        first, second = (segment.path for segment in store.view.segments)
        clock.run(6 * DAY_NS + SECOND_NS)
        with store.reading() as both:
            assert [segment.path for segment in store.retain()] == [first]
            with store.reading() as one:
                clock.run(DAY_NS)
                assert [segment.path for segment in store.retain()] == [second]
                assert (len(both.segments), len(one.segments)) == (2, 1)
                assert first.exists()
                assert second.exists()
        assert not first.exists()
        assert not second.exists()


# -- a disk that refuses ----------------------------------------------------------------------------------------------


def test_a_full_disk_gets_room_by_retention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        paths = [segment.path for segment in store.view.segments]
        clock.run(8 * DAY_NS)
        replace = store._catalog.replace

        def full_until_a_file_goes(*arguments: Sequence[Segment]) -> None:
            if all(path.exists() for path in paths):
                raise OSError(errno.ENOSPC, "database or disk is full")
            replace(*arguments)

        monkeypatch.setattr(store._catalog, "replace", full_until_a_file_goes)
        assert len(store.retain()) == 2
        assert not any(path.exists() for path in paths)
        assert lines(store) == []
    with opened(tmp_path, WEEK, clock) as store:
        assert problem_codes(store) == []


def test_a_catalog_that_cannot_be_written_is_told_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "database or disk is full")

    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        clock.run(8 * DAY_NS)
        with monkeypatch.context() as patch:
            for call in ("replace", "keep_streams", "note_clock"):
                patch.setattr(store._catalog, call, full)
            assert len(store.retain()) == 2
        assert lines(store) == []
        assert store.folder.segment_names() == []
        assert store.retain() == ()
    with opened(tmp_path, WEEK, clock) as store:
        assert problem_codes(store) == []


def test_a_file_that_cannot_be_deleted_is_deleted_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with opened(tmp_path, WEEK, clock) as store:
        fill(store)
        clock.run(8 * DAY_NS)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            assert len(store.retain()) == 2
            with store.reading():
                pass
        assert len(store.folder.segment_names()) == 2
        with store.reading():
            pass
        assert store.folder.segment_names() == []


def test_streams_that_went_leave_nothing_behind(tmp_path: Path) -> None:
    clock = Clock()
    with opened(tmp_path, WEEK, clock) as store:
        for number in range(5):
            store.append([batch_of([entry("x", clock.now, service=f"s{number}")])])
            store.flush()
            store.retain()
            clock.run(8 * DAY_NS)
        store.retain()
        assert len(store.index) == 0
        assert len(store._newest._ids) == 0
        assert store.append([batch_of([entry("x", service="s0")])]) is not None, "what went can come back"
        assert store.append([batch_of([entry("x", service="s0")])]) is None
