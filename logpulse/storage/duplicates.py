"""Find entries that are stored already. An entry is its stream, timestamp, line and metadata: equal in all, it is one.

Only an entry at or before its stream's newest timestamp can be a duplicate, so in-order traffic pays two comparisons of
columns. The rest is checked against the batches in memory and, where its stream was flushed that late, the segments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logpulse.batch import IDENTITY, Batch, pair_keys, stream_column, timestamp_column
from logpulse.storage.head import HeadBatch
from logpulse.storage.newest import Mask, NewestTimes
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import read_rows

Keys = npt.NDArray[np.uint64]


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
    stored = _in_memory(batch.entries.filter(pa.array(late)), memory)
    if maybe_flushed.any():
        stored += _in_segments(batch.entries.filter(pa.array(maybe_flushed)), segments)
    rows = np.flatnonzero(late)
    rows = rows[_shares_its_place(_keys(batch.entries)[rows], stored)]
    if not len(rows):
        return batch
    repeated = _repeated(batch.entries.take(pa.array(rows)), stored)
    if not repeated.any():
        return batch
    keep = np.ones(batch.rows, dtype=np.bool_)
    keep[rows[repeated]] = False
    return Batch.of(batch.entries.filter(pa.array(keep)), batch.streams)


def _keys(entries: pa.RecordBatch | pa.Table) -> Keys:
    return pair_keys(entries.column(0).to_numpy(), entries.column(1).to_numpy())


def _shares_its_place(keys: Keys, stored: Sequence[pa.Table]) -> Mask:
    """Mark what has the stream and time of another: only lines can tell whether the two are one."""
    _, at, counts = np.unique(keys, return_inverse=True, return_counts=True)
    shares: Mask = counts[at] > 1
    for table in stored:
        shares |= np.isin(keys, _keys(table))
    return shares


def _in_memory(suspects: pa.RecordBatch, memory: Sequence[HeadBatch]) -> list[pa.Table]:
    keys, times = _keys(suspects), timestamp_column(suspects)
    first, last = int(times.min()), int(times.max())
    found = []
    for each in memory:
        oldest, newest = each.batch.time_range
        if oldest > last or newest < first:
            continue
        held_streams, held_times = stream_column(each.batch.entries), timestamp_column(each.batch.entries)
        near = np.flatnonzero((held_times >= first) & (held_times <= last))
        hit = near[np.isin(pair_keys(held_streams[near], held_times[near]), keys)]
        if len(hit):
            found.append(pa.Table.from_batches([each.batch.entries.take(pa.array(hit))]))
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
