"""How far each file was delivered, and what was sent without an answer yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import attrs

from agent.identity import NO_MARK, Identity, Mark
from agent.pipeline.lines import OpenLine
from agent.timeline import Timeline
from logpulse.limits import AGENT_FORGET_SECONDS


@attrs.frozen
class Point:
    """Stand between two lines of a file, or within a line that was sent in part."""

    mark: Mark = NO_MARK
    open_line: OpenLine | None = None

    @property
    def offset(self) -> int:
        """How many bytes lie before."""
        return self.mark.offset


START = Point()


@attrs.frozen
class Span:
    """Name a run of bytes that was sent: from the offset `start` up to `end`, line i with the time `base` + i."""

    start: int
    end: Point
    base: int


@attrs.define(eq=False)
class Record:
    """Follow one file through its names, from its first byte to the last, or to where it is truncated.

    `delivered` moves when the server has answered; `reached` is how far was read and is not kept over a restart;
    `pending` are the spans between the two that were sent. After a crash they are read and sent again with their old
    times, so that the server knows their lines. `filename` is the name under which the file was found first and stays
    the label of all its lines.
    """

    identity: Identity
    path: str
    filename: str
    delivered: Point = START
    pending: tuple[Span, ...] = ()
    seen: float = 0.0
    reached: Point = attrs.field(default=attrs.Factory(lambda self: self.delivered, takes_self=True))
    is_over: bool = attrs.field(default=False, init=False)

    def end(self) -> None:
        """Note that nothing more will be read: the file is gone."""
        self.is_over = True

    @property
    def proof(self) -> Mark:
        """The furthest mark known, by which the file is found again."""
        sent = self.pending[-1].end.mark if self.pending else NO_MARK
        return max(sent, self.reached.mark, key=lambda mark: mark.offset)

    @property
    def is_awaited(self) -> bool:
        """Whether this process has read what the server has not answered for yet."""
        return self.reached.offset > self.delivered.offset

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will be read and all that was read is delivered."""
        return self.is_over and self.delivered.offset >= self.reached.offset


@attrs.define(eq=False)
class Positions:
    """Hold the records of all files; `changes` counts what a save would keep."""

    records: list[Record] = attrs.field(factory=list)
    timeline: Timeline = attrs.field(factory=Timeline)
    changes: int = attrs.field(default=0, init=False)
    _wall_clock: Callable[[], float] = attrs.field(default=time.time, kw_only=True)

    def add(self, record: Record) -> None:
        """Take up a file."""
        record.seen = self._wall_clock()
        self.records.append(record)
        self.changes += 1

    def remove(self, record: Record) -> None:
        """Forget a file."""
        self.records.remove(record)
        self.changes += 1

    def of(self, identity: Identity) -> Iterator[Record]:
        """Give the records of a file, the newest first: it has several after it was truncated."""
        return (record for record in reversed(self.records) if record.identity == identity)

    def pledge(self, spans: Iterable[tuple[Record, Span]]) -> None:
        """Note what is about to be sent."""
        for record, span in spans:
            if span not in record.pending:
                record.pending += (span,)
        self.changes += 1

    def acknowledge(self, spans: Iterable[tuple[Record, Span]]) -> None:
        """Move the records behind what was delivered. Spans of one file come in its order."""
        for record, span in spans:
            record.delivered = span.end
            done = record.pending.index(span) + 1 if span in record.pending else 0
            record.pending = record.pending[done:]
            if record.is_settled and record in self.records:
                self.records.remove(record)
        self.changes += 1

    def tidy(self, present: Iterable[Record]) -> None:
        """Note that the files of `present` are there, and drop those that are over or were not seen for long.

        Those of which lines are on their way count as seen, however long the server is away.
        """
        now = self._wall_clock()
        for record in present:
            record.seen = now
        for record in self.records:
            if record.is_awaited:
                record.seen = now
        self.records = [
            record for record in self.records if not record.is_settled and now - record.seen < AGENT_FORGET_SECONDS
        ]
