"""The entries of a push by column, on their way from a body to a batch, and the refused ones among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.errors import LimitExceededError
from logpulse.limits import ENTRIES_PER_PUSH, REJECTED_SHOWN

FaultSink = Callable[[int, int, str], None]


@attrs.frozen(eq=False)
class Columns:
    """Hold entries by column before validation; `stream` and `entry` are their places in the body.

    `times` are unix nanoseconds; `timeless` names the rows without one, each with the reason.
    """

    stream: Int64Array
    entry: Int64Array
    times: Int64Array
    timeless: Sequence[tuple[int, str]]
    lines: pa.Array
    metadata: Sequence[dict[str, str] | None] | None


@attrs.frozen(eq=False)
class LabelledColumns:
    """Hold what a body says before its labels are read: the text of each stream's, and how many entries it has."""

    labels: Sequence[bytes]
    sizes: Sequence[int]
    columns: Columns


def places(sizes: Sequence[int]) -> tuple[Int64Array, Int64Array]:
    """Give the columns `stream` and `entry` of a body whose streams have so many entries each.

    Raises:
        LimitExceededError: there are more than ENTRIES_PER_PUSH.
    """
    check_entries(sum(sizes))
    counts = np.array(sizes, dtype=np.int64)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(counts)), counts), np.arange(int(counts.sum())) - first


def check_entries(count: int) -> None:
    """Refuse a push of more than ENTRIES_PER_PUSH; raises as `places` does."""
    if count > ENTRIES_PER_PUSH:
        raise LimitExceededError("entries per push", ENTRIES_PER_PUSH, count)


@attrs.frozen
class Rejected:
    """Name a refused entry by the index of its stream and its own index in that stream."""

    stream: int
    entry: int
    reason: str


@attrs.define
class Faults:
    """Collect refused entries: all are counted, the first ones are kept."""

    count: int = 0
    _kept: list[Rejected] = attrs.field(factory=list)

    def add(self, stream: int, entry: int, reason: str) -> None:
        """Refuse the entry at this place of the body."""
        self.count += 1
        if len(self._kept) < REJECTED_SHOWN:
            self._kept.append(Rejected(stream, entry, reason))

    def add_row(self, columns: Columns, row: int, reason: str) -> None:
        """Refuse the entry in this row of the columns."""
        self.add(int(columns.stream[row]), int(columns.entry[row]), reason)

    def shown(self) -> tuple[Rejected, ...]:
        """Give the kept ones in the order of the body."""
        return tuple(sorted(self._kept, key=lambda each: (each.stream, each.entry)))
