"""How much streams hold in a range of time: exact, and without a look at any text where the stream tables say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
_LINES: Final = "count(*) as entries, sum(strlen(line))::bigint as text_bytes"
_ENTRIES: Final = "count(*) as entries, 0::bigint as text_bytes"  # reads no text
# Canonical JSON of n pairs, `{"a":"b","c":"d"}`, has 4n quotes that are not escaped, and 6n + 1 characters that belong
# to no name or value.
_ESCAPES: Final = ("\\\\", '\\"')
_UNESCAPED: Final = f"replace(replace(metadata, '{_ESCAPES[0]}', ''), '{_ESCAPES[1]}', '')"
_QUOTES: Final = f"(strlen({_UNESCAPED}) - strlen(replace({_UNESCAPED}, '\"', '')))"
_METADATA: Final = f"0::bigint as entries, sum(strlen(metadata) - {_QUOTES} // 2 * 3 - 1)::bigint as text_bytes"

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
    """Count entries of `streams` (sorted) and bytes of their lines in each of the buckets.

    Raises:
        LimitExceededError: there are more than STREAM_STEPS rows.
    """
    return _line_totals(view, streams, buckets, scan, _LINES, _line_sizes)


def entry_totals(view: View, streams: Int64Array, buckets: Buckets, scan: ScanSegment) -> StreamTotals:
    """Count entries likewise, and no bytes that are worth a look.

    Raises:
        LimitExceededError: there are more than STREAM_STEPS rows.
    """
    return _line_totals(view, streams, buckets, scan, _ENTRIES, _no_sizes)


def metadata_totals(view: View, streams: Int64Array, buckets: Buckets, scan: ScanSegment) -> StreamTotals:
    """Count bytes of names and values of the metadata likewise, as JSON writes them, as text of no further entries.

    Raises:
        LimitExceededError: there are more than STREAM_STEPS rows.
    """

    def parts() -> Iterator[StreamTotals]:
        for segment in _segments(view, buckets):
            chosen = np.isin(segment.streams.ids, streams) & (segment.streams.newest >= buckets.start)
            yield from _scanned(segment, chosen, buckets, scan, _METADATA, "metadata is not null")
        for batch in _batches(view, buckets):
            if batch.batch.entries.column(3).null_count < batch.batch.rows:
                yield _of_batch(batch, streams, buckets, _metadata_sizes, 0)

    return _bounded(parts())


def _segments(view: View, buckets: Buckets) -> Iterator[Segment]:
    for segment in view.segments:
        if segment.facts.oldest <= buckets.end and segment.facts.newest >= buckets.start:
            yield segment


def _batches(view: View, buckets: Buckets) -> Iterator[HeadBatch]:
    for batch in view.batches:
        oldest, newest = batch.batch.time_range
        if oldest <= buckets.end and newest >= buckets.start:
            yield batch


def _line_totals(
    view: View,
    streams: Int64Array,
    buckets: Buckets,
    scan: ScanSegment,
    measures: str,
    sizes_of: Callable[[pa.RecordBatch], Int64Array],
) -> StreamTotals:
    def parts() -> Iterator[StreamTotals]:
        for segment in _segments(view, buckets):
            yield from _lines_of_segment(segment, streams, buckets, scan, measures)
        for batch in _batches(view, buckets):
            yield _of_batch(batch, streams, buckets, sizes_of, 1)

    return _bounded(parts())


def _bounded(parts: Iterable[StreamTotals]) -> StreamTotals:
    kept: list[StreamTotals] = []
    rows = 0
    for part in parts:
        kept.append(part)
        rows += len(part.streams)
        if rows > STREAM_STEPS:
            raise LimitExceededError("streams times steps of a volume", STREAM_STEPS, f"at least {rows}")
    return StreamTotals.joined(kept)


# -- on disk ----------------------------------------------------------------------------------------------------------


def _lines_of_segment(
    segment: Segment, streams: Int64Array, buckets: Buckets, scan: ScanSegment, measures: str
) -> Iterator[StreamTotals]:
    """Count by the stream table where a stream lies within one bucket, and by a scan where it may not."""
    table = segment.streams
    chosen = np.isin(table.ids, streams) & (table.newest >= buckets.start)
    whole = chosen & _lies_in_one(segment, buckets)
    if whole.any():
        entries = np.diff(np.append(table.first_rows, segment.facts.rows))[whole]
        yield StreamTotals(table.ids[whole], buckets.numbers(table.newest[whole]), entries, table.text_bytes[whole])
    yield from _scanned(segment, chosen & ~whole, buckets, scan, measures, "true")


def _lies_in_one(segment: Segment, buckets: Buckets) -> Mask:
    """Mark the streams whose entries all lie in one bucket. Of the oldest entry only the segment's is known."""
    newest = segment.streams.newest
    if segment.facts.oldest < buckets.start:
        return np.zeros(len(newest), dtype=np.bool_)
    is_whole: Mask = (newest <= buckets.end) & (buckets.numbers(newest) == buckets.number_of(segment.facts.oldest))
    return is_whole


