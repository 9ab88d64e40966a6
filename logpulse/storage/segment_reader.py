"""Read segments back: the footer when the catalog is rebuilt, single entries when a late one may be a duplicate."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logpulse.batch import SCHEMA, Int64Array
from logpulse.errors import DamagedFileError, NewerFormatError
from logpulse.model.labels import Labels
from logpulse.storage.segment import FOOTER_KEY, FORMAT, STREAMS_KEY, Segment, SegmentFacts, StreamTable


def read_segment(path: Path, name: str) -> tuple[Segment, list[Labels]]:
    """Read a segment's footer and the labels of its streams, as when the catalog is rebuilt.

    Raises:
        DamagedFileError: the file is not a segment, or its footer is broken.
        NewerFormatError: a later version wrote it.
    """
    try:
        with pq.ParquetFile(path) as file:
            footer = file.metadata.metadata or {}
            facts = msgspec.json.decode(footer[FOOTER_KEY], type=SegmentFacts)
            if facts.format > FORMAT:
                raise NewerFormatError(
                    path, f"segment format {facts.format} is newer than this LogPulse reads ({FORMAT})"
                )
            table = StreamTable.decode(base64.b64decode(footer[STREAMS_KEY]))
            texts = pc.unique(pa.chunked_array(file.read(columns=["labels"]).column(0).chunks).cast(pa.string()))
    except (OSError, KeyError, ValueError) as error:
        raise DamagedFileError(path, str(error) or type(error).__name__) from error
    labels = [Labels.from_text(text) for text in texts.to_pylist()]
    return Segment(name, path, path.stat().st_size, facts, table), labels


def read_rows(segment: Segment, wanted: Mapping[int, Int64Array]) -> pa.Table:
    """Read the entries of `segment` at these (stream -> timestamps), by the chunks that can hold them.

    Raises:
        DamagedFileError: a chunk cannot be read.
    """
    ids = np.fromiter(wanted, dtype=np.int64, count=len(wanted))
    pieces = []
    try:
        with pq.ParquetFile(segment.path) as file:
            for chunk in segment.chunk_numbers(ids).tolist():
                keys = file.read_row_group(chunk, columns=["stream", "timestamp"])
                mask = _wanted_rows(keys, wanted)
                if mask.any():
                    full = file.read_row_group(chunk, columns=SCHEMA.names)
                    pieces.append(full.filter(pa.array(mask)))
    except (OSError, ValueError) as error:
        raise DamagedFileError(segment.path, str(error)) from error
    return pa.concat_tables(pieces) if pieces else SCHEMA.empty_table()


def _wanted_rows(keys: pa.Table, wanted: Mapping[int, Int64Array]) -> npt.NDArray[np.bool_]:
    streams, times = keys.column(0).to_numpy(), keys.column(1).to_numpy()
    mask = np.zeros(len(streams), dtype=np.bool_)
    for stream in np.unique(streams).tolist():
        if stream in wanted:
            mask |= (streams == stream) & np.isin(times, wanted[stream])
    return mask


def is_sound(segment: Segment) -> bool:
    """Read a whole segment, a chunk at a time, and tell whether every page is what its checksum says."""
    try:
        with pq.ParquetFile(segment.path, page_checksum_verification=True) as file:
            for chunk in range(file.num_row_groups):
                file.read_row_group(chunk)
    except (OSError, ValueError):
        return False
    return True
