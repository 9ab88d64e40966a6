"""What queries answer: entries with their labels, the place to go on from, and what it cost."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import struct
from collections.abc import Callable
from functools import cached_property
from typing import Final

import attrs

from logpulse.errors import InvalidRequestError
from logpulse.logql.record import Record
from logpulse.model.labels import Labels
from logpulse.query.matrix import Matrix

IDENTITY: Final = struct.Struct(">qq8s")
"""What the id of an entry is made of: timestamp, stream, hash of line and metadata."""

_CURSOR: Final = struct.Struct(">qq8sI")  # the same, and how many entries equal in time and stream came before


class Direction(enum.Enum):
    """The order of an answer by time."""

    BACKWARD = "backward"
    FORWARD = "forward"


class Side(enum.Enum):
    """On which side of a match an entry stands that is shown as its context."""

    BEFORE = "before"
    AFTER = "after"


@attrs.frozen(slots=False, eq=False)
class Entry:
    """Hold one entry as it is stored, and in `record` as the pipeline left it.

    `timestamp` is unix nanoseconds, `metadata` canonical JSON or None, `labels` those of the stream. An entry with a
    `side` is context: no pipeline has seen it.
    """

    stream: int
    timestamp: int
    line: str
    metadata: str | None
    labels: Labels
    record: Record
    side: Side | None = None

    @cached_property
    def digest(self) -> bytes:
        """Eight bytes of a hash of what the entry says."""
        text = f"{self.line}\0{self.metadata or ''}".encode()
        return hashlib.blake2b(text, digest_size=8).digest()

    @property
    def id(self) -> str:
        """The id of the entry, the same in every answer: it is made of what makes the entry itself."""
        packed = IDENTITY.pack(self.timestamp, self.stream, self.digest)
        return base64.urlsafe_b64encode(packed).decode()


@attrs.frozen
class Cursor:
    """Name the last entry of a page, so that the next page starts right after it.

    `repeats` counts the entries with this time and stream that the pages so far have shown, the last one included.
    """

    timestamp: int
    stream: int
    digest: bytes
    repeats: int

    def __str__(self) -> str:
        packed = _CURSOR.pack(self.timestamp, self.stream, self.digest, self.repeats)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str` wrote.

        Raises:
            InvalidRequestError: `text` is no cursor.
        """
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return cls(*_CURSOR.unpack(packed))
        except (binascii.Error, struct.error, ValueError):
            raise InvalidRequestError("cursor", text, "must be the `next` of an earlier answer") from None


@attrs.frozen
class PhaseSeconds:
    """Hold the seconds that a query spent choosing what to read, in scans, on rows one by one, and on series."""

    plan: float = 0
    scan: float = 0
    exact: float = 0
    evaluate: float = 0

    def __add__(self, other: PhaseSeconds) -> PhaseSeconds:
        return PhaseSeconds(
            self.plan + other.plan, self.scan + other.scan, self.exact + other.exact, self.evaluate + other.evaluate
        )


@attrs.frozen
class ScanStats:
    """Count what a query had to look at: chunks on disk, entries, and bytes of their text, each time it did.

    `streams` and `segments` are the different ones among those; `skipped_chunks` are all other chunks on disk.
    `cached_segments` are those that were not read, as their part of the answer was known from an earlier query.
    `exact_rows` are the entries that Python decided one by one, since SQL could not.
    """

    chunks: int = 0
    rows: int = 0
    text_bytes: int = 0
    streams: int = 0
    segments: int = 0
    skipped_chunks: int = 0
    cached_segments: int = 0
    exact_rows: int = 0
    seconds: PhaseSeconds = PhaseSeconds()

    def __add__(self, other: ScanStats) -> ScanStats:
        """Join what two reads for one query cost, which are about the same streams and segments."""
        return ScanStats(
            self.chunks + other.chunks,
            self.rows + other.rows,
            self.text_bytes + other.text_bytes,
            max(self.streams, other.streams),
            max(self.segments, other.segments),
            max(self.skipped_chunks, other.skipped_chunks),
            self.cached_segments + other.cached_segments,
            self.exact_rows + other.exact_rows,
            self.seconds + other.seconds,
        )


@attrs.frozen(eq=False)
class MetricsAnswer:
    """Hold what a metric query gives: a matrix, or the number that a query without a vector stands for."""

    result: Matrix | float
    stats: ScanStats


@attrs.frozen
class LogsPage:
    """Hold entries in the order asked for; `next` is None after the last page."""

    entries: tuple[Entry, ...]
    next: Cursor | None
    stats: ScanStats


LabelsOf = Callable[[int], Labels]
