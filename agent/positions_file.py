"""The positions file: one JSON document with a checksum, replaced as a whole.

    {"version":1,"checksum":"<BLAKE2b-128 of the text of state>","state":{"newest":…,"files":[…]}}

Beside it stand `.bak`, the last durable one before, and `.lock`, which the running agent holds. Paths are
percent-encoded, since not all of them are UTF-8.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes
from weakref import WeakKeyDictionary

import attrs
import msgspec

from agent.identity import Identity, Mark
from agent.pipeline.lines import OpenLine
from agent.positions import Point, Positions, Record, Span
from agent.timeline import Timeline
from logpulse.errors import DamagedFileError, LogPulseError, StorageError
from logpulse.limits import AGENT_POSITIONS_BYTES, OLDEST_NS

_VERSION: Final = 1
_log: Final = logging.getLogger(__name__)


@attrs.define(eq=False, slots=False)
class PositionsLockedError(StorageError):
    """Refuse a positions file that another agent holds."""


@attrs.define(eq=False, slots=False)
class LaterVersionError(StorageError):
    """Refuse positions that a later version of the agent wrote: to leave them aside would send everything again."""


class _PointText(msgspec.Struct, frozen=True, omit_defaults=True):
    offset: int
    head: str = ""
    tail: str = ""
    parts: int = 0
    level: str = ""
    ended: bool = False

    @classmethod
    def of(cls, point: Point) -> _PointText:
        line = point.open_line or OpenLine(0, "", has_ended=False)
        return cls(point.offset, point.mark.head, point.mark.tail, line.parts, line.level, line.has_ended)

    def read(self) -> Point:
        line = OpenLine(self.parts, self.level, self.ended) if self.parts else None
        return Point(Mark(self.offset, self.head, self.tail), line)


class _SpanText(msgspec.Struct, frozen=True):
    start: int
    end: _PointText
    base: int

    def read(self) -> Span:
        return Span(self.start, self.end.read(), self.base)


class _RecordText(msgspec.Struct, frozen=True, omit_defaults=True):
    device: int
    inode: int
    path: str
    filename: str
    delivered: _PointText
    seen: float
    pending: list[_SpanText] = []

    @classmethod
    def of(cls, record: Record) -> _RecordText:
        return cls(
            record.identity.device,
            record.identity.inode,
            _path_text(record.path),
            _path_text(record.filename),
            _PointText.of(record.delivered),
            record.seen,
            [_SpanText(span.start, _PointText.of(span.end), span.base) for span in record.pending],
        )

    def read(self) -> Record:
        return Record(
            Identity(self.device, self.inode),
            _path(self.path),
            _path(self.filename),
            self.delivered.read(),
            tuple(span.read() for span in self.pending),
            self.seen,
        )


class _State(msgspec.Struct, frozen=True):
    newest: int
    files: list[_RecordText]


class _Version(msgspec.Struct, frozen=True):
    version: int


class _Document(_Version, frozen=True):
    checksum: str
    state: msgspec.Raw


def _path_text(path: str) -> str:
    return quote_from_bytes(os.fsencode(path), safe="/ :@+,=[]{}()~")


def _path(text: str) -> str:
    return os.fsdecode(unquote_to_bytes(text))


class PositionsEncoder:
    """Write the document, before every batch: each record is written anew only when it has changed.

    With a thousand files, one of which is written to, this takes a fifth of the time.
    """

    def __init__(self) -> None:
        self._written: WeakKeyDictionary[Record, tuple[tuple[object, ...], msgspec.Raw]] = WeakKeyDictionary()

    def encode(self, positions: Positions) -> bytes:
        """Write the document."""
        # A file that is gone is worth keeping only for what was sent of it.
        kept = [self._text(record) for record in positions.records if record.pending or not record.is_over]
        state = msgspec.json.encode({"newest": positions.timeline.newest, "files": kept})
        return msgspec.json.encode(_Document(_VERSION, _checksum(state), msgspec.Raw(state))) + b"\n"

    def _text(self, record: Record) -> msgspec.Raw:
        # All that is written of it; these are values, so the same object has the same text.
        now = (record.identity, record.path, record.filename, record.delivered, record.seen, record.pending)
        before = self._written.get(record)
        if before is not None and before[0] == now:
            return before[1]
        text = msgspec.Raw(msgspec.json.encode(_RecordText.of(record)))
        self._written[record] = now, text
        return text


def decode_positions(data: bytes, path: Path) -> Positions:
    """Read the document; `path` is for the error.

    Raises:
        DamagedFileError: it is no such document, or its checksum is wrong.
        LaterVersionError: a later version of the agent wrote it.
    """
    try:
        # Alone at first: the rest may look different in a later version.
        version = msgspec.json.decode(data, type=_Version).version
        if version > _VERSION:
            raise LaterVersionError(
                path,
                f"was written by a later version of the agent: its format is {version}, this one knows {_VERSION}; "
                "use the later version, or choose another positions_file to send everything again",
            )
        document = msgspec.json.decode(data, type=_Document)
        if document.version != _VERSION:
            raise DamagedFileError(path, f"version {document.version} never was")
        if document.checksum != _checksum(bytes(document.state)):
            raise DamagedFileError(path, "the checksum is wrong")
        state = msgspec.json.decode(document.state, type=_State)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedFileError(path, str(error)) from error
    return Positions([each.read() for each in state.files], Timeline(max(state.newest, OLDEST_NS)))


def _checksum(state: bytes) -> str:
    return hashlib.blake2b(state, digest_size=16).hexdigest()


class PositionsFile:
    """Keep positions on disk. Everything here blocks; `open_positions_file` makes one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._backup = path.with_name(path.name + ".bak")
        self._new = path.with_name(path.name + ".tmp")

    def load(self) -> Positions | None:
        """Read the positions, from the backup if need be; None when there never were any.

        What is damaged is put aside under the name `.corrupt-<unix time>`, and files without positions are read from
        their beginning: the agent repeats lines rather than not to start.

        Raises:
            LaterVersionError: a later version of the agent wrote them.
            StorageError: a file is a link, or the disk fails.
        """
        is_new = True
        for path in (self._path, self._backup, self._new):
            try:
                return decode_positions(_read_private(path), path)
            except FileNotFoundError:
                continue
            except DamagedFileError as error:
                is_new = False
                self._put_aside(path, error)
            except OSError as error:
                raise StorageError(path, _reason(error)) from error
        return None if is_new else Positions()

    def _put_aside(self, path: Path, error: LogPulseError) -> None:
        aside = path.with_name(f"{self._path.name}.corrupt-{time.time_ns() // 10**9}")
        _log.error("the positions file cannot be used and is put aside as %s: %s", aside, error)
        with contextlib.suppress(OSError):
            path.rename(aside)

    def write(self, document: bytes) -> None:
        """Replace the file, safe from the death of this process and not of the machine.

        Raises:
            StorageError: the disk is full or fails; the old file stays.
        """
        try:
            _write_private(self._new, document)
            self._new.replace(self._path)
        except OSError as error:
            raise StorageError(self._path, _reason(error)) from error

    def write_durably(self, document: bytes) -> None:
        """Replace the file and the backup, safe from the death of the machine.

        Raises:
            StorageError: the disk is full or fails; the old file stays.
        """
        try:
            _write_private(self._new, document)
            _sync(self._new, os.O_RDONLY)
            with contextlib.suppress(FileNotFoundError):
                self._path.replace(self._backup)
            self._new.replace(self._path)
            _sync(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StorageError(self._path, _reason(error)) from error


@contextlib.contextmanager
def open_positions_file(path: Path) -> Iterator[PositionsFile]:
    """Hold the positions file at `path` while the block lasts, and make its folder if there is none.

    Raises:
        PositionsLockedError: another agent holds it.
        StorageError: it is a link, or others may write to its folder.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(path.parent)
        if path.is_symlink():
            raise StorageError(path, "is a symbolic link; name the file itself")
        lock = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise StorageError(path, _reason(error)) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PositionsLockedError(path, "another agent uses it; give each its own positions_file") from None
        yield PositionsFile(path)
    finally:
        os.close(lock)


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
        raise StorageError(folder, "others may write to the folder of positions_file: chmod go-w, or choose another")


def _read_private(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_size > AGENT_POSITIONS_BYTES:
            raise DamagedFileError(path, f"larger than {AGENT_POSITIONS_BYTES} bytes")
        return file.read()


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a symbolic link; name the file itself"
    return error.strerror or str(error)