def _scanned(
    segment: Segment, chosen: Mask, buckets: Buckets, scan: ScanSegment, measures: str, among: str
) -> Iterator[StreamTotals]:
    """Measure the streams of a segment that are `chosen`; `among` is the condition on entries that count."""
    if not chosen.any():
        return
    wanted = segment.streams.ids[chosen]
    conditions = [f"stream between {wanted[0]} and {wanted[-1]}", '"timestamp" between ? and ?', among]
    tables = {}
    if not chosen.all():
        conditions.append(f"stream in (select id from {_SELECTED})")
        tables[_SELECTED] = pa.table({"id": wanted})
    sql = (
        f'select stream, ("timestamp" - ?) // ? as bucket, {measures} from read_parquet(?) '
        f"where {' and '.join(conditions)} group by all limit {STREAM_STEPS + 1}"
    )
    parameters = (buckets.origin, buckets.step, [str(segment.path)], buckets.start, buckets.end)
    found = scan(segment, ScanTask(sql, parameters, tables))
    if found is not None:
        yield StreamTotals(*(column.to_numpy() for column in found.columns))


# -- in memory --------------------------------------------------------------------------------------------------------


def _of_batch(
    batch: HeadBatch,
    streams: Int64Array,
    buckets: Buckets,
    sizes_of: Callable[[pa.RecordBatch], Int64Array],
    entries_each: int,
) -> StreamTotals:
    entries = batch.batch.entries
    ids, times = stream_column(entries), timestamp_column(entries)
    chosen = np.isin(ids, streams) & (times >= buckets.start) & (times <= buckets.end)
    if not chosen.any():
        return StreamTotals()
    ids, numbers, sizes = ids[chosen], buckets.numbers(times[chosen]), sizes_of(entries)[chosen]
    order = np.lexsort((numbers, ids))
    ids, numbers, sizes = ids[order], numbers[order], sizes[order]
    firsts = np.flatnonzero(np.append(True, (np.diff(ids) != 0) | (np.diff(numbers) != 0)))
    counts = np.diff(np.append(firsts, len(ids))) * entries_each
    return StreamTotals(ids[firsts], numbers[firsts], counts, np.add.reduceat(sizes, firsts))


def _line_sizes(entries: pa.RecordBatch) -> Int64Array:
    sizes: Int64Array = pc.binary_length(entries.column(2)).to_numpy().astype(np.int64)
    return sizes


def _no_sizes(entries: pa.RecordBatch) -> Int64Array:
    return np.zeros(entries.num_rows, dtype=np.int64)


def _metadata_sizes(entries: pa.RecordBatch) -> Int64Array:
    texts = unescaped = entries.column(3)
    for escape in _ESCAPES:
        unescaped = pc.replace_substring(unescaped, escape, "")
    besides = pc.add(pc.multiply(pc.divide(pc.count_substring(unescaped, '"'), 2), 3), 1)
    sizes: Int64Array = pc.subtract(pc.binary_length(texts), besides).fill_null(0).to_numpy().astype(np.int64)
    return sizes
