"""Choose what a query has to read: streams by the index, and sources by time and stream."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import Selector
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.storage.head import HeadBatch
from logpulse.storage.segment import Segment
from logpulse.storage.view import View

ALL_TIMES: tuple[int, int] = (0, 2**63 - 1)


@attrs.frozen
class Source:
    """Name one place with entries of the selected streams: a segment, or all that is in memory. Bounds inclusive."""

    oldest: int
    newest: int
    rows: int
    text_bytes: int
    segment: Segment | None
    batches: tuple[HeadBatch, ...] = ()


@attrs.frozen(eq=False)
class ScanPlan:
    """Hold what a query has to read: [start, end) of `streams` in `sources`, kept where all `predicates` hold."""

    streams: Int64Array
    start: int
    end: int
    sources: tuple[Source, ...]
    predicates: tuple[SqlPredicate, ...]

    @property
    def text_bytes(self) -> int:
        """Bytes of log text that the sources hold of the streams, whatever their time; in memory of all streams."""
        return sum(source.text_bytes for source in self.sources)

    @property
    def segments(self) -> int:
        """The number of segments to read."""
        return sum(source.segment is not None for source in self.sources)

    @property
    def head_rows(self) -> int:
        """The number of entries in memory to look at."""
        return sum(source.rows for source in self.sources if source.segment is None)


def plan_scan(
    selector: Selector, start: int, end: int, view: View, predicates: tuple[SqlPredicate, ...] = ()
) -> ScanPlan:
    """Choose the streams and sources of `view` that may have entries in [start, end)."""
    return plan_streams(view.index.select(selector.matchers), start, end, view, predicates)


def plan_streams(
    streams: Int64Array, start: int, end: int, view: View, predicates: tuple[SqlPredicate, ...] = ()
) -> ScanPlan:
    """Choose the sources of `view` that may have entries of `streams` (sorted) in [start, end)."""
    if start >= end:
        return ScanPlan(streams, start, end, (), predicates)
    segments = (_segment_source(segment, streams) for segment in view.segments if _overlaps(segment, start, end))
    sources = [source for source in segments if source is not None]
    memory = _memory_source(view.batches, streams, start, end)
    return ScanPlan(streams, start, end, tuple(sources if memory is None else [*sources, memory]), predicates)


def _overlaps(segment: Segment, start: int, end: int) -> bool:
    return segment.facts.oldest < end and segment.facts.newest >= start


def _segment_source(segment: Segment, streams: Int64Array) -> Source | None:
    if not np.isin(segment.streams.ids, streams).any():
        return None
    rows, text_bytes = segment.text_of(streams)
    return Source(segment.facts.oldest, segment.facts.newest, rows, text_bytes, segment)


def _memory_source(batches: Sequence[HeadBatch], streams: Int64Array, start: int, end: int) -> Source | None:
    near = []
    for each in batches:
        oldest, newest = each.batch.time_range
        if oldest < end and newest >= start and np.isin(each.stream_ids, streams).any():
            near.append(each)
    if not near:
        return None
    ranges = [each.batch.time_range for each in near]
    rows = sum(each.batch.rows for each in near)
    text_bytes = sum(each.batch.text_bytes for each in near)
    return Source(min(low for low, _ in ranges), max(high for _, high in ranges), rows, text_bytes, None, tuple(near))
