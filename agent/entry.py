"""What is sent: entries, and the chunks of a file that they come from."""

from __future__ import annotations

import attrs

from agent.positions import Record, Span
from logpulse.limits import AGENT_ENTRY_BYTES

LabelPairs = tuple[tuple[str, str], ...]


@attrs.frozen
class Entry:
    """Hold one line with the labels of its stream; `time` is in unix nanoseconds, `part` as in `RawLine.part`."""

    labels: LabelPairs
    time: int
    line: str
    part: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the entry."""
        return {"lp_part": self.part} if self.part else {}


@attrs.frozen
class Chunk:
    """Hold the entries of one run of bytes of a file; there are none in a run of NULs."""

    record: Record
    span: Span
    entries: list[Entry]

    @property
    def size(self) -> int:
        """About how many bytes the entries have in a request."""
        return self.span.end.offset - self.span.start + AGENT_ENTRY_BYTES * len(self.entries)
