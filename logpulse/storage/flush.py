"""Turn sealed batches into segments: sorted by (stream, timestamp), commit order kept among equals, one a UTC day."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence

import attrs
import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.limits import CHUNKS_GATHERED, DAY_NS
from logpulse.model.labels import StreamId
from logpulse.storage.filenames import DataFolder, segment_name
from logpulse.storage.head import HeadBatch
from logpulse.storage.rows import Rows
from logpulse.storage.segment import Segment
from logpulse.storage.segment_writer import FLUSH_LEVEL, SegmentPlan, SegmentWriter, chunk_starts


@attrs.frozen
class Flushed:
    """Describe one flush."""

    segments: tuple[Segment, ...]
    rows: int
    text_bytes: int
    seconds: float


def write_segments(folder: DataFolder, sealed: Sequence[HeadBatch], chunk_bytes: int) -> list[Segment]:
    """Write the entries of `sealed` as one segment for each UTC day they touch.

    Raises:
        OSError: the segments written so far are removed again, as the next flush will hold their entries too.
    """
    entries = Rows([each.batch.entries for each in sealed])
    labels = {stream: labels for each in sealed for stream, labels in each.batch.streams.items()}
    days = entries.timestamps // DAY_NS
    segments: list[Segment] = []
    try:
        for day in np.unique(days).tolist():
            rows = np.flatnonzero(days == day)
            order = rows[np.lexsort((entries.timestamps[rows], entries.streams[rows]))]
            with SegmentWriter(folder, _plan(folder, day, sealed), lambda stream: labels[StreamId(stream)]) as writer:
                for chunk in _chunks(entries, order, chunk_bytes):
                    writer.add_chunk(chunk)
                segments.append(writer.finish())
    except BaseException:
        for segment in segments:
            segment.path.unlink(missing_ok=True)
        raise
    return segments


def _chunks(entries: Rows, order: Int64Array, chunk_bytes: int) -> Iterator[pa.RecordBatch]:
    """Gather chunks in `order`, several at a time: fewer and larger copies are cheaper, yet bounded in memory."""
    starts = chunk_starts(entries.sizes[order], chunk_bytes)
    spans = list(itertools.pairwise([*starts, len(order)]))
    for number in range(0, len(spans), CHUNKS_GATHERED):
        group = spans[number : number + CHUNKS_GATHERED]
        first, last = group[0][0], group[-1][1]
        gathered = entries.take(order[first:last])
        for start, end in group:
            yield gathered.slice(start - first, end - start)


def _plan(folder: DataFolder, day: int, sealed: Sequence[HeadBatch]) -> SegmentPlan:
    first, last = sealed[0].first_sequence, sealed[-1].last_sequence
    name = free_name(folder, day, first, last)
    return SegmentPlan(name, day, first, last, max(each.arrival for each in sealed), FLUSH_LEVEL)


def free_name(
    folder: DataFolder, day: int, first_sequence: int, last_sequence: int, replaced: Collection[str] = ()
) -> str:
    """Give a segment name that no file has: one that a kill kept out of the catalog may have the first choice.

    Nor is it among `replaced`: a segment that names itself as obsolete would be deleted at the next start.
    """
    names = (segment_name(day, first_sequence, last_sequence, part) for part in itertools.count())
    return next(name for name in names if name not in replaced and not folder.segment(name).exists())
