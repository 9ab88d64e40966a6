"""Write segments: one chunk at a time, durably, and all or nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import attrs
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logpulse.batch import Int64Array, stream_column, timestamp_column, total_bytes
from logpulse.model.labels import Labels
from logpulse.storage.filenames import TEMPORARY_SUFFIX, DataFolder
from logpulse.storage.files import make_folder, publish
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

FLUSH_LEVEL: Final = 1  # of zstd: a third less work than level 3, and compaction writes the entries again
COMPACTION_LEVEL: Final = 3  # of zstd
PAGE_BYTES: Final = 8 << 20  # above any chunk: one page a chunk, as every page starts compression anew


@attrs.frozen
class SegmentPlan:
    """Say what a segment is to be called and which WAL records its entries come from; `arrival` is unix nanoseconds.

    `replaces` names the segments that this one makes obsolete the moment it has its name; `level` is zstd's.
    """

    name: str
    day: int
    first_sequence: int
    last_sequence: int
    arrival: int
    level: int
    replaces: tuple[str, ...] = ()


class SegmentWriter:
    """Write one segment. Leave the block without `finish`, or with an error, and nothing of it stays on disk."""

    def __init__(self, folder: DataFolder, plan: SegmentPlan, labels_of: Callable[[int], Labels]) -> None:
        self._plan = plan
        self._labels_of = labels_of
        self._path = folder.segment(plan.name)
        self._temporary = self._path.with_name(self._path.name + TEMPORARY_SUFFIX)
        self._table = _StreamTableBuilder()
        make_folder(self._path.parent)
        self._writer = pq.ParquetWriter(
            self._temporary,
            FILE_SCHEMA,
            compression="zstd",
            compression_level=plan.level,
            use_dictionary=["stream", "labels"],
            column_encoding={"timestamp": "DELTA_BINARY_PACKED", "line": "DELTA_LENGTH_BYTE_ARRAY"},
            write_statistics=["stream", "timestamp"],
            write_page_checksum=True,
            data_page_size=PAGE_BYTES,
            store_schema=False,
        )

    @property
    def rows(self) -> int:
        """The number of entries written so far."""
        return self._table.rows

    def add_chunk(self, entries: pa.RecordBatch) -> None:
        """Write entries as the next chunk; they continue the order by (stream, timestamp).

        Raises:
            OSError: the disk refuses.
        """
        streams = stream_column(entries)
        firsts = np.flatnonzero(np.append(True, streams[1:] != streams[:-1]))
        self._table.add(firsts, entries)
        # The writer stores the whole dictionary of a column in every chunk, so each gets one of its own streams only.
        texts = pa.array([self._labels_of(stream).text for stream in streams[firsts].tolist()])
        numbers = np.repeat(np.arange(len(firsts), dtype=np.int32), np.diff(firsts, append=len(streams)))
        labels = pa.DictionaryArray.from_arrays(pa.array(numbers), texts)
        self._writer.write_table(pa.Table.from_arrays([*entries.columns, labels], schema=FILE_SCHEMA))

    def finish(self) -> Segment:
        """Make the segment durable under its name.

        Raises:
            OSError: the disk refuses.
        """
        plan, table = self._plan, self._table
        facts = SegmentFacts(
            format=FORMAT,
            creator=CREATOR,
            day=plan.day,
            first_sequence=plan.first_sequence,
            last_sequence=plan.last_sequence,
            rows=table.rows,
            chunks=table.chunks,
            text_bytes=table.text_bytes,
            entry_bytes=table.entry_bytes,
            oldest=table.oldest,
            newest=table.newest,
            arrival=plan.arrival,
            replaces=plan.replaces,
        )
        streams = table.build()
        self._writer.add_key_value_metadata(
            {FOOTER_KEY: msgspec.json.encode(facts), STREAMS_KEY: base64.b64encode(streams.encode())}
        )
        self._writer.close()
        publish(self._temporary, self._path)
        return Segment(plan.name, self._path, self._path.stat().st_size, facts, streams)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
        except OSError:
            if error is None:
                raise
        finally:
            self._temporary.unlink(missing_ok=True)


class _StreamTableBuilder:
    """Collect what a segment's footer says, chunk by chunk."""

    def __init__(self) -> None:
        self.rows = 0
        self.text_bytes = 0
        self.entry_bytes = 0
        self.oldest = np.iinfo(np.int64).max
        self.newest = np.iinfo(np.int64).min
        self._parts: list[tuple[Int64Array, Int64Array, Int64Array, Int64Array]] = []
        self._chunk_rows: list[int] = []

    @property
    def chunks(self) -> int:
        return len(self._chunk_rows)

    def add(self, firsts: Int64Array, entries: pa.RecordBatch) -> None:
        """Take in a chunk whose streams begin at the rows `firsts`."""
        times = timestamp_column(entries)
        sizes = pc.binary_length(entries.column(2)).to_numpy().astype(np.int64)
        ends = np.append(firsts[1:], entries.num_rows)
        ids = stream_column(entries)[firsts]
        self._parts.append((ids, firsts + self.rows, times[ends - 1], np.add.reduceat(sizes, firsts)))
        self._chunk_rows.append(self.rows)
        self.rows += entries.num_rows
        self.text_bytes += int(sizes.sum())
        self.entry_bytes += total_bytes(entries)
        self.oldest = min(self.oldest, int(times.min()))
        self.newest = max(self.newest, int(times.max()))

    def build(self) -> StreamTable:
        """Join the parts: a stream that goes on in the next chunk is one."""
        ids, firsts, newest, sizes = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        lasts = np.append(starts[1:], len(ids)) - 1
        return StreamTable(
            ids=ids[starts],
            first_rows=firsts[starts],
            newest=newest[lasts],
            text_bytes=np.add.reduceat(sizes, starts),
            chunk_rows=np.array(self._chunk_rows, dtype=np.int64),
        )


def chunk_starts(sizes: Int64Array, chunk_bytes: int) -> list[int]:
    """Cut entries of these sizes into chunks of about `chunk_bytes`; a larger entry is a chunk of its own."""
    total = np.cumsum(sizes)
    starts = [0]
    while True:
        before = int(total[starts[-1] - 1]) if starts[-1] else 0
        cut = max(starts[-1] + 1, int(np.searchsorted(total, before + chunk_bytes)))
        if cut >= len(sizes):
            return starts
        starts.append(cut)
