"""A subscriber: one live tail's filter and its bounded queue, filled by the broadcaster and emptied by the tail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
import numpy as np
import pyarrow as pa
import trio

from logpulse.batch import Batch, stream_column
from logpulse.errors import LimitExceededError
from logpulse.limits import (
    BLOCKED_SECONDS,
    FRAME_ENTRIES,
    HISTORY_BUFFER_ENTRIES,
    SUBSCRIBER_BYTES,
    SUBSCRIBER_FRAMES,
    UNCONFIRMED_FILTERS,
)
from logpulse.logql.ast import LogQuery
from logpulse.model.labels import Labels
from logpulse.query.logs import make_entry
from logpulse.query.planner import line_tests
from logpulse.query.result import Entry
from logpulse.storage.store import Commit


class TailFilter:
    """Decide which entries a tail shows: yes or no for each stream, remembered, then the exact pipeline."""

    def __init__(self, query: LogQuery) -> None:
        """Compile `query`.

        Raises:
            UnsupportedQueryError: the pipeline has a stage this version does not run.
        """
        self.query = query
        self._tests = line_tests(query)
        self._matches = [(matcher.name, matcher.predicate()) for matcher in query.selector.matchers]
        self._streams: dict[int, bool] = {}

    def entries(self, batch: Batch) -> list[Entry]:
        """Give the matching entries of a committed batch in commit order."""
        wanted = [stream for stream, labels in batch.streams.items() if self._wants(stream, labels)]
        if not wanted:
            return []
        rows = batch.entries
        if len(wanted) < len(batch.streams):
            rows = rows.filter(pa.array(np.isin(stream_column(rows), np.array(wanted, dtype=np.int64))))
        columns = (rows.column(number).to_pylist() for number in range(4))
        return [
            make_entry(stream, timestamp, line, metadata, batch.streams[stream])
            for stream, timestamp, line, metadata in zip(*columns, strict=True)
            if all(test(line) for test in self._tests)
        ]

    def _wants(self, stream: int, labels: Labels) -> bool:
        known = self._streams.get(stream)
        if known is None:
            known = all(matches(labels.get(name)) for name, matches in self._matches)
            self._streams[stream] = known
        return known


@attrs.frozen
class Entries:
    """Hold entries of one commit that match."""

    sequence: int
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """About the bytes of their text."""
        return sum(len(entry.line) for entry in self.entries)


@attrs.frozen
class Dropped:
    """Tell how many entries a tail has lost here; times are unix nanoseconds of the oldest and newest of them."""

    count: int
    oldest: int
    newest: int

    def joined(self, other: Dropped) -> Dropped:
        """Add up two losses."""
        return Dropped(self.count + other.count, min(self.oldest, other.oldest), max(self.newest, other.newest))


@attrs.frozen
class Notice:
    """Hold a frame for the client that is no entry, such as the confirmation of a filter."""

    frame: bytes


TailItem = Entries | Dropped | Notice


@attrs.frozen
class QueueBound:
    """Bound a subscriber's queue; the item that passes the bound in entries or bytes is the last one in."""

    frames: int
    entries: int
    size: int


LIVE: Final = QueueBound(SUBSCRIBER_FRAMES, SUBSCRIBER_FRAMES * FRAME_ENTRIES, SUBSCRIBER_BYTES)
HISTORY: Final = QueueBound(HISTORY_BUFFER_ENTRIES, HISTORY_BUFFER_ENTRIES, 4 * SUBSCRIBER_BYTES)


