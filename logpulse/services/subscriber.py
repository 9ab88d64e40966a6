"""A subscriber: the bounded queue of one live tail, filled by the broadcaster and emptied by the tail."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from sys import getsizeof
from typing import Final, TypeVar

import attrs
import trio

from logpulse.errors import LimitExceededError
from logpulse.limits import (
    BLOCKED_SECONDS,
    ENTRY_BYTES,
    FRAME_BYTES,
    FRAME_ENTRIES,
    HISTORY_BUFFER_ENTRIES,
    SUBSCRIBER_BYTES,
    SUBSCRIBER_FRAMES,
    SUBSCRIBERS_BYTES,
    TAIL_FILTER_SECONDS,
    UNCONFIRMED_FILTERS,
)
from logpulse.query.result import Entry
from logpulse.services.tail_filter import TailFilter
from logpulse.storage.store import Commit

_T = TypeVar("_T")


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
        self._thread = trio.CapacityLimiter(1)
        self.is_overtaxed = False
        """Whether the filter took too long for its tail to go on."""

    # -- the broadcaster's side; never blocks -------------------------------------------------------------------------

    async def offer(self, commit: Commit) -> None:
        """Queue the matching entries of a commit, letting other tasks run after each frame's worth.

        Once the queue is full, the rest of the commit is lost. A filter that changes meanwhile begins after the commit.
        One that takes too long gets nothing from then on: see `is_overtaxed`.
        """
        self._is_offered = True
        is_full = False
        streams = commit.batch.streams
        for part in self._filter.parts(commit.batch):
            if self.is_overtaxed:
                break
            is_full = is_full or self._is_full
            if not is_full:
                if found := await self._in_time(partial(self._filter.entries, part, streams)):
                    self._add(Entries.of(commit.sequence, found))
            elif times := await self._in_time(partial(self._filter.times, part, streams)):
                self._lose(Dropped(len(times), min(times), max(times)))
            await trio.lowlevel.checkpoint()
        self._is_offered = False
        for change in self._changes:
            self._begin_filter(*change)
        self._changes.clear()

    async def _in_time(self, work: Callable[[], _T]) -> _T | None:
        """Do the work of the filter, in a thread unless it is quick; None if that takes too long."""
        if self._filter.is_quick:
            return work()
        try:
            with trio.move_on_after(TAIL_FILTER_SECONDS):
                return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._thread)
        except trio.Cancelled:
            self._filter.interrupt.pull()
            raise
        self._filter.interrupt.pull()
        self.is_overtaxed = True
        return None

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
