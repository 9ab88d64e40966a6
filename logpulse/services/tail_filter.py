"""The filter of a live tail: which entries of a commit it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from logpulse.batch import Batch, entry_bytes, stream_column, timestamp_column
from logpulse.limits import FRAME_BYTES, FRAME_ENTRIES, MATCH_ROWS, TAIL_QUICK_TEXTS, TAIL_STREAMS
from logpulse.logql.ast import LineFilter, LineFilterOperator, LogQuery, TextOperand
from logpulse.logql.base import Bases
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.model.labels import Labels, StreamId
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Entry

_SUBSTRING: Final = (LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS)


class TailFilter:
    """Decide which entries a tail shows: yes or no for each stream, remembered, then the exact pipeline.

    Another thread may stop it by its `interrupt`, for good.
    """

    def __init__(self, query: LogQuery) -> None:
        """Compile `query`."""
        self.query = query
        self.interrupt = Interrupt()
        self._pipeline = Pipeline(query.stages, check=self.interrupt.check)
        self._bases = Bases()
        self._matches = [(matcher.name, matcher.predicate()) for matcher in query.selector.matchers]
        self._streams: dict[int, bool] = {}

    def parts(self, batch: Batch) -> Iterator[pa.RecordBatch]:
        """Give the rows of the streams it shows in commit order, a frame's worth at a time."""
        wanted = [stream for stream, labels in batch.streams.items() if self._wants(stream, labels)]
        if not wanted:
            return
        streams = np.array(wanted, dtype=np.int64)
        for start in range(0, batch.rows, MATCH_ROWS):
            rows = batch.entries.slice(start, MATCH_ROWS)
            if len(wanted) < len(batch.streams):
                rows = rows.filter(pa.array(np.isin(stream_column(rows), streams)))
            yield from _frames(rows)

    @property
    def is_quick(self) -> bool:
        """Whether the pipeline does little enough to every entry that the event loop may do it."""
        texts = 0
        for stage in self.query.stages:
            if not isinstance(stage, LineFilter) or stage.operator not in _SUBSTRING:
                return False
            if not all(isinstance(operand, TextOperand) for operand in stage.alternatives):
                return False
            texts += len(stage.alternatives)
        return texts <= TAIL_QUICK_TEXTS

    def entries(self, part: pa.RecordBatch, streams: Mapping[StreamId, Labels]) -> list[Entry]:
        """Give the entries among these rows that the pipeline lets through.

        Raises:
            QueryCancelledError: the interrupt was pulled.
        """
        columns = (part.column(number).to_pylist() for number in range(4))
        found = []
        for stream, timestamp, line, metadata in zip(*columns, strict=True):
            self.interrupt.check()
            labels = streams[stream]
            record = Record(timestamp, line, self._bases.of(labels, metadata))
            if self._pipeline.run(record):
                found.append(Entry(stream, timestamp, line, metadata, labels, record))
        return found

    def times(self, part: pa.RecordBatch, streams: Mapping[StreamId, Labels]) -> list[int]:
        """Give only their times, in unix nanoseconds.

        Raises:
            QueryCancelledError: the interrupt was pulled.
        """
        if self.query.stages:
            return [entry.timestamp for entry in self.entries(part, streams)]
        times: list[int] = timestamp_column(part).tolist()
        return times

    def _wants(self, stream: StreamId, labels: Labels) -> bool:
        known = self._streams.get(stream)
        if known is None:
            known = all(matches(labels.get(name)) for name, matches in self._matches)
            if len(self._streams) >= TAIL_STREAMS:
                self._streams.clear()
            self._streams[stream] = known
        return known


def _frames(rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    ends = np.cumsum(entry_bytes(rows))
    start, before = 0, 0
    while start < rows.num_rows:
        within = int(np.searchsorted(ends, before + FRAME_BYTES, side="right"))
        stop = max(start + 1, min(within, start + FRAME_ENTRIES))
        yield rows.slice(start, stop - start)
        start, before = stop, int(ends[stop - 1])
