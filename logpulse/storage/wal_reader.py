"""Read WAL files back, past damage: a bad record is reported and skipped, the rest is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import attrs

from logpulse.errors import NewerFormatError
from logpulse.limits import WAL_RECORD_BYTES
from logpulse.storage.filenames import wal_first_sequence
from logpulse.storage.wal import (
    BATCH_KIND,
    CHECKSUM,
    HEADER,
    MAGIC,
    PREFIX_BYTES,
    STORE_ID_BYTES,
    VERSION,
    WalRecord,
    decode_record,
)


@attrs.frozen
class WalDamage:
    """Name bytes of a WAL file that are no record. In the `tail` nothing follows: a write that never finished."""

    path: Path
    offset: int
    size: int
    tail: bool
    reason: str


def read_wal(path: Path, store_id: bytes) -> Iterator[WalRecord | WalDamage]:
    """Yield the records of one file in order, and its damages where they stand. A tail of zeros is no damage.

    Raises:
        NewerFormatError: the file was written by a later version.
    """
    file = _WalFile(path, store_id)
    offset, lowest = 0, wal_first_sequence(path)
    while offset < len(file.data):
        found = file.record_at(offset)
        if isinstance(found, tuple):
            record, offset = found
            lowest = record.sequence + 1
            yield record
            continue
        following = file.next_record(offset + 1, lowest)
        end = len(file.data) if following is None else following
        if following is not None or file.data[offset:].tobytes().strip(b"\0"):
            yield WalDamage(path, offset, end - offset, following is None, found)
        offset = end


def store_id_in(path: Path) -> bytes | None:
    """Read the store id off the first record of a WAL file, as when the file that names it is lost."""
    with path.open("rb") as file:
        start = file.read(len(MAGIC) + STORE_ID_BYTES)
    whole = start.startswith(MAGIC) and len(start) == len(MAGIC) + STORE_ID_BYTES
    return start[len(MAGIC) :] if whole else None


class _WalFile:
    def __init__(self, path: Path, store_id: bytes) -> None:
        self._path = path
        self._text = path.read_bytes()
        self._start = MAGIC + store_id
        self.data = memoryview(self._text)

    def record_at(self, offset: int) -> tuple[WalRecord, int] | str:
        """Read the record at `offset` and give where the next one starts, or say why there is none."""
        data = self.data
        if len(data) - offset < PREFIX_BYTES:
            return "the header of a record is cut off"
        magic, store_id, version, kind, size, sequence = HEADER.unpack_from(data, offset)
        if magic + store_id != self._start:
            return "no record of this store starts here"
        start, end = offset + PREFIX_BYTES, offset + PREFIX_BYTES + size
        if size > WAL_RECORD_BYTES or end > len(data):
            return "the record is longer than the file"
        (checksum,) = CHECKSUM.unpack_from(data, offset + HEADER.size)
        if zlib.crc32(data[start:end], zlib.crc32(data[offset : offset + HEADER.size])) != checksum:
            return "the checksum does not match"
        if version != VERSION or kind != BATCH_KIND:
            reason = f"record format {version}.{kind} is newer than this LogPulse reads ({VERSION})"
            raise NewerFormatError(self._path, reason)
        try:
            return decode_record(sequence, data[start:end]), end
        except ValueError as error:
            return f"the record cannot be decoded: {error}"

    def next_record(self, start: int, lowest: int) -> int | None:
        """Find where the next whole record starts whose sequence number is `lowest` or above.

        Whatever does not look like a record of this version is passed over: log text stands in these bytes too.
        """
        offset = self._text.find(self._start, start)
        while offset >= 0:
            try:
                found = self.record_at(offset)
            except NewerFormatError:
                found = "text"
            if isinstance(found, tuple) and found[0].sequence >= lowest:
                return offset
            offset = self._text.find(self._start, offset + 1)
        return None
