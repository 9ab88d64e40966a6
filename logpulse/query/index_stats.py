"""What a query over some streams would have to look at."""

from __future__ import annotations

import attrs
import numpy as np

from logpulse.query.buckets import Buckets
from logpulse.query.stream_totals import StreamTotals
from logpulse.storage.view import View


@attrs.frozen
class IndexStats:
    """Count streams with entries, their entries and the bytes of the lines, and the chunks that hold some of them."""

    streams: int
    chunks: int
    text_bytes: int
    entries: int


def index_stats(view: View, totals: StreamTotals, buckets: Buckets) -> IndexStats:
    """Sum up `totals`, which were counted in `view`. A batch in memory counts as one chunk."""
    streams = np.unique(totals.streams)
    chunks = sum(
        len(segment.chunk_numbers(streams))
        for segment in view.segments
        if segment.facts.oldest <= buckets.end and segment.facts.newest >= buckets.start
    )
    for batch in view.batches:
        oldest, newest = batch.batch.time_range
        if oldest <= buckets.end and newest >= buckets.start and np.isin(batch.stream_ids, streams).any():
            chunks += 1
    return IndexStats(len(streams), chunks, int(totals.text_bytes.sum()), int(totals.entries.sum()))
