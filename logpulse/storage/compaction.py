"""Merge small segments of a day into larger ones, so that a query opens few files.

Only neighbours in commit order are merged, which keeps the order among entries equal in stream and time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa

from logpulse.batch import SCHEMA, concat_entries, entry_bytes, stream_column, timestamp_column, total_bytes
from logpulse.limits import COMPACTED_BYTES, COMPACTION_FANIN, RECENT_BYTES
from logpulse.model.labels import Labels
from logpulse.storage.filenames import DataFolder
from logpulse.storage.flush import free_name
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import read_chunk
from logpulse.storage.segment_writer import COMPACTION_LEVEL, SegmentPlan, SegmentWriter, chunk_starts

Key = tuple[int, int]
"""Stream and timestamp: what rows of a segment are sorted by."""


def choose_run(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Choose neighbours of one day worth merging; nothing if there are none.

    A run grows from the newest segment backwards while the next older one is not much larger than all of it, so each
    entry is rewritten a logarithmic number of times. Of the newest day, the last few segments are merged only while
    they are small: the newest rows are asked for most, and in a large segment they are spread over all of its text.
    """
    newest_day = max((each.facts.day for each in segments), default=0)
    for day, group in groupby(segments, key=lambda each: each.facts.day):
        of_day = sorted(group, key=lambda each: (each.facts.first_sequence, each.name), reverse=True)
        run: list[Segment] = []
        total = 0
        for age, segment in enumerate(of_day):
            size = segment.facts.entry_bytes
            if day == newest_day and age < COMPACTION_FANIN and size >= RECENT_BYTES:
                run, total = [], 0
                continue
            if total + size > COMPACTED_BYTES or (len(run) >= COMPACTION_FANIN and size > total):
                if len(run) >= COMPACTION_FANIN:
                    break
                run, total = [], 0
            if size < COMPACTED_BYTES:
                run.append(segment)
                total += size
        if len(run) >= COMPACTION_FANIN:
            return tuple(reversed(run))
    return ()


def merge(
    folder: DataFolder,
    run: Sequence[Segment],
    labels_of: Callable[[int], Labels],
    chunk_bytes: int,
    stopped: Callable[[], bool],
) -> Segment | None:
    """Write the entries of `run`, neighbours in commit order, as one segment that replaces them.

    Holds about one chunk of each in memory. Asks `stopped` before each chunk, and gives None when it says so.

    Raises:
        OSError: the disk refuses; nothing has changed.
        DamagedFileError, StorageError: one of `run` cannot be read; nothing has changed.
    """
    first = min(each.facts.first_sequence for each in run)
    last = max(each.facts.last_sequence for each in run)
    day = run[0].facts.day
    replaces = tuple(name for each in run for name in (each.name, *each.facts.replaces))
    plan = SegmentPlan(
        free_name(folder, day, first, last, replaces),
        day,
        first,
        last,
        max(each.facts.arrival for each in run),
        COMPACTION_LEVEL,
        replaces,
    )
    with SegmentWriter(folder, plan, labels_of) as writer:
        for chunk in _rechunked(_merged(run), chunk_bytes):
            if stopped():
                return None
            writer.add_chunk(chunk)
        return writer.finish()


def _merged(run: Sequence[Segment]) -> Iterator[pa.RecordBatch]:
    """Yield all entries in order, a piece at a time: what no unread chunk can precede."""
    readers = [_ChunkReader(segment) for segment in run]
    while readers := [reader for reader in readers if reader.fill()]:
        bound = min(reader.last_key for reader in readers)
        for reader in readers:
            reader.extend_through(bound)
        pieces = concat_entries([reader.take_through(bound) for reader in readers])
        order = np.lexsort((timestamp_column(pieces), stream_column(pieces)))
        yield pieces.take(pa.array(order))


class _ChunkReader:
    """Read one segment from its start, holding the entries that are read and not yet taken."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._next = 0
        self._held: pa.RecordBatch = pa.RecordBatch.from_pylist([], SCHEMA)

    def fill(self) -> bool:
        """Hold at least one entry; tell whether there is any left."""
        while not self._held.num_rows and self._next < self._segment.facts.chunks:
            self._held = self._read()
        return bool(self._held.num_rows)

    @property
    def last_key(self) -> Key:
        """The key of the last entry held."""
        return int(stream_column(self._held)[-1]), int(timestamp_column(self._held)[-1])

    def extend_through(self, bound: Key) -> None:
        """Hold all entries up to `bound`: those equal to it may go on in the next chunk, and are taken all at once."""
        while self.last_key == bound and self._next < self._segment.facts.chunks:
            self._held = concat_entries([self._held, self._read()])

    def take_through(self, bound: Key) -> pa.RecordBatch:
        """Take the entries up to and including `bound`."""
        streams, times = stream_column(self._held), timestamp_column(self._held)
        first, last = np.searchsorted(streams, bound[0], "left"), np.searchsorted(streams, bound[0], "right")
        end = int(first + np.searchsorted(times[first:last], bound[1], "right"))
        taken, self._held = self._held.slice(0, end), self._held.slice(end)
        return taken

    def _read(self) -> pa.RecordBatch:
        entries = read_chunk(self._segment, self._next)
        self._next += 1
        return entries


def _rechunked(pieces: Iterator[pa.RecordBatch], chunk_bytes: int) -> Iterator[pa.RecordBatch]:
    """Cut and join pieces into chunks of about `chunk_bytes`."""
    held: list[pa.RecordBatch] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += total_bytes(piece)
        if size >= chunk_bytes:
            *whole, rest = _cut(concat_entries(held), chunk_bytes)
            yield from whole
            held, size = [rest], total_bytes(rest)
    if held:
        yield from _cut(concat_entries(held), chunk_bytes)


def _cut(entries: pa.RecordBatch, chunk_bytes: int) -> list[pa.RecordBatch]:
    starts = chunk_starts(entry_bytes(entries), chunk_bytes)
    ends = [*starts[1:], entries.num_rows]
    return [entries.slice(start, end - start) for start, end in zip(starts, ends, strict=True)]
