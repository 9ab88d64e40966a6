"""Find entries that are stored already. An entry is its stream, timestamp, line and metadata: equal in all, it is one.

Only an entry at or before its stream's newest timestamp can be a duplicate, so in-order traffic pays two comparisons of
columns. The rest is checked against the batches in memory and, where its stream was flushed that late, the segments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from logpulse.batch import IDENTITY, Batch, stream_column, timestamp_column
from logpulse.storage.head import HeadBatch
from logpulse.storage.newest import Mask, NewestTimes
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import read_rows


def without_duplicates(
    batch: Batch, newest: NewestTimes, memory: Sequence[HeadBatch], segments: Sequence[Segment]
) -> Batch:
    """Drop the entries of `batch` that are stored in `memory` or `segments`, or stand earlier in `batch` itself.

    Raises:
        DamagedFileError: a segment that has to be looked at cannot be read.
    """
    late, maybe_flushed = newest.candidates(batch)
    if not late.any():
        return batch
    rows = np.flatnonzero(late)
    suspects = batch.entries.take(pa.array(rows))
    stored = _in_memory(suspects, memory)
    if maybe_flushed.any():
        stored += _in_segments(batch.entries.filter(pa.array(maybe_flushed)), segments)
    repeated = _repeated(suspects, stored)
    if not repeated.any():
        return batch
    keep = np.ones(batch.rows, dtype=np.bool_)
    keep[rows[repeated]] = False
    return Batch.of(batch.entries.filter(pa.array(keep)), batch.streams)


def _in_memory(suspects: pa.RecordBatch, memory: Sequence[HeadBatch]) -> list[pa.Table]:
    streams, times = np.unique(stream_column(suspects)), timestamp_column(suspects)
    first, last = int(times.min()), int(times.max())
    found = []
    for each in memory:
        oldest, newest = each.batch.time_range
        if oldest > last or newest < first or not np.isin(streams, each.stream_ids, assume_unique=True).any():
            continue
        held = timestamp_column(each.batch.entries)
        mask = (held >= first) & (held <= last) & np.isin(stream_column(each.batch.entries), streams)
        if mask.any():
            found.append(pa.Table.from_batches([each.batch.entries.filter(pa.array(mask))]))
    return found


def _in_segments(suspects: pa.RecordBatch, segments: Sequence[Segment]) -> list[pa.Table]:
    streams, times = stream_column(suspects), timestamp_column(suspects)
    first, last = int(times.min()), int(times.max())
    near = [each for each in segments if each.facts.oldest <= last and each.facts.newest >= first]
    found = (read_rows(each, streams, times) for each in near if np.isin(streams, each.streams.ids).any())
    return [table for table in found if table.num_rows]


def _repeated(suspects: pa.RecordBatch, stored: Sequence[pa.Table]) -> Mask:
    """Mark every suspect that equals a stored entry or an earlier suspect, by one grouping of all of them."""
    # Stored entries get row -1, so that the smallest row of a group is its first occurrence.
    numbered = [pa.Table.from_batches([suspects]).append_column("row", pa.array(np.arange(suspects.num_rows)))]
    numbered += [table.append_column("row", pa.array(np.full(table.num_rows, -1))) for table in stored]
    groups = pa.TableGroupBy(pa.concat_tables(numbered), IDENTITY, use_threads=False).aggregate([("row", "min")])
    firsts = groups.column("row_min").to_numpy()
    repeated = np.ones(suspects.num_rows, dtype=np.bool_)
    repeated[firsts[firsts >= 0]] = False
    return repeated
