"""Read segments back: footers, single entries when a late one may be a duplicate, and chunks that are to be checked.

Whatever goes wrong in a file is told apart here, in one place: damage, a later version, or a lack of something else.
"""

from __future__ import annotations

import base64
import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logpulse.batch import SCHEMA, Int64Array, concat_entries, pair_keys, stream_column, timestamp_column
from logpulse.errors import DamagedFileError, NewerFormatError, StorageError
from logpulse.limits import SEGMENT_ALLOCATION_BYTES
from logpulse.model.labels import Labels
from logpulse.storage.segment import FOOTER_KEY, FORMAT, STREAMS_KEY, Segment, SegmentFacts, StreamTable

_CHUNKS_AT_ONCE: Final = 64  # whose streams and times are held together: some 8 MB
_COLUMNS: Final = SCHEMA.append(pa.field("labels", pa.string()))  # as Parquet gives a dictionary back
_LACKS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EINTR})
_WANTED_BYTES: Final = re.compile(r"of size (\d+) failed")  # in Arrow's error when memory is refused


@contextmanager
def segment_file(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a segment, checking the checksum of each page that is read, and name what goes wrong in the block.

    Raises:
        DamagedFileError: the file is not what was written, or the disk does not give it back.
        NewerFormatError: a later version wrote it.
        StorageError: descriptors, memory or room are short, which says nothing about the file.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except StorageError:
        raise
    except Exception as error:  # a footer with a wrong bit makes Arrow, msgspec and numpy raise almost anything
        reason = str(error) or type(error).__name__
        if _is_lack(error):
            raise StorageError(path, reason) from error
        raise DamagedFileError(path, reason) from error


def _is_lack(error: Exception) -> bool:
    if isinstance(error, MemoryError):  # a wrong length asks for more than any chunk takes
        wanted = _WANTED_BYTES.search(str(error))
        return wanted is None or int(wanted[1]) < SEGMENT_ALLOCATION_BYTES
    return isinstance(error, OSError) and error.errno in _LACKS


def read_segment(path: Path, name: str) -> tuple[Segment, list[Labels]]:
    """Read a segment's footer and the labels of its streams, as when the catalog is rebuilt.

    Raises:
        DamagedFileError, NewerFormatError, StorageError: from `segment_file`.
    """
    with segment_file(path) as file:
        facts, table = _footer(path, file)
        texts = pc.unique(pa.chunked_array(file.read(columns=["labels"]).column(0).chunks).cast(pa.string()))
        labels = [Labels.from_text(text) for text in texts.to_pylist()]
        if not np.isin([each.id for each in labels], table.ids).all() or len(labels) != len(table.ids):
            raise DamagedFileError(path, "the labels are not those of its streams")
        return Segment(name, path, path.stat().st_size, facts, table), labels


def _footer(path: Path, file: pq.ParquetFile) -> tuple[SegmentFacts, StreamTable]:
    footer = file.metadata.metadata or {}
    facts = msgspec.json.decode(footer[FOOTER_KEY], type=SegmentFacts)
    if facts.format > FORMAT:
        raise NewerFormatError(path, f"segment format {facts.format} is newer than this LogPulse reads ({FORMAT})")
    table = StreamTable.decode(base64.b64decode(footer[STREAMS_KEY]))
    if not table.agrees_with(facts):
        raise DamagedFileError(path, "the parts of its footer contradict each other")
    return facts, table


def read_rows(segment: Segment, streams: Int64Array, times: Int64Array) -> pa.Table:
    """Read the entries of `segment` that stand at one of the pairs (stream, time), and perhaps a few others.

    Only streams and times are read of all chunks that can hold them; lines of those chunks alone where a pair is.

    Raises:
        DamagedFileError, StorageError: from `segment_file`.
    """
    chunks = segment.chunk_numbers(streams).tolist()
    pieces = []
    with segment_file(segment.path) as file:
        for start in range(0, len(chunks), _CHUNKS_AT_ONCE):
            some = chunks[start : start + _CHUNKS_AT_ONCE]
            mask = _may_be_among(file.read_row_groups(some, columns=["stream", "timestamp"]), streams, times)
            ends = np.cumsum([file.metadata.row_group(chunk).num_rows for chunk in some])
            for chunk, part in zip(some, np.split(mask, ends[:-1]), strict=True):
                if part.any():
                    pieces.append(file.read_row_group(chunk, columns=SCHEMA.names).cast(SCHEMA).filter(pa.array(part)))
    return pa.concat_tables(pieces) if pieces else SCHEMA.empty_table()


def _may_be_among(keys: pa.Table, streams: Int64Array, times: Int64Array) -> npt.NDArray[np.bool_]:
    """Mark the rows whose pair is among the given ones, by a hash: a pair too many does no harm here."""
    held_streams, held_times = keys.column(0).to_numpy(), keys.column(1).to_numpy()
    near = np.flatnonzero((held_times >= times.min()) & (held_times <= times.max()))
    mask = np.zeros(len(held_times), dtype=np.bool_)
    mask[near] = np.isin(pair_keys(held_streams[near], held_times[near]), pair_keys(streams, times))
    return mask


def read_chunk(segment: Segment, number: int) -> pa.RecordBatch:
    """Read the entries of one chunk and prove that they are those that were written.

    Raises:
        DamagedFileError: a checksum is wrong, or the chunk is not what the catalog and the footer say.
        NewerFormatError, StorageError: from `segment_file`.
    """
    with segment_file(segment.path) as file:
        _check_columns(segment.path, file)
        return _sound_chunk(file, segment, number)


def verify_chunks(segment: Segment, numbers: Iterable[int]) -> None:
    """Prove, as `read_chunk` does, that chunks are those that were written; what reads without checksums asks first.

    Takes the memory of one chunk and the time of decompressing all.

    Raises:
        DamagedFileError, NewerFormatError, StorageError: as `read_chunk`.
    """
    with segment_file(segment.path) as file:
        _check_columns(segment.path, file)
        for number in numbers:
            _sound_chunk(file, segment, number)


def _check_columns(path: Path, file: pq.ParquetFile) -> None:
    if not file.schema_arrow.equals(_COLUMNS):
        raise DamagedFileError(path, "its columns are not those of a segment")


def _sound_chunk(file: pq.ParquetFile, segment: Segment, number: int) -> pa.RecordBatch:
    table = file.read_row_group(number)  # with labels, so that their checksums are looked at too
    entries = concat_entries(table.select(SCHEMA.names).cast(SCHEMA).to_batches())
    first, end = segment.chunk_span(number)
    if entries.num_rows != end - first:
        raise DamagedFileError(segment.path, f"chunk {number} has {entries.num_rows} entries and not {end - first}")
    # No checksum covers a Parquet footer, and a wrong bound there makes readers pass a chunk over.
    group = file.metadata.row_group(number)
    for place, values in enumerate((stream_column(entries), timestamp_column(entries))):
        bounds = group.column(place).statistics
        if bounds is None or (bounds.min, bounds.max) != (values.min(), values.max()):
            raise DamagedFileError(segment.path, f"the footer has wrong bounds for chunk {number}")
    return entries


def damage_of(segment: Segment) -> str:
    """Read a whole segment, a chunk at a time, and say what is wrong with it; empty when it is sound.

    Sound means that every page is what its checksum says and the footer what the catalog knows of it. A segment that
    another reader failed on and that is sound was not the reason.

    Raises:
        NewerFormatError, StorageError: it could not be looked at; nothing is known.
    """
    try:
        with segment_file(segment.path) as file:
            facts, table = _footer(segment.path, file)
            if facts != segment.facts or not table.equals(segment.streams):
                return "its footer is not what the catalog knows of it"
            if file.num_row_groups != facts.chunks:
                return f"it has {file.num_row_groups} chunks and not {facts.chunks}"
        verify_chunks(segment, range(segment.facts.chunks))
    except DamagedFileError as error:
        return error.reason
    return ""


def is_sound(segment: Segment) -> bool:
    """Tell whether `damage_of` finds nothing.

    Raises:
        NewerFormatError, StorageError: from `damage_of`.
    """
    return not damage_of(segment)
