"""Segments: immutable Parquet files of entries sorted by (stream, timestamp), all of one UTC day.

The format is described in docs/format/segment.md. Anything that reads Parquet can read a segment without LogPulse: the
labels stand beside each entry as JSON text, at almost no cost, since the dictionary of a chunk holds a few streams.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs
import msgspec
import numpy as np
import pyarrow as pa

from logpulse.batch import SCHEMA, Int64Array

FORMAT: Final = 1
CREATOR: Final = "LogPulse"
FOOTER_KEY: Final = b"logpulse.segment"
STREAMS_KEY: Final = b"logpulse.streams"
FILE_SCHEMA: Final = SCHEMA.append(pa.field("labels", pa.dictionary(pa.int32(), pa.string())))


class SegmentFacts(msgspec.Struct, frozen=True):
    """Describe a segment in its footer and in the catalog. Times are unix nanoseconds, bounds inclusive."""

    format: int
    creator: str
    day: int  # days since 1970 in UTC
    first_sequence: int
    last_sequence: int
    rows: int
    chunks: int
    text_bytes: int  # of the lines
    entry_bytes: int  # of the entries, as limits count them
    oldest: int
    newest: int
    arrival: int  # of the newest entry to arrive
    replaces: tuple[str, ...] = ()  # segments that this one made obsolete


@attrs.frozen(eq=False)
class StreamTable:
    """Hold, for each stream in file order: id, first row, newest timestamp, bytes of text; and where chunks start."""

    ids: Int64Array
    first_rows: Int64Array
    newest: Int64Array
    text_bytes: Int64Array
    chunk_rows: Int64Array

    def encode(self) -> bytes:
        """Write the columns as one Arrow IPC stream, compressed."""
        table = pa.record_batch(
            [pa.array(each) for each in (self.ids, self.first_rows, self.newest, self.text_bytes)],
            names=["id", "first_row", "newest", "text_bytes"],
        )
        chunks = pa.record_batch([pa.array(self.chunk_rows)], names=["first_row"])
        return msgspec.msgpack.encode([_ipc(table), _ipc(chunks)])

    @classmethod
    def decode(cls, data: bytes) -> StreamTable:
        """Read what `encode` wrote.

        Raises:
            ValueError: `data` is something else.
        """
        streams, chunks = (
            pa.ipc.open_stream(each).read_all() for each in msgspec.msgpack.decode(data, type=list[bytes])
        )
        return cls(
            streams.column("id").to_numpy(),
            streams.column("first_row").to_numpy(),
            streams.column("newest").to_numpy(),
            streams.column("text_bytes").to_numpy(),
            chunks.column("first_row").to_numpy(),
        )

    def equals(self, other: StreamTable) -> bool:
        """Tell whether both say the same."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in attrs.fields_dict(StreamTable))

    def agrees_with(self, facts: SegmentFacts) -> bool:
        """Tell whether the numbers can be those of a segment with these facts."""
        columns = (self.ids, self.first_rows, self.newest, self.text_bytes)
        return (
            len({len(column) for column in columns}) == 1
            and len(self.chunk_rows) == facts.chunks
            and _rises_from_zero(self.first_rows, facts.rows)
            and _rises_from_zero(self.chunk_rows, facts.rows)
            and bool(np.all(self.ids[1:] > self.ids[:-1]))
            and int(self.text_bytes.sum()) == facts.text_bytes
            and int(self.newest.max()) == facts.newest >= facts.oldest
        )


def _rises_from_zero(starts: Int64Array, end: int) -> bool:
    return len(starts) > 0 and starts[0] == 0 and bool(np.all(np.diff(np.append(starts, end)) > 0))


def _ipc(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


@attrs.frozen(eq=False)
class Segment:
    """Name one segment and say what is in it, so that a query can pass it over unopened."""

    name: str
    path: Path
    file_bytes: int
    facts: SegmentFacts
    streams: StreamTable

    def chunk_numbers(self, streams: Int64Array) -> Int64Array:
        """List the chunks that hold entries of these streams."""
        first, last = self._row_spans(streams)
        starts = self.streams.chunk_rows
        first_chunk = np.searchsorted(starts, first, side="right") - 1
        last_chunk = np.searchsorted(starts, last - 1, side="right") - 1
        steps = np.zeros(len(starts) + 1, dtype=np.int64)
        np.add.at(steps, first_chunk, 1)
        np.add.at(steps, last_chunk + 1, -1)
        return np.flatnonzero(np.cumsum(steps)[:-1])

    def chunk_span(self, number: int) -> tuple[int, int]:
        """Give the first row of a chunk and the row behind its last."""
        starts = self.streams.chunk_rows
        end = starts[number + 1] if number + 1 < len(starts) else self.facts.rows
        return int(starts[number]), int(end)

    def text_of(self, streams: Int64Array) -> tuple[int, int]:
        """Count the rows of these streams and the bytes of their text."""
        first, last = self._row_spans(streams)
        return int((last - first).sum()), int(self.streams.text_bytes[np.isin(self.streams.ids, streams)].sum())

    def _row_spans(self, streams: Int64Array) -> tuple[Int64Array, Int64Array]:
        at = np.isin(self.streams.ids, streams)
        ends = np.append(self.streams.first_rows[1:], self.facts.rows)
        return self.streams.first_rows[at], ends[at]
