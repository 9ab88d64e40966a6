"""A subscriber: one live tail's filter and its bounded queue, filled by the broadcaster and emptied by the tail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from sys import getsizeof
from typing import Final

import attrs
import numpy as np
import pyarrow as pa
import trio

from logpulse.batch import Batch, entry_bytes, stream_column, timestamp_column
from logpulse.errors import LimitExceededError
from logpulse.limits import (
    BLOCKED_SECONDS,
    ENTRY_BYTES,
    FRAME_BYTES,
    FRAME_ENTRIES,
    HISTORY_BUFFER_ENTRIES,
    MATCH_ROWS,
    SUBSCRIBER_BYTES,
    SUBSCRIBER_FRAMES,
    SUBSCRIBERS_BYTES,
    TAIL_STREAMS,
    UNCONFIRMED_FILTERS,
)
from logpulse.logql.ast import LogQuery
from logpulse.logql.base import Bases
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.model.labels import Labels, StreamId
from logpulse.query.result import Entry
from logpulse.storage.store import Commit


class TailFilter:
    """Decide which entries a tail shows: yes or no for each stream, remembered, then the exact pipeline."""

    def __init__(self, query: LogQuery) -> None:
        """Compile `query`."""
        self.query = query
        self._pipeline = Pipeline(query.stages)
        self._bases = Bases()
        self._matches = [(matcher.name, matcher.predicate()) for matcher in query.selector.matchers]
        self._streams: dict[int, bool] = {}

    def parts(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Give the rows of the streams it shows in commit order, a frame's worth at a time."""
        wanted = [stream for stream, labels in batch.streams.items() if self._wants(stream, labels)]
        if not wanted:
            return
        streams = np.array(wanted, dtype=np.int64)
        for start in range(0, batch.rows, MATCH_ROWS):
            rows = batch.entries.slice(start, MATCH_ROWS)
            if len(wanted) < len(batch.streams):
                rows = rows.filter(pa.array(np.isin(stream_column(rows), streams)))
            yield from _frames(rows)

    def entries(self, part: pa.RecordBatch, streams: Mapping[StreamId, Labels]) -> list[Entry]:
        """Give the entries among these rows that the pipeline lets through."""
        columns = (part.column(number).to_pylist() for number in range(4))
        found = []
        for stream, timestamp, line, metadata in zip(*columns, strict=True):
            labels = streams[stream]
            record = Record(timestamp, line, self._bases.of(labels, metadata))
            if self._pipeline.run(record):
                found.append(Entry(stream, timestamp, line, metadata, labels, record))
        return found

    def loss(self, part: pa.RecordBatch, streams: Mapping[StreamId, Labels]) -> Dropped | None:
        """Count them only."""
        if self.query.stages:
            times = [entry.timestamp for entry in self.entries(part, streams)]
        else:
            times = timestamp_column(part).tolist()
        return Dropped(len(times), min(times), max(times)) if times else None

    def _wants(self, stream: StreamId, labels: Labels) -> bool:
        known = self._streams.get(stream)
        if known is None:
            known = all(matches(labels.get(name)) for name, matches in self._matches)
            if len(self._streams) >= TAIL_STREAMS:
                self._streams.clear()
            self._streams[stream] = known
        return known


