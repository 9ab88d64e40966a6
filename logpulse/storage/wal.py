"""The write-ahead log: append-only files of checksummed records, each a committed batch.

The format is described in docs/format/wal.md. A record carries the labels of its streams, so each one reads alone and
damage to one costs only its own entries. Records never cross files, so letting go means deleting files.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import attrs
import msgspec
import pyarrow as pa

from logpulse.batch import SCHEMA, Batch
from logpulse.errors import LimitExceededError
from logpulse.limits import WAL_FILE_BYTES, WAL_RECORD_BYTES
from logpulse.model.labels import Labels
from logpulse.storage.filenames import DataFolder, wal_first_sequence, wal_name
from logpulse.storage.files import sync_folder

WalSync = Literal["always", "interval", "none"]

MAGIC: Final = b"LPWR"
VERSION: Final = 1
STORE_ID_BYTES: Final = 8  # of the secret that tells a record from log text that looks like one
HEADER: Final = struct.Struct(f"<4s{STORE_ID_BYTES}sHHIQ")  # magic, store id, version, kind, payload bytes, sequence
CHECKSUM: Final = struct.Struct("<I")  # crc32 of header and payload
PREFIX_BYTES: Final = HEADER.size + CHECKSUM.size
BATCH_KIND: Final = 1
_PROOF_BYTES: Final = 4096
_BATCH_HEAD: Final = struct.Struct("<qI")  # arrival in unix nanoseconds, bytes of the labels that follow


@attrs.frozen
class WalRecord:
    """Hold one committed batch; `arrival` is unix nanoseconds."""

    sequence: int
    arrival: int
    batch: Batch


def encode_record(record: WalRecord, store_id: bytes) -> list[bytes | memoryview]:
    """Write a record as the pieces of its bytes, ready for one `writev`."""
    labels = b"[" + b",".join(each.encoded for each in record.batch.streams.values()) + b"]"
    columns = memoryview(record.batch.entries.serialize())
    padding = -(PREFIX_BYTES + _BATCH_HEAD.size + len(labels)) % 8  # Arrow wants its buffers aligned
    head = _BATCH_HEAD.pack(record.arrival, len(labels) + padding) + labels + b" " * padding
    header = HEADER.pack(MAGIC, store_id, VERSION, BATCH_KIND, len(head) + len(columns), record.sequence)
    checksum = zlib.crc32(columns, zlib.crc32(head, zlib.crc32(header)))
    return [header, CHECKSUM.pack(checksum), head, columns]


def decode_record(sequence: int, payload: memoryview) -> WalRecord:
    """Read the payload of a batch record whose checksum was right.

    Raises:
        ValueError: the payload is not what `encode_record` writes (pyarrow's and msgspec's errors are ValueErrors too).
    """
    arrival, size = _BATCH_HEAD.unpack_from(payload)
    texts = msgspec.json.decode(bytes(payload[_BATCH_HEAD.size : _BATCH_HEAD.size + size]), type=list[dict[str, str]])
    streams = {labels.id: labels for labels in (Labels(tuple(each.items())) for each in texts)}
    entries = pa.ipc.read_record_batch(pa.py_buffer(payload[_BATCH_HEAD.size + size :]), SCHEMA)
    return WalRecord(sequence, arrival, Batch(entries, streams))


class Wal:
    """Append records durably. One thread at a time; after a failed write the next record starts a new file.

    Args:
        folder: the data folder, whose `wal` folder exists.
        store_id: its secret, `STORE_ID_BYTES` long.
        sync: `always` makes each append durable before it returns.
        on_sync: told the seconds of each fdatasync.
    """

    def __init__(
        self,
        folder: DataFolder,
        store_id: bytes,
        sync: WalSync,
        on_sync: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._store_id = store_id
        self._sync = sync
        self._on_sync = on_sync
        self._clock = clock
        self._next = 1
        self._file: int | None = None
        self._good_bytes = 0
        self._unsynced = False

    def continue_after(self, sequence: int) -> None:
        """Number the next record after `sequence`, once replay has shown what the files hold; without it, 1."""
        self._next = sequence + 1

    def append(self, arrival: int, batch: Batch) -> int:
        """Write one record and, with `always`, make it durable; return its sequence number.

        Raises:
            LimitExceededError: the record would be too large; nothing was written.
            OSError: nothing may be acknowledged. What was written is cut off again where the disk allows it; a record
                that survives nevertheless is superseded by the next file, which starts at the same sequence number.
        """
        if self._file is None or self._good_bytes >= WAL_FILE_BYTES:
            self.roll()
            self._open()
        file = self._file
        assert file is not None
        if not os.fstat(file).st_nlink:
            self._abandon()
            raise OSError("the WAL file was deleted by somebody else")
        pieces = encode_record(WalRecord(self._next, arrival, batch), self._store_id)
        size = sum(len(piece) for piece in pieces)
        if size > WAL_RECORD_BYTES:
            raise LimitExceededError("bytes of one commit", WAL_RECORD_BYTES, size)
        try:
            _write_all(file, pieces)
            self._unsynced = True
            if self._sync == "always":
                self.sync()
        except OSError:
            self._abandon()
            raise
        self._good_bytes += size
        self._next += 1
        return self._next - 1

    def sync(self) -> bool:
        """Make everything appended durable; tell whether there was anything to write.

        Raises:
            OSError: the file is poisoned and closed; fdatasync is never tried twice on one descriptor.
        """
        if self._file is None or not self._unsynced:
            return False
        began = self._clock()
        try:
            os.fdatasync(self._file)
        except OSError:
            self._abandon()
            raise
        self._unsynced = False
        self._on_sync(self._clock() - began)
        return True

    def prove(self) -> None:
        """Begin a new file and write to it durably, to see whether the disk takes data again.

        Raises:
            OSError: it does not.
        """
        self.roll()
        self._open()
        assert self._file is not None
        try:
            os.write(self._file, bytes(_PROOF_BYTES))  # zeros, which a reader passes over should they stay
            os.fdatasync(self._file)
            os.ftruncate(self._file, 0)
        except OSError:
            self._abandon()
            raise

    def roll(self) -> None:
        """Close the file, so that the next record starts a new one and this one can be let go."""
        if self._file is None:
            return
        if self._sync != "none":
            self.sync()
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def release(self, up_to: int) -> None:
        """Delete the closed files all of whose records have sequence numbers up to `up_to`. Not beside an append."""
        files = self._folder.wal_files()
        ends = [wal_first_sequence(path) for path in files[1:]]
        if self._file is None:
            ends.append(self._next)
        doomed = [path for path, end in zip(files, ends, strict=False) if end <= up_to + 1]
        for path in doomed:
            path.unlink(missing_ok=True)
        if doomed:
            sync_folder(self._folder.wal)

    def stored_bytes(self) -> int:
        """Count the bytes of the WAL files."""
        return sum(map(_size_of, self._folder.wal_files()))

    def close(self) -> None:
        """Make everything durable and close the file."""
        self.roll()

    def _open(self) -> None:
        path = self._folder.wal / wal_name(self._next)
        # A file of this name holds at most an abandoned record of the same number, never acknowledged.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            sync_folder(self._folder.wal)
        except OSError:  # a record in a file whose name may be lost would not be durable
            os.close(file)
            raise
        self._file, self._good_bytes = file, 0

    def _abandon(self) -> None:
        file, self._file, self._unsynced = self._file, None, False
        if file is None:
            return
        try:
            os.ftruncate(file, self._good_bytes)
        except OSError:
            pass  # the next file supersedes the remains
        finally:
            os.close(file)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # let go between the listing and this look
        return 0


def _write_all(file: int, pieces: list[bytes | memoryview]) -> None:
    rest = [memoryview(piece) for piece in pieces]
    while rest:
        written = os.writev(file, rest)
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if rest:
            rest[0] = rest[0][written:]
