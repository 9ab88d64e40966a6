"""What the server answers, as the client commands read it. Unknown fields are ignored: the API may add some.

Entries stay raw bytes until somebody needs a field of them, so that `--output jsonl` passes them on unchanged.
"""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One log entry; `timestamp` is RFC 3339 in UTC. `context` tells one that stands near a match from the matches."""

    id: str
    timestamp: str
    message: str
    labels: dict[str, str] = {}
    level: str = ""
    context: bool = False


class EntryKey(msgspec.Struct, frozen=True):
    """The part of an entry that tells it from every other one and says when it was."""

    id: str
    timestamp: str


class EntryMark(EntryKey, frozen=True):
    """The same, and whether it is there as the context of a match."""

    context: bool = False


class Series(msgspec.Struct, frozen=True):
    """One series of a metric query's answer: RFC 3339 times with values, as text those that are NaN or infinite."""

    labels: dict[str, str]
    points: list[tuple[str, float | str]]


class RawSeries(msgspec.Struct, frozen=True):
    """The same, its labels as they came."""

    labels: msgspec.Raw
    points: list[tuple[str, float | str]]


class Stats(msgspec.Struct, frozen=True, rename="camel"):
    """What one query cost; `execution_time` is in milliseconds."""

    queried_chunks: int = 0
    scanned_lines: int = 0
    scanned_bytes: int = 0
    execution_time: float = 0

    def __add__(self, other: Stats) -> Stats:
        return Stats(
            self.queried_chunks + other.queried_chunks,
            self.scanned_lines + other.scanned_lines,
            self.scanned_bytes + other.scanned_bytes,
            self.execution_time + other.execution_time,
        )


class Page(msgspec.Struct, frozen=True):
    """One answer of `/query`: entries or series, and the cursor of what follows, if anything does."""

    logs: list[msgspec.Raw] = []
    series: list[msgspec.Raw] = []
    stats: Stats = Stats()
    next: str | None = None


class SelectorPlan(msgspec.Struct, frozen=True, rename="camel"):
    """What one selector of a query has to read, and which of its stages SQL decides, which Python for each row.

    Segments are counted in all and within the query's time; `text_bytes` is their log text.
    """

    selector: str
    streams: int = 0
    segments: int = 0
    segments_in_time: int = 0
    head_rows: int = 0
    text_bytes: int = 0
    pushed_down: list[str] = []
    exact: list[str] = []
    mode: str = ""


class Plan(msgspec.Struct, frozen=True):
    """The answer of `/explain`: the query in canonical form, `logs` or `metric`, and its selectors in their order.

    `endings` choose which of the entries found are shown.
    """

    query: str
    kind: str = ""
    selectors: list[SelectorPlan] = []
    endings: list[str] = []


class SeriesList(msgspec.Struct, frozen=True):
    """The answer of Loki's `series`: the labels of each stream."""

    data: list[dict[str, str]] = []


class IndexStats(msgspec.Struct, frozen=True):
    """The answer of Loki's `index/stats`."""

    streams: int = 0
    chunks: int = 0
    bytes: int = 0
    entries: int = 0


class Sample(msgspec.Struct, frozen=True):
    """One element of a vector: its labels, and a unix time with a number as text."""

    metric: dict[str, str]
    value: tuple[float, str]


class Vector(msgspec.Struct, frozen=True, rename="camel"):
    """The elements of a vector, in the server's order."""

    result: list[Sample] = []


class VectorAnswer(msgspec.Struct, frozen=True):
    """An answer of Loki's routes that is a vector."""

    data: Vector = Vector()


class Place(msgspec.Struct, frozen=True):
    """Where in a query something is wrong, in characters from 0."""

    offset: int
    length: int = 1


class Rejection(msgspec.Struct, frozen=True):
    """One entry that was not stored: its place in the push and why."""

    stream: int
    entry: int
    reason: str


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """The body of every answer that is no success, and an `error` frame, which calls its text `message`."""

    error: str = ""
    message: str = ""
    position: Place | None = None
    expected: list[str] = []
    hint: str = ""
    accepted: int = 0
    rejected: list[Rejection] = []
    rejected_count: int = 0


class Accepted(msgspec.Struct, frozen=True):
    """The answer to a push that was stored whole."""

    accepted: int


class Frame(msgspec.Struct, frozen=True, rename={"from_": "from", "at_least": "atLeast"}):
    """Any frame of `/stream`: `type` says which fields mean something, so that a new type breaks nothing."""

    type: str
    data: msgspec.Raw = msgspec.Raw(b"[]")
    count: int = 0
    at_least: bool = False
    from_: str = ""
    to: str = ""
    time: str = ""
