"""The catalog: which streams and segments exist, in SQLite. Losing it loses nothing; the segments tell it all again.

The tables are described in docs/format/catalog.md.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from logpulse.errors import DamagedFileError, NewerFormatError
from logpulse.model.labels import Labels
from logpulse.storage.clock import ClockRecord
from logpulse.storage.filenames import DataFolder
from logpulse.storage.segment import Segment, SegmentFacts, StreamTable

VERSION: Final = 1
_FLUSHED: Final = "flushed_sequence"
_CLOCK: Final = "clock_"  # before the name of a field of the clock record
_TABLES: Final = """
create table if not exists state (
    name text primary key, value integer not null, checksum integer not null
) strict, without rowid;
create table if not exists streams (id integer primary key, labels text not null) strict;
create table if not exists segments (
    name text primary key, file_bytes integer not null, facts blob not null, streams blob not null,
    checksum integer not null
) strict, without rowid;
"""
_DISK_ERRORS: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


@attrs.frozen
class CatalogContents:
    """Hold what a catalog says: every WAL record up to `flushed_sequence` is in `segments`."""

    flushed_sequence: int
    streams: tuple[Labels, ...]
    segments: tuple[Segment, ...]
    clock: ClockRecord


class Catalog:
    """Record changes in transactions; each is durable when its method returns. One thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the catalog.

        Raises:
            DamagedFileError: the file is no sound SQLite database.
            OSError: the disk is full or broken, which says nothing about the file.
            NewerFormatError: a later version wrote it.
        """
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            # A rollback journal leaves one file behind; the catalog changes once a flush, so its speed does not matter.
            self._database.execute("pragma journal_mode = delete")
            # More than `full`: the folder is synced too when the journal goes, or power loss could bring it back.
            self._database.execute("pragma synchronous = extra")
            (version,) = self._database.execute("pragma user_version").fetchone()
            if version > VERSION:
                raise NewerFormatError(path, f"catalog format {version} is newer than this LogPulse reads ({VERSION})")
            (verdict,) = self._database.execute("pragma quick_check(1)").fetchone()
            if verdict != "ok":
                raise DamagedFileError(path, verdict)
            if version < VERSION:  # else nothing is written, as the disk may be full
                self._database.executescript(f"{_TABLES} pragma user_version = {VERSION};")
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise self._failure(error) from error
        except (DamagedFileError, NewerFormatError):
            self._database.close()
            raise

    def read(self, folder: DataFolder) -> CatalogContents:
        """Read everything.

        Raises:
            DamagedFileError: a row is not what was written.
            OSError: the disk is broken, which says nothing about the file.
        """
        try:
            state = dict(self._sound_rows("select name, value, checksum from state"))
            streams = tuple(self._labels())
            rows = self._sound_rows("select name, file_bytes, facts, streams, checksum from segments order by name")
            segments = tuple(
                Segment(
                    name,
                    folder.segment(name),
                    file_bytes,
                    msgspec.json.decode(facts, type=SegmentFacts),
                    StreamTable.decode(table),
                )
                for name, file_bytes, facts, table in rows
            )
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error
        except ValueError as error:
            raise DamagedFileError(self._path, str(error)) from error
        clock = ClockRecord(**{name: state.get(f"{_CLOCK}{name}", 0) for name in attrs.fields_dict(ClockRecord)})
        return CatalogContents(state.get(_FLUSHED, 0), streams, segments, clock)

    def _sound_rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows without their last column, the checksum of the others: SQLite has none of its own."""
        for *row, checksum in self._database.execute(query):
            if _checksum(row) != checksum:
                raise DamagedFileError(self._path, f"the checksum of {row[0]!r} does not match")
            yield tuple(row)

    def _labels(self) -> Iterator[Labels]:
        for stream, text in self._database.execute("select id, labels from streams"):
            labels = Labels.from_text(text)
            if labels.id != stream:
                raise DamagedFileError(self._path, f"stream {stream} does not have the labels {text}")
            yield labels

    def _failure(self, error: sqlite3.DatabaseError) -> OSError | DamagedFileError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # absent when Python itself refuses a value
        if code & 0xFF in _DISK_ERRORS:
            return OSError(f"{self._path}: {error}")
        return DamagedFileError(self._path, str(error))

    def add(self, segments: Sequence[Segment], streams: Iterable[Labels], flushed_sequence: int) -> None:
        """Add segments and streams, and note that all WAL records up to `flushed_sequence` are in segments.

        Raises:
            OSError: nothing was changed.
        """
        with self._transaction() as database:
            _insert(database, segments, streams)
            _set_state(database, {_FLUSHED: flushed_sequence})

    def note_clock(self, record: ClockRecord) -> None:
        """Write down what is known of the wall clock.

        Raises:
            OSError: nothing was changed.
        """
        with self._transaction() as database:
            _set_state(database, {f"{_CLOCK}{name}": value for name, value in attrs.asdict(record).items()})

    def replace(self, old: Sequence[Segment], new: Sequence[Segment]) -> None:
        """Put `new` in the place of `old` in one step; with no `new`, drop `old`.

        Raises:
            OSError: nothing was changed.
        """
        with self._transaction() as database:
            database.executemany("delete from segments where name = ?", [(segment.name,) for segment in old])
            _insert(database, new, ())

    def keep_streams(self, alive: Iterable[int]) -> None:
        """Drop every stream but these.

        Raises:
            OSError: nothing was changed.
        """
        with self._transaction() as database:
            database.execute("create temp table alive (id integer primary key)")
            database.executemany("insert into alive values (?)", [(stream,) for stream in alive])
            database.execute("delete from streams where id not in (select id from alive)")
            database.execute("drop table alive")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._database.execute("begin immediate")
            yield self._database
            self._database.execute("commit")
        except BaseException as error:
            if self._database.in_transaction:
                self._database.execute("rollback")
            if isinstance(error, sqlite3.Error):  # to a caller the disk is full or broken, as with any other file
                raise OSError(f"{self._path}: {error}") from error
            raise


def _insert(database: sqlite3.Connection, segments: Sequence[Segment], streams: Iterable[Labels]) -> None:
    rows = [(each.name, each.file_bytes, msgspec.json.encode(each.facts), each.streams.encode()) for each in segments]
    database.executemany(
        "insert or replace into segments values (?, ?, ?, ?, ?)", [(*row, _checksum(row)) for row in rows]
    )
    database.executemany("insert or ignore into streams values (?, ?)", [(each.id, each.text) for each in streams])


def _set_state(database: sqlite3.Connection, values: Mapping[str, int]) -> None:
    database.executemany(
        "insert or replace into state values (?, ?, ?)", [(*item, _checksum(item)) for item in values.items()]
    )


def _checksum(row: Sequence[str | int | bytes]) -> int:
    return zlib.crc32(msgspec.msgpack.encode(row))
