"""How much streams hold in a range of time: exact, and without a look at any text where the stream tables say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Self

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Int64Array, stream_column, timestamp_column
from logpulse.errors import LimitExceededError
from logpulse.limits import STREAM_STEPS
from logpulse.query.buckets import Buckets
from logpulse.query.executor import ScanTask
from logpulse.query.matrix import Mask
from logpulse.storage.head import HeadBatch
from logpulse.storage.segment import Segment
from logpulse.storage.view import View

_NONE: Final = np.empty(0, dtype=np.int64)
_SELECTED: Final = "selected"
_BYTES: Final = "sum(strlen(line))::bigint"

ScanSegment = Callable[[Segment, ScanTask], pa.Table | None]
"""Run a task over one segment; None if the segment turns out to be damaged and is left out."""


@attrs.frozen(eq=False)
class StreamTotals:
    """Hold rows of stream, number of the bucket, entries, and bytes of their lines; a pair may have several rows."""

    streams: Int64Array = _NONE
    buckets: Int64Array = _NONE
    entries: Int64Array = _NONE
    text_bytes: Int64Array = _NONE

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put the rows of `parts` together."""
        columns = [(each.streams, each.buckets, each.entries, each.text_bytes) for each in parts]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True))) if columns else cls()


def stream_totals(view: View, streams: Int64Array, buckets: Buckets, scan: ScanSegment) -> StreamTotals:
    """Count what `streams` (sorted) have in each of the buckets.

    Raises:
        LimitExceededError: there are more than STREAM_STEPS rows.
    """
    parts: list[StreamTotals] = []
    rows = 0
    for part in _parts(view, streams, buckets, scan):
        parts.append(part)
        rows += len(part.streams)
        if rows > STREAM_STEPS:
            raise LimitExceededError("streams times steps of a volume", STREAM_STEPS, f"at least {rows}")
    return StreamTotals.joined(parts)


def _parts(view: View, streams: Int64Array, buckets: Buckets, scan: ScanSegment) -> Iterator[StreamTotals]:
    for segment in view.segments:
        if segment.facts.oldest <= buckets.end and segment.facts.newest >= buckets.start:
            yield from _of_segment(segment, streams, buckets, scan)
    for batch in view.batches:
        oldest, newest = batch.batch.time_range
        if oldest <= buckets.end and newest >= buckets.start:
            yield _of_batch(batch, streams, buckets)


def _of_segment(segment: Segment, streams: Int64Array, buckets: Buckets, scan: ScanSegment) -> Iterator[StreamTotals]:
    """Count by the stream table where a stream lies within one bucket, and by a scan where it may not."""
    table = segment.streams
    chosen = np.isin(table.ids, streams) & (table.newest >= buckets.start)
    whole = chosen & _lies_in_one(segment, buckets)
    if whole.any():
        entries = np.diff(np.append(table.first_rows, segment.facts.rows))[whole]
        yield StreamTotals(table.ids[whole], buckets.numbers(table.newest[whole]), entries, table.text_bytes[whole])
    divided = chosen & ~whole
    if divided.any():
        found = scan(segment, _task(segment, divided, buckets))
        if found is not None:
            yield StreamTotals(*(column.to_numpy() for column in found.columns))


def _lies_in_one(segment: Segment, buckets: Buckets) -> Mask:
    """Mark the streams whose entries all lie in one bucket. Of the oldest entry only the segment's is known."""
    newest = segment.streams.newest
    if segment.facts.oldest < buckets.start:
        return np.zeros(len(newest), dtype=np.bool_)
    is_whole: Mask = (newest <= buckets.end) & (buckets.numbers(newest) == buckets.number_of(segment.facts.oldest))
    return is_whole


def _task(segment: Segment, chosen: Mask, buckets: Buckets) -> ScanTask:
    wanted = segment.streams.ids[chosen]
    condition = f'stream between {wanted[0]} and {wanted[-1]} and "timestamp" between ? and ?'
    tables = {}
    if not chosen.all():
        condition += f" and stream in (select id from {_SELECTED})"
        tables[_SELECTED] = pa.table({"id": wanted})
    sql = (
        f'select stream, ("timestamp" - ?) // ? as bucket, count(*) as entries, {_BYTES} as text_bytes '
        f"from read_parquet(?) where {condition} group by all limit {STREAM_STEPS + 1}"
    )
    parameters = (buckets.origin, buckets.step, [str(segment.path)], buckets.start, buckets.end)
    return ScanTask(sql, parameters, tables)


def _of_batch(batch: HeadBatch, streams: Int64Array, buckets: Buckets) -> StreamTotals:
    entries = batch.batch.entries
    ids, times = stream_column(entries), timestamp_column(entries)
    chosen = np.isin(ids, streams) & (times >= buckets.start) & (times <= buckets.end)
    if not chosen.any():
        return StreamTotals()
    ids, numbers = ids[chosen], buckets.numbers(times[chosen])
    sizes = pc.binary_length(entries.column(2)).to_numpy()[chosen].astype(np.int64)
    order = np.lexsort((numbers, ids))
    ids, numbers, sizes = ids[order], numbers[order], sizes[order]
    firsts = np.flatnonzero(np.append(True, (np.diff(ids) != 0) | (np.diff(numbers) != 0)))
    counts = np.diff(np.append(firsts, len(ids)))
    return StreamTotals(ids[firsts], numbers[firsts], counts, np.add.reduceat(sizes, firsts))
