"""Records of the write-ahead log in a form that compares, and logs to write them to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from logpulse.batch import Batch
from logpulse.storage.filenames import DataFolder
from logpulse.storage.problems import Problems
from logpulse.storage.recovery import replay
from logpulse.storage.wal import (
    Wal,
    WalRecord,
    WalSync,
    encode_record,
)
from logpulse.storage.wal_reader import WalDamage, read_wal

from ..strategies import NOON, LogEntry, entries_of

Content = tuple[int, int, tuple[LogEntry, ...]]
STORE_ID = bytes.fromhex("0123456789abcdef")


def read_file(path: Path) -> list[WalRecord | WalDamage]:
    """Read one file of the store with the id `STORE_ID`."""
    return list(read_wal(path, STORE_ID))


def content(record: WalRecord) -> Content:
    """Give what a record says, in a form that compares."""
    return record.sequence, record.arrival, tuple(entries_of([record.batch]))


def encoded(record: WalRecord) -> bytes:
    """Give the bytes of a record."""
    return b"".join(bytes(piece) for piece in encode_record(record, STORE_ID))


def encoded_all(records: Sequence[WalRecord]) -> bytes:
    """Give the bytes of records one behind the other."""
    return b"".join(map(encoded, records))


def numbered(found: Sequence[Batch]) -> list[WalRecord]:
    """Make the batches records 1, 2, 3, ..."""
    return [WalRecord(number, NOON + number, batch) for number, batch in enumerate(found, 1)]


def open_wal(folder: DataFolder, sync: WalSync = "always", first: int = 1) -> Wal:
    """Open a WAL whose next record has the number `first`."""
    wal = Wal(folder, STORE_ID, sync, lambda _: None, lambda: 0.0)
    wal.continue_after(first - 1)
    return wal


def replayed(folder: DataFolder, flushed: int = 0) -> list[Content]:
    """Replay as at a start."""
    return [content(record) for record in replay(folder, STORE_ID, flushed, None, Problems(folder))]
