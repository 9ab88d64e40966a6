"""Turn sealed batches into segments: sorted by (stream, timestamp), commit order kept among equals, one a UTC day."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from logpulse.limits import DAY_NS
from logpulse.storage.filenames import DataFolder, segment_name
from logpulse.storage.head import HeadBatch
from logpulse.storage.rows import Rows
from logpulse.storage.segment import Segment
from logpulse.storage.segment_writer import SegmentPlan, write_segment


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
            segments.append(write_segment(folder, _plan(folder, day, sealed), entries, order, labels, chunk_bytes))
    except BaseException:
        for segment in segments:
            segment.path.unlink(missing_ok=True)
        raise
    return segments


def _plan(folder: DataFolder, day: int, sealed: Sequence[HeadBatch]) -> SegmentPlan:
    first, last = sealed[0].first_sequence, sealed[-1].last_sequence
    names = (segment_name(day, first, last, part) for part in itertools.count())
    # A segment that a kill kept out of the catalog, adopted since, may have the first of these names.
    name = next(name for name in names if not folder.segment(name).exists())
    return SegmentPlan(name, day, first, last, max(each.arrival for each in sealed))
