"""Write segments: one chunk at a time, durably, and all or nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Final

import attrs
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logpulse.batch import Int64Array
from logpulse.model.labels import Labels, StreamId
from logpulse.storage.filenames import TEMPORARY_SUFFIX, DataFolder
from logpulse.storage.files import make_folder, publish
from logpulse.storage.rows import Rows
from logpulse.storage.segment import (
    CREATOR,
    FILE_SCHEMA,
    FOOTER_KEY,
    FORMAT,
    STREAMS_KEY,
    Segment,
    SegmentFacts,
    StreamTable,
)

ZSTD_LEVEL: Final = 3
PAGE_BYTES: Final = 8 << 20  # above any chunk: one page a chunk, as every page starts compression anew


@attrs.frozen
class SegmentPlan:
    """Say what a segment is to be called and which WAL records its entries come from; `arrival` is unix nanoseconds."""

    name: str
    day: int
    first_sequence: int
    last_sequence: int
    arrival: int


def write_segment(
    folder: DataFolder,
    plan: SegmentPlan,
    entries: Rows,
    order: Int64Array,
    labels: Mapping[StreamId, Labels],
    chunk_bytes: int,
) -> Segment:
    """Write one durable segment of chunks of about `chunk_bytes` of text.

    `order` lists the rows of `entries` to write, sorted by (stream, timestamp). Lines are gathered a chunk at a time,
    so that no second copy of all of them is made.

    Raises:
        OSError: nothing is left but what was there before.
    """
    streams, times, sizes = entries.streams[order], entries.timestamps[order], entries.line_bytes[order]
    ids, first_rows, inverse = np.unique(streams, return_index=True, return_inverse=True)
    ends = np.append(first_rows[1:], len(order))
    chunk_rows = _chunk_starts(sizes, chunk_bytes)
    table = StreamTable(
        ids, first_rows.astype(np.int64), times[ends - 1], np.add.reduceat(sizes, first_rows), chunk_rows
    )
    facts = SegmentFacts(
        format=FORMAT,
        creator=CREATOR,
        day=plan.day,
        first_sequence=plan.first_sequence,
        last_sequence=plan.last_sequence,
        rows=len(order),
        chunks=len(chunk_rows),
        text_bytes=int(sizes.sum()),
        oldest=int(times.min()),
        newest=int(times.max()),
        arrival=plan.arrival,
    )
    footer = {FOOTER_KEY: msgspec.json.encode(facts), STREAMS_KEY: base64.b64encode(table.encode())}
    texts = pa.array([labels[StreamId(stream)].text for stream in ids.tolist()])
    path = folder.segment(plan.name)
    make_folder(path.parent)
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        with pq.ParquetWriter(
            temporary,
            FILE_SCHEMA.with_metadata(footer),
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=["stream", "labels"],
            column_encoding={"timestamp": "DELTA_BINARY_PACKED", "line": "DELTA_LENGTH_BYTE_ARRAY"},
            write_statistics=["stream", "timestamp"],
            write_page_checksum=True,
            data_page_size=PAGE_BYTES,
            store_schema=False,
        ) as writer:
            for start, end in _spans(chunk_rows, len(order)):
                writer.write_table(_chunk(entries.take(order[start:end]), inverse[start:end], texts))
        publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Segment(plan.name, path, path.stat().st_size, facts, table)


def _chunk(entries: pa.RecordBatch, stream_numbers: Int64Array, texts: pa.Array) -> pa.Table:
    """Add the labels column with a dictionary of this chunk's streams only: the writer stores dictionaries whole."""
    first, last = int(stream_numbers[0]), int(stream_numbers[-1])
    codes = pa.array((stream_numbers - first).astype(np.int32))
    labels = pa.DictionaryArray.from_arrays(codes, texts.slice(first, last - first + 1))
    return pa.Table.from_arrays([*entries.columns, labels], schema=FILE_SCHEMA)


def _chunk_starts(sizes: Int64Array, chunk_bytes: int) -> Int64Array:
    """Cut rows into chunks of about `chunk_bytes` of text; a longer line is a chunk of its own."""
    if not len(sizes):
        return np.empty(0, dtype=np.int64)
    total = np.cumsum(sizes + 1)  # an empty line still takes room
    starts = [0]
    while True:
        before = total[starts[-1] - 1] if starts[-1] else 0
        cut = max(starts[-1] + 1, int(np.searchsorted(total, before + chunk_bytes)))
        if cut >= len(sizes):
            return np.array(starts, dtype=np.int64)
        starts.append(cut)


def _spans(starts: Int64Array, rows: int) -> Iterator[tuple[int, int]]:
    ends = [*starts[1:].tolist(), rows]
    return zip(starts.tolist(), ends, strict=True)
