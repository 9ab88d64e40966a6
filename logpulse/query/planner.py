"""Turn a parsed query into a plan: which streams, which sources, and what of the pipeline the scan itself decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import UnsupportedQueryError
from logpulse.logql.ast import LineFilter, LogQuery
from logpulse.logql.stages import line_filter
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.storage.head import HeadBatch
from logpulse.storage.index import StreamIndex
from logpulse.storage.segment import Segment
from logpulse.storage.view import View

ALL_TIMES: tuple[int, int] = (0, 2**63 - 1)


@attrs.frozen
class Source:
    """Name one place with entries of the selected streams: a segment, or all that is in memory. Bounds inclusive."""

    oldest: int
    newest: int
    text_bytes: int
    segment: Segment | None
    batches: tuple[HeadBatch, ...] = ()


@attrs.frozen(eq=False)
class LogPlan:
    """Hold what a log query has to read: [start, end) of `streams` in `sources`, kept where all `predicates` hold."""

    streams: Int64Array
    start: int
    end: int
    sources: tuple[Source, ...]
    predicates: tuple[SqlPredicate, ...]


def plan_logs(query: LogQuery, start: int, end: int, view: View, index: StreamIndex) -> LogPlan:
    """Choose streams by the index, and sources by time and stream.

    Raises:
        UnsupportedQueryError: the pipeline has a stage this version does not run.
    """
    predicates = tuple(_pushed_down(stage) for stage in query.stages)
    streams = index.select(query.selector.matchers)
    segments = (_segment_source(segment, streams) for segment in view.segments if _overlaps(segment, start, end))
    sources = [source for source in segments if source is not None]
    memory = _memory_source(view.batches, streams, start, end)
    return LogPlan(streams, start, end, tuple(sources if memory is None else [*sources, memory]), predicates)


def line_tests(query: LogQuery) -> Sequence[Callable[[str], bool]]:
    """Give the exact form of the pipeline, as live tails run it.

    Raises:
        UnsupportedQueryError: the pipeline has a stage this version does not run.
    """
    return [line_filter.exact(_supported(stage)) for stage in query.stages]


def _pushed_down(stage: object) -> SqlPredicate:
    return line_filter.sql(_supported(stage))


def _supported(stage: object) -> LineFilter:
    if not isinstance(stage, LineFilter):
        raise UnsupportedQueryError(f"the stage `{stage}`")
    return stage


def _overlaps(segment: Segment, start: int, end: int) -> bool:
    return segment.facts.oldest < end and segment.facts.newest >= start


def _segment_source(segment: Segment, streams: Int64Array) -> Source | None:
    if not np.isin(segment.streams.ids, streams).any():
        return None
    _, text_bytes = segment.text_of(streams)
    return Source(segment.facts.oldest, segment.facts.newest, text_bytes, segment)


def _memory_source(batches: Sequence[HeadBatch], streams: Int64Array, start: int, end: int) -> Source | None:
    near = []
    for each in batches:
        oldest, newest = each.batch.time_range
        if oldest < end and newest >= start and np.isin(each.stream_ids, streams).any():
            near.append(each)
    if not near:
        return None
    ranges = [each.batch.time_range for each in near]
    text_bytes = sum(each.batch.text_bytes for each in near)
    return Source(min(low for low, _ in ranges), max(high for _, high in ranges), text_bytes, None, tuple(near))
