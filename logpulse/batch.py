"""Batches: Arrow record batches of entries, the unit that travels from a push to the WAL, the head and the tails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.model.labels import Labels, StreamId

SCHEMA: Final = pa.schema(
    [
        pa.field("stream", pa.int64(), nullable=False),
        pa.field("timestamp", pa.int64(), nullable=False),  # unix nanoseconds
        pa.field("line", pa.string(), nullable=False),
        pa.field("metadata", pa.string()),  # canonical JSON object, null when empty: equal metadata has equal text
    ]
)
IDENTITY: Final = ["stream", "timestamp", "line", "metadata"]
"""The columns that identify an entry: two entries equal in all four are one."""

ROW_BYTES: Final = 24
"""Bytes of an entry beside its line and metadata: stream, timestamp, and where both texts end."""

Int64Array = npt.NDArray[np.int64]
_INT32_MAX: Final = 2**31 - 1


@attrs.frozen(slots=False, eq=False)
class Batch:
    """Hold entries in commit order and the labels of every stream among them."""

    entries: pa.RecordBatch
    streams: Mapping[StreamId, Labels]

    @classmethod
    def of(cls, entries: pa.RecordBatch, streams: Mapping[StreamId, Labels]) -> Batch:
        """Keep of `streams` only those that `entries` still name."""
        present = np.unique(stream_column(entries)).tolist()
        return cls(entries, streams if len(present) == len(streams) else {name: streams[name] for name in present})

    @property
    def rows(self) -> int:
        """The number of entries."""
        return int(self.entries.num_rows)

    @cached_property
    def text_bytes(self) -> int:
        """Bytes of log text: the lines, without labels and metadata."""
        return text_bytes(self.entries)

    @cached_property
    def nbytes(self) -> int:
        """Bytes of the entries, as every limit counts them: `entry_bytes`, summed."""
        return total_bytes(self.entries)

    @cached_property
    def label_bytes(self) -> int:
        """Bytes of the labels of its streams as JSON text, which a WAL record carries too."""
        return sum(len(labels.encoded) for labels in self.streams.values())

    @cached_property
    def time_range(self) -> tuple[int, int]:
        """The oldest and the newest timestamp, both inclusive; (0, -1) for no entries."""
        times = timestamp_column(self.entries)
        return (int(times.min()), int(times.max())) if len(times) else (0, -1)


def make_entries(
    streams: Int64Array, timestamps: pa.Array, lines: pa.Array, metadata: pa.Array | None
) -> pa.RecordBatch:
    """Put columns together; no `metadata` means that no entry has any."""
    return pa.record_batch(
        [pa.array(streams), timestamps, lines, pa.nulls(len(lines), pa.string()) if metadata is None else metadata],
        schema=SCHEMA,
    )


def text_column(texts: Sequence[str]) -> pa.Array:
    """Make a column of strings: where all is ASCII by one join, a third cheaper than by Arrow's growing builder."""
    joined = "".join(texts)
    if not joined.isascii() or len(joined) > _INT32_MAX:
        return pa.array(texts, pa.string())
    offsets = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int32, count=len(texts)), out=offsets[1:])
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(joined.encode())])


def encoded_column(texts: Sequence[bytes]) -> pa.Array:
    """Make a column of strings from UTF-8; bytes that are none become U+FFFD."""
    joined = b"".join(texts)
    if len(joined) > _INT32_MAX:
        return pa.array([text.decode("utf-8", "replace") for text in texts], pa.string())
    offsets = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int32, count=len(texts)), out=offsets[1:])
    column = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(joined)])
    if not joined.isascii():
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            return pa.array([text.decode("utf-8", "replace") for text in texts], pa.string())
    return column


def stream_column(entries: pa.RecordBatch) -> Int64Array:
    """Give the stream ids without copying."""
    return _numpy(entries.column(0))


def timestamp_column(entries: pa.RecordBatch) -> Int64Array:
    """Give the timestamps without copying."""
    return _numpy(entries.column(1))


def _numpy(column: pa.Array) -> Int64Array:
    values: Int64Array = column.to_numpy()
    return values


def pair_keys(streams: Int64Array, times: Int64Array) -> npt.NDArray[np.uint64]:
    """Hash pairs of stream and time: equal pairs have equal keys, others almost never."""
    return (streams.view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ times.view(np.uint64)


def text_bytes(entries: pa.RecordBatch | pa.Table) -> int:
    """Count the bytes of the lines."""
    return pc.sum(pc.binary_length(entries.column(2))).as_py() or 0


def entry_bytes(entries: pa.RecordBatch) -> Int64Array:
    """Give the size of each entry as every limit counts it: line, metadata and `ROW_BYTES`."""
    sizes = pc.binary_length(entries.column(2)).to_numpy() + np.int64(ROW_BYTES)
    metadata = entries.column(3)
    if metadata.null_count < len(metadata):
        sizes += pc.fill_null(pc.binary_length(metadata), 0).to_numpy()
    result: Int64Array = sizes
    return result


def total_bytes(entries: pa.RecordBatch) -> int:
    """Sum up the sizes of the entries."""
    metadata = entries.column(3)
    texts = pc.sum(pc.binary_length(metadata)).as_py() if metadata.null_count < len(metadata) else 0
    return ROW_BYTES * int(entries.num_rows) + text_bytes(entries) + int(texts)


def concat(batches: Sequence[Batch]) -> Batch:
    """Join batches in order; one is returned as it is."""
    if len(batches) == 1:
        return batches[0]
    streams: dict[StreamId, Labels] = {}
    for batch in batches:
        streams.update(batch.streams)
    return Batch(concat_entries([batch.entries for batch in batches]), streams)


def concat_entries(entries: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Copy record batches into one."""
    return pa.concat_batches(list(entries))


def strictly_ordered(entries: pa.RecordBatch) -> bool:
    """Tell whether each stream is one run of strictly rising timestamps: then no two entries can be equal."""
    streams, times = stream_column(entries), timestamp_column(entries)
    same = streams[1:] == streams[:-1]
    if not bool(np.all((times[1:] > times[:-1]) | ~same)):
        return False
    runs = int(np.count_nonzero(~same)) + 1 if len(streams) else 0
    return runs == len(np.unique(streams[np.concatenate(([True], ~same))])) if runs else True