class Subscriber:
    """Queue what matches for one tail. On overflow the newest entries are lost, counted and reported in place."""

    def __init__(
        self, tail_filter: TailFilter, on_dropped: Callable[[int], None], clock: Callable[[], float] = trio.current_time
    ) -> None:
        self._filter = tail_filter
        self._on_dropped = on_dropped
        self._clock = clock
        self._items: deque[TailItem] = deque()
        self._notices: deque[Notice] = deque()
        self._frames = 0
        self._entries = 0
        self._size = 0
        self._unconfirmed = 0
        self._bound = LIVE
        self._lost: Dropped | None = None
        self._full_since: float | None = None
        self._filled = trio.Event()
        self._paused = False

    # -- the broadcaster's side; never blocks -------------------------------------------------------------------------

    def offer(self, commit: Commit) -> None:
        """Queue the matching entries of a commit."""
        found = self._filter.entries(commit.batch)
        for start in range(0, len(found), FRAME_ENTRIES):
            self._add(Entries(commit.sequence, tuple(found[start : start + FRAME_ENTRIES])))

    def report_loss(self, lost: Dropped) -> None:
        """Note entries that never reached this subscriber."""
        self._lost = lost if self._lost is None else self._lost.joined(lost)
        self._on_dropped(lost.count)
        self._filled.set()

    def _add(self, item: Entries) -> None:
        if self._is_full:
            times = [entry.timestamp for entry in item.entries]
            self.report_loss(Dropped(len(item.entries), min(times), max(times)))
            if self._full_since is None:
                self._full_since = self._clock()
            return
        self._full_since = None
        if self._lost is not None:
            self._items.append(self._lost)
            self._lost = None
        self._items.append(item)
        self._frames += 1
        self._entries += len(item.entries)
        self._size += item.size
        self._filled.set()

    @property
    def _is_full(self) -> bool:
        bound = self._bound
        return self._frames >= bound.frames or self._entries >= bound.entries or self._size >= bound.size

    # -- the tail's side ----------------------------------------------------------------------------------------------

    def change_filter(self, tail_filter: TailFilter, confirmation: Notice) -> None:
        """Use another filter from here on, and queue `confirmation` exactly between the old entries and the new.

        Raises:
            LimitExceededError: too many confirmations wait for the tail to read on; the filter stays.
        """
        if self._unconfirmed >= UNCONFIRMED_FILTERS:
            raise LimitExceededError("unconfirmed filters", UNCONFIRMED_FILTERS, self._unconfirmed + 1)
        self._unconfirmed += 1
        self._filter = tail_filter
        if self._lost is not None:
            self._items.append(self._lost)
            self._lost = None
        self._items.append(confirmation)
        self._filled.set()

    def notify(self, notice: Notice) -> None:
        """Give `notice` out before everything else, even when paused."""
        self._notices.append(notice)
        self._filled.set()

    def hold_history(self) -> None:
        """Queue more than usual until the queue has been empty once: history is being sent first."""
        self._bound = HISTORY

    def pause(self) -> None:
        """Give nothing out until resumed; what does not fit meanwhile is lost and reported."""
        self._paused = True

    def resume(self) -> None:
        """Give out again."""
        self._paused = False
        self._full_since = None  # a pause is no slowness
        self._filled.set()

    @property
    def is_too_slow(self) -> bool:
        """Whether the queue has been full for so long that the tail should end."""
        if self._paused or self._full_since is None:
            return False
        return self._clock() - self._full_since > BLOCKED_SECONDS

    async def receive(self) -> TailItem:
        """Give the next item. Cancelled, it loses nothing."""
        while True:
            if self._notices:
                return self._notices.popleft()
            if not self._paused:
                if self._items:
                    return self._take()
                self._bound = LIVE
                if self._lost is not None:
                    lost, self._lost = self._lost, None
                    return lost
            self._filled = trio.Event()
            await self._filled.wait()

    def next_entries(self) -> Entries | None:
        """Give the next item if it stands ready and holds entries."""
        if self._paused or self._notices or not self._items or not isinstance(self._items[0], Entries):
            return None
        item = self._take()
        assert isinstance(item, Entries)
        return item

    def _take(self) -> TailItem:
        item = self._items.popleft()
        if isinstance(item, Entries):
            self._full_since = None
            self._frames -= 1
            self._entries -= len(item.entries)
            self._size -= item.size
        elif isinstance(item, Notice):
            self._unconfirmed -= 1
        return item
