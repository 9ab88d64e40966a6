"""Read WAL files back, past damage: a bad record is reported and skipped, the rest is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import attrs

from logpulse.errors import NewerFormatError
from logpulse.limits import WAL_RECORD_BYTES
from logpulse.storage.wal import BATCH_KIND, CHECKSUM, HEADER, MAGIC, PREFIX_BYTES, VERSION, WalRecord, decode_record


@attrs.frozen
class WalDamage:
    """Name bytes of a WAL file that are no record. In the `tail` nothing follows: a write that never finished."""

    path: Path
    offset: int
    size: int
    tail: bool
    reason: str


def read_wal(path: Path) -> Iterator[WalRecord | WalDamage]:
    """Yield the records of one file in order, and its damages where they stand. A tail of zeros is no damage.

    Raises:
        NewerFormatError: the file was written by a later version.
    """
    data = memoryview(path.read_bytes())
    offset = 0
    while offset < len(data):
        found = _record_at(path, data, offset)
        if isinstance(found, tuple):
            record, offset = found
            yield record
            continue
        following = _next_record(path, data, offset + 1)
        end = len(data) if following is None else following
        if following is not None or data[offset:].tobytes().strip(b"\0"):
            yield WalDamage(path, offset, end - offset, following is None, found)
        offset = end


def _record_at(path: Path, data: memoryview, offset: int) -> tuple[WalRecord, int] | str:
    """Read the record at `offset` and give where the next one starts, or say why there is none."""
    if len(data) - offset < PREFIX_BYTES:
        return "the header of a record is cut off"
    magic, version, kind, size, sequence = HEADER.unpack_from(data, offset)
    if magic != MAGIC:
        return "no record starts here"
    start, end = offset + PREFIX_BYTES, offset + PREFIX_BYTES + size
    if size > WAL_RECORD_BYTES or end > len(data):
        return "the record is longer than the file"
    (checksum,) = CHECKSUM.unpack_from(data, offset + HEADER.size)
    if zlib.crc32(data[start:end], zlib.crc32(data[offset : offset + HEADER.size])) != checksum:
        return "the checksum does not match"
    if version != VERSION or kind != BATCH_KIND:
        raise NewerFormatError(path, f"record format {version}.{kind} is newer than this LogPulse reads ({VERSION})")
    try:
        return decode_record(sequence, data[start:end]), end
    except ValueError as error:
        return f"the record cannot be decoded: {error}"


def _next_record(path: Path, data: memoryview, start: int) -> int | None:
    """Find where the next whole record starts."""
    text = data.obj
    assert isinstance(text, bytes)
    offset = text.find(MAGIC, start)
    while offset >= 0:
        if isinstance(_record_at(path, data, offset), tuple):
            return offset
        offset = text.find(MAGIC, offset + 1)
    return None