def _frames(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    ends = np.cumsum(entry_bytes(rows))
    start, before = 0, 0
    while start < rows.num_rows:
        within = int(np.searchsorted(ends, before + FRAME_BYTES, side="right"))
        stop = max(start + 1, min(within, start + FRAME_ENTRIES))
        yield rows.slice(start, stop - start)
        start, before = stop, int(ends[stop - 1])


@attrs.frozen
class Entries:
    """Hold entries of one commit that match; `size` is about the bytes of memory they take."""

    sequence: int
    entries: tuple[Entry, ...]
    size: int

    @classmethod
    def of(cls, sequence: int, entries: Sequence[Entry]) -> Entries:
        """Measure entries."""
        text = sum(getsizeof(entry.line) + getsizeof(entry.metadata) for entry in entries)
        return cls(sequence, tuple(entries), text + ENTRY_BYTES * len(entries))

    def joined(self, other: Entries) -> Entries | None:
        """Put entries of one commit together, unless they are too many for a frame."""
        if self.sequence != other.sequence or self.size + other.size > FRAME_BYTES:
            return None
        if len(self.entries) + len(other.entries) > FRAME_ENTRIES:
            return None
        return Entries(self.sequence, self.entries + other.entries, self.size + other.size)


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


@attrs.define
class QueuedMemory:
    """Count what all tails have queued. Once `most` bytes are, those tails lose that hold their equal share or more."""

    most: int = SUBSCRIBERS_BYTES
    held: int = 0
    tails: int = 0

    def is_denied_to(self, size: int) -> bool:
        """Whether a tail that holds `size` bytes gets no more."""
        return self.held >= self.most and size * self.tails >= self.most


class Subscriber:
    """Queue what matches for one tail. On overflow the newest entries are lost, counted and reported in place."""

    def __init__(
        self,
        tail_filter: TailFilter,
        on_dropped: Callable[[int], None],
        memory: QueuedMemory,
        clock: Callable[[], float] = trio.current_time,
    ) -> None:
        self._filter = tail_filter
        self._on_dropped = on_dropped
        self._memory = memory
        self._clock = clock
        self._changes: list[tuple[TailFilter, Notice]] = []
        self._is_offered = False
        self._is_closed = False
        memory.tails += 1
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

    async def offer(self, commit: Commit) -> None:
        """Queue the matching entries of a commit, letting other tasks run after each frame's worth.

        Once the queue is full, the rest of the commit is lost. A filter that changes meanwhile begins after the commit.
        """
        self._is_offered = True
        is_full = False
        for part in self._filter.parts(commit.batch):
            is_full = is_full or self._is_full
            if not is_full:
                if found := self._filter.entries(part, commit.batch.streams):
                    self._add(Entries.of(commit.sequence, found))
            elif (loss := self._filter.loss(part, commit.batch.streams)) is not None:
                self._lose(loss)
            await trio.lowlevel.checkpoint()
        self._is_offered = False
        for change in self._changes:
            self._begin_filter(*change)
        self._changes.clear()

    def report_loss(self, lost: Dropped) -> None:
        """Note entries that never reached this subscriber."""
        self._lost = lost if self._lost is None else self._lost.joined(lost)
        self._on_dropped(lost.count)
        self._filled.set()

    def close(self) -> None:
        """Let go of everything; what is offered from now on is ignored."""
        self._is_closed = True
        self._memory.tails -= 1
        self._memory.held -= self._size
        self._items.clear()

    def _add(self, item: Entries) -> None:
        if self._is_closed:
            return
        self._full_since = None
        self._report_lost()
        last = self._items[-1] if self._items else None
        joined = last.joined(item) if isinstance(last, Entries) else None
        if joined is None:
            self._items.append(item)
            self._frames += 1
        else:
            self._items[-1] = joined
        self._entries += len(item.entries)
        self._size += item.size
        self._memory.held += item.size
        self._filled.set()

    def _lose(self, loss: Dropped) -> None:
        if self._is_closed:
            return
        self.report_loss(loss)
        if self._full_since is None:
            self._full_since = self._clock()

    def _report_lost(self) -> None:
        if self._lost is not None:
            self._items.append(self._lost)
            self._lost = None

    @property
    def _is_full(self) -> bool:
        bound = self._bound
        if self._frames >= bound.frames or self._entries >= bound.entries or self._size >= bound.size:
            return True
        return self._memory.is_denied_to(self._size)

    # -- the tail's side ----------------------------------------------------------------------------------------------

    def change_filter(self, tail_filter: TailFilter, confirmation: Notice) -> None:
        """Use another filter from the next commit on, and queue `confirmation` between the old entries and the new.

        Raises:
            LimitExceededError: too many confirmations wait for the tail to read on; the filter stays.
        """
        if self._unconfirmed >= UNCONFIRMED_FILTERS:
            raise LimitExceededError("unconfirmed filters", UNCONFIRMED_FILTERS, self._unconfirmed + 1)
        self._unconfirmed += 1
        if self._is_offered:
            self._changes.append((tail_filter, confirmation))
        else:
            self._begin_filter(tail_filter, confirmation)

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

    def _begin_filter(self, tail_filter: TailFilter, confirmation: Notice) -> None:
        self._filter = tail_filter
        self._report_lost()
        self._items.append(confirmation)
        self._filled.set()

    def _take(self) -> TailItem:
        item = self._items.popleft()
        if isinstance(item, Entries):
            self._full_since = None
            self._frames -= 1
            self._entries -= len(item.entries)
            self._size -= item.size
            self._memory.held -= item.size
        elif isinstance(item, Notice):
            self._unconfirmed -= 1
        return item
