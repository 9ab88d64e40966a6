"""Views: immutable pictures of what is stored. A query takes one and sees one moment, whatever is written meanwhile."""

from __future__ import annotations

from functools import cached_property

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.storage.head import Head, HeadBatch
from logpulse.storage.index import StreamIndex
from logpulse.storage.segment import Segment


@attrs.frozen(slots=False, eq=False)
class View:
    """Hold everything up to the WAL record `sequence`: segments, sealed batches on their way to disk, and the head."""

    sequence: int = 0
    segments: tuple[Segment, ...] = ()
    sealed: tuple[HeadBatch, ...] = ()
    head: Head = attrs.field(factory=Head)
    generation: int = 0  # rises whenever segments leave the view
    index: StreamIndex = attrs.field(factory=StreamIndex)  # of at least the streams that have entries here

    @property
    def batches(self) -> tuple[HeadBatch, ...]:
        """The batches in memory, in commit order."""
        return (*self.sealed, *self.head.batches)

    @property
    def head_bytes(self) -> int:
        """Bytes of the entries in memory."""
        return self.head.nbytes + sum(each.batch.nbytes for each in self.sealed)

    @cached_property
    def segment_bytes(self) -> int:
        """Bytes of the segments on disk."""
        return sum(segment.file_bytes for segment in self.segments)

    @cached_property
    def chunk_count(self) -> int:
        """The number of chunks on disk."""
        return sum(segment.facts.chunks for segment in self.segments)

    @cached_property
    def time_range(self) -> tuple[int, int] | None:
        """The times of the oldest and the newest entry in unix nanoseconds; None without entries."""
        ranges = [(segment.facts.oldest, segment.facts.newest) for segment in self.segments]
        ranges += [each.batch.time_range for each in self.batches]
        return (min(oldest for oldest, _ in ranges), max(newest for _, newest in ranges)) if ranges else None

    def streams_between(self, start: int, end: int) -> Int64Array:
        """List the streams that may have entries in [start, end), judged by source and not by entry."""
        found = [s.streams.ids for s in self.segments if s.facts.oldest < end and s.facts.newest >= start]
        for batch in self.batches:
            oldest, newest = batch.batch.time_range
            if oldest < end and newest >= start:
                found.append(batch.stream_ids)
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    def all_streams(self) -> Int64Array:
        """List the streams that have entries."""
        found = [segment.streams.ids for segment in self.segments] + [batch.stream_ids for batch in self.batches]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
