"""The same entry is stored once, wherever its first copy is; whatever differs in anything is another entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.batch import strictly_ordered
from logpulse.storage.newest import NewestTimes
from logpulse.storage.store import Store

from ..strategies import NOON, LogEntry, batch_of, entries_of, entry, entry_lists
from .opening import opened, problem_codes, stored

FIRST = entry("first", NOON, metadata={"trace": "1"})
OTHERS = [
    entry("another line", NOON, metadata={"trace": "1"}),
    entry("first", NOON + 1, metadata={"trace": "1"}),
    entry("first", NOON - 1, metadata={"trace": "1"}),
    entry("first", NOON, metadata={"trace": "2"}),
    entry("first", NOON),
    entry("first", NOON, metadata={"trace": "1"}, service="other"),
]

Between = Callable[[Store], None]


def do_nothing(_: Store) -> None:
    """Leave the first copy in the head."""


def flush(store: Store) -> None:
    """Move the first copy into a segment."""
    store.flush()


def flush_something_newer(store: Store) -> None:
    """Move it into a segment, and have newer entries in memory."""
    store.flush()
    store.append([batch_of([entry("newer", NOON + 1000)])])


@pytest.mark.parametrize("between", [do_nothing, flush, flush_something_newer])
@pytest.mark.parametrize("restart", [False, True], ids=["same process", "after a restart"])
def test_the_same_entry_is_stored_once(tmp_path: Path, between: Between, restart: bool) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([FIRST])])
        between(store)
        if not restart:
            assert store.append([batch_of([FIRST])]) is None
            assert stored(store)[FIRST] == 1
    with opened(tmp_path) as store:
        assert store.append([batch_of([FIRST, *OTHERS])]) is not None
        assert store.append([batch_of([*OTHERS, FIRST])]) is None
        content = stored(store)
        assert {each: content[each] for each in [FIRST, *OTHERS]} == dict.fromkeys([FIRST, *OTHERS], 1)


@given(entry_lists)
def test_duplicates_within_one_group_are_dropped(
    tmp_path_factory: pytest.TempPathFactory, pushed: list[LogEntry]
) -> None:
    with opened(tmp_path_factory.mktemp("duplicates")) as store:
        commit = store.append([batch_of(pushed), batch_of(pushed)])
        assert commit is not None
        assert entries_of([commit.batch]) == list(dict.fromkeys(pushed)), "the first copy stays where it stood"
        assert commit.duplicates == 2 * len(pushed) - len(set(pushed))
        assert stored(store) == Counter(set(pushed))


def test_a_duplicate_beside_new_entries_is_counted_and_the_rest_is_stored(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([FIRST])])
        commit = store.append([batch_of([FIRST, OTHERS[0]]), batch_of([FIRST])])
        assert commit is not None
        assert (commit.duplicates, entries_of([commit.batch])) == (2, [OTHERS[0]])
        assert list(commit.batch.streams.values()) == [OTHERS[0].labels]


def test_a_damaged_segment_in_the_way_of_the_search_is_set_aside(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([FIRST])])
        store.flush()
        store.append([batch_of([entry("whole", NOON + 5)])])
        store.flush()
        damaged, whole = store.view.segments
        damaged.path.write_bytes(damaged.path.read_bytes()[:100])
        assert store.append([batch_of([FIRST])]) is not None
        assert stored(store) == Counter([FIRST, entry("whole", NOON + 5)])
        assert problem_codes(store) == ["segment_damaged"]
        assert store.view.segments == (whole,)
        assert [path.name for path in store.folder.quarantine.iterdir()] == [damaged.path.name]


@given(st.lists(entry_lists, max_size=4))
def test_only_candidates_can_be_duplicates(pushes: list[list[LogEntry]]) -> None:
    newest = NewestTimes()
    seen: set[LogEntry] = set()
    for push in pushes:
        batch = batch_of(push)
        late, flushed = newest.candidates(batch)
        assert not (flushed & ~late).any()
        for number, each in enumerate(push):
            if each in seen or push.count(each) > 1:
                assert late[number]
        newest.note_seen(batch)
        seen.update(push)


@given(entry_lists)
def test_in_order_traffic_is_recognised(pushed: list[LogEntry]) -> None:
    runs = [each.labels for number, each in enumerate(pushed) if not number or pushed[number - 1].labels != each.labels]
    rising = all(left.labels != right.labels or left.timestamp < right.timestamp for left, right in pairwise(pushed))
    assert strictly_ordered(batch_of(pushed).entries) == (rising and len(set(runs)) == len(runs))
