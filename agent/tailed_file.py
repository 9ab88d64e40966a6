"""One open file: read it in chunks, and notice when it is truncated, renamed or deleted."""

from __future__ import annotations

import enum
import errno
import os
import time
from collections import deque

import attrs

from agent.entry import Chunk
from agent.identity import Identity, Mark, open_regular
from agent.pipeline.labelling import StreamLabels
from agent.pipeline.lines import Cutting, OpenLine, cut_again, cut_lines, cut_rest
from agent.positions import Point, Record, Span
from agent.timeline import Timeline
from logpulse.limits import AGENT_OPEN_LINE_SECONDS, AGENT_READ_BYTES


class Change(enum.Enum):
    """Say what happened to the contents of a file."""

    NONE = enum.auto()
    WRITTEN = enum.auto()
    TRUNCATED = enum.auto()


@attrs.frozen
class _Look:
    """Remember what stat said, to do no work while nothing changes."""

    size: int
    modified: int
    changed: int


class TailedFile:
    """Hold a file open and read it from where its record was left.

    The file is the buffer: nothing of it is kept here, and an unfinished line is read anew when it has grown. Every
    method may raise OSError, and can be called again after it.
    """

    def __init__(
        self, descriptor: int, path: str, record: Record, labels: StreamLabels, timeline: Timeline, longest: int
    ) -> None:
        self.path = path
        self.record = record
        self.labels = labels
        self._descriptor = descriptor
        self._identity = Identity.of(os.fstat(descriptor))
        self._timeline = timeline
        self._longest = longest
        self._again = deque(record.pending)
        self._last_look: _Look | None = None
        self._size_before = 0

    @property
    def identity(self) -> Identity:
        """Which file is open."""
        return self._identity

    @property
    def descriptor(self) -> int:
        """The open file, for comparing it with others."""
        return self._descriptor

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def reopen(self) -> None:
        """Open the file anew after it failed, if it still has its name."""
        descriptor = open_regular(self.path)
        if Identity.of(os.fstat(descriptor)) == self._identity:
            descriptor, self._descriptor = self._descriptor, descriptor
        os.close(descriptor)

    # -- watching ------------------------------------------------------------------------------------------------------

    def look(self) -> Change:
        """Tell what happened to the contents since this was asked last.

        A file that was never read from counts as truncated when it shrinks; what was lost may stand in a copy.
        """
        status = os.fstat(self._descriptor)
        look = _Look(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        before, self._last_look = self._last_look, look
        if look == before:
            return Change.NONE
        mark = self.record.reached.mark
        has_shrunk = before is not None and look.size < before.size
        if not mark.holds(self._descriptor) or (has_shrunk and mark.offset == 0):
            self._size_before = before.size if before is not None else mark.offset
            return Change.TRUNCATED
        return Change.WRITTEN

    @property
    def size_before(self) -> int:
        """The bytes that the file was last known to have before it was truncated, at least."""
        return max(self._size_before, self.record.reached.offset)

    def has_left(self) -> bool:
        """Tell whether the path leads to another file or to none."""
        try:
            return Identity.of(os.stat(self.path)) != self._identity  # noqa: PTH116 - four times a second for each file
        except (FileNotFoundError, NotADirectoryError):
            return True

    def is_deleted(self) -> bool:
        """Tell whether the file has no name left."""
        try:
            return os.fstat(self._descriptor).st_nlink == 0
        except OSError as error:
            if error.errno == errno.ESTALE:  # a network file system's way to say so
                return True
            raise

    def unread(self) -> int:
        """Count the bytes behind what was read; those of an unfinished line are among them."""
        return max(0, os.fstat(self._descriptor).st_size - self.record.reached.offset)

    def is_quiet(self) -> bool:
        """Tell whether the file was not written to for so long that an unfinished line will stay as it is."""
        return time.time() - os.fstat(self._descriptor).st_mtime >= AGENT_OPEN_LINE_SECONDS

    def begin_again(self, record: Record) -> None:
        """Go on at the start of the file, which was truncated, with a record of its own."""
        self.record = record
        self._again.clear()

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(self) -> Chunk | None:
        """Read the next complete lines, about AGENT_READ_BYTES; None if there are none now.

        What was sent before a crash and not answered comes first, just as it was sent.
        """
        while self._again:
            span = self._again.popleft()
            if span.start == self.record.reached.offset and span.end.mark.holds(self._descriptor):
                return self._read_again(span)
        window = self._window(AGENT_READ_BYTES)
        cutting = self._cut(window)
        if cutting.consumed == 0 and len(window) >= AGENT_READ_BYTES:
            window = self._window(self._longest + AGENT_READ_BYTES)
            cutting = self._cut(window)
        return self._chunk(window, cutting, has_ended=False) if cutting.consumed else None

    def read_rest(self) -> Chunk | None:
        """Read to the end at which the file stays, at most a few lines: one without a newline counts as complete."""
        window = self._window(self._longest + AGENT_READ_BYTES)
        if not window:
            return None
        cutting = cut_rest(window, longest=self._longest, open_parts=self._open_parts, at_start=self._at_start)
        return self._chunk(window, cutting, has_ended=True)

    def _read_again(self, span: Span) -> Chunk:
        data = os.pread(self._descriptor, span.end.offset - span.start, span.start)
        cutting = cut_again(
            data,
            longest=self._longest,
            open_parts=self._open_parts,
            at_start=self._at_start,
            end=span.end.open_line,
        )
        entries, _ = self.labels.entries(cutting.lines, span.base, self._open_level)
        self.record.reached = span.end
        return Chunk(self.record, span, entries)

    def _window(self, size: int) -> bytes:
        """Read behind what was read before, in one go with the proof that this is the same file still."""
        mark = self.record.reached.mark
        before = mark.offset - mark.tail_start
        data = os.pread(self._descriptor, before + size, mark.tail_start)
        return data[before:] if mark.ends(data[:before]) else b""

    def _cut(self, window: bytes) -> Cutting:
        return cut_lines(window, longest=self._longest, open_parts=self._open_parts, at_start=self._at_start)

    def _chunk(self, window: bytes, cutting: Cutting, *, has_ended: bool) -> Chunk:
        start = self.record.reached
        base = self._timeline.reserve(len(cutting.lines))
        entries, level = self.labels.entries(cutting.lines, base, self._open_level)
        open_line = OpenLine(cutting.open_parts, level, has_ended) if cutting.open_parts else None
        end = Point(self._mark(start.mark, window[: cutting.consumed]), open_line)
        self.record.reached = end
        return Chunk(self.record, Span(start.offset, end, base), entries)

    def _mark(self, start: Mark, read: bytes) -> Mark:
        offset = start.offset + len(read)
        here = Mark(offset)
        missing = here.offset - here.tail_start - len(read)
        before = os.pread(self._descriptor, missing, here.tail_start) if missing > 0 else b""
        return start.moved(self._descriptor, offset, before + read)

    @property
    def _open_parts(self) -> int:
        line = self.record.reached.open_line
        return line.parts if line else 0

    @property
    def _open_level(self) -> str:
        line = self.record.reached.open_line
        return line.level if line else ""

    @property
    def _at_start(self) -> bool:
        return self.record.reached.offset == 0


def last_line_start(descriptor: int, longest: int) -> Point:
    """Stand at the start of the line at the end of an open file, which is empty if the file ends with a newline.

    Raises:
        OSError: the file cannot be read.
    """
    size = os.fstat(descriptor).st_size
    start = max(0, size - longest)
    newline = os.pread(descriptor, size - start, start).rfind(b"\n")
    return Point(Mark.at(descriptor, start + newline + 1 if newline >= 0 else size if start else 0))
