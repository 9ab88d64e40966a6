"""Read segments back: the footer when the catalog is rebuilt, single entries when a late one may be a duplicate."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logpulse.batch import SCHEMA, Int64Array, pair_keys
from logpulse.errors import DamagedFileError, NewerFormatError
from logpulse.model.labels import Labels
from logpulse.storage.segment import FOOTER_KEY, FORMAT, STREAMS_KEY, Segment, SegmentFacts, StreamTable

_CHUNKS_AT_ONCE: Final = 64  # whose streams and times are held together: some 8 MB


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


def read_rows(segment: Segment, streams: Int64Array, times: Int64Array) -> pa.Table:
    """Read the entries of `segment` that stand at one of the pairs (stream, time), and perhaps a few others.

    Only streams and times are read of all chunks that can hold them; lines of those chunks alone where a pair is.

    Raises:
        DamagedFileError: a chunk cannot be read.
    """
    chunks = segment.chunk_numbers(streams).tolist()
    pieces = []
    try:
        with pq.ParquetFile(segment.path, page_checksum_verification=True) as file:
            for start in range(0, len(chunks), _CHUNKS_AT_ONCE):
                some = chunks[start : start + _CHUNKS_AT_ONCE]
                mask = _may_be_among(file.read_row_groups(some, columns=["stream", "timestamp"]), streams, times)
                ends = np.cumsum([file.metadata.row_group(chunk).num_rows for chunk in some])
                for chunk, part in zip(some, np.split(mask, ends[:-1]), strict=True):
                    if part.any():
                        pieces.append(file.read_row_group(chunk, columns=SCHEMA.names).filter(pa.array(part)))
    except (OSError, ValueError) as error:
        raise DamagedFileError(segment.path, str(error)) from error
    return pa.concat_tables(pieces) if pieces else SCHEMA.empty_table()


def _may_be_among(keys: pa.Table, streams: Int64Array, times: Int64Array) -> npt.NDArray[np.bool_]:
    """Mark the rows whose pair is among the given ones, by a hash: a pair too many does no harm here."""
    held_streams, held_times = keys.column(0).to_numpy(), keys.column(1).to_numpy()
    near = np.flatnonzero((held_times >= times.min()) & (held_times <= times.max()))
    mask = np.zeros(len(held_times), dtype=np.bool_)
    mask[near] = np.isin(pair_keys(held_streams[near], held_times[near]), pair_keys(streams, times))
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
