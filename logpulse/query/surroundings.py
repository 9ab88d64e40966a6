"""The surroundings of one entry: what stands before and after it in its stream, whatever query found it."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from logpulse.errors import InvalidRequestError
from logpulse.limits import PAGE_TEXT_BYTES
from logpulse.logql.ast import Context
from logpulse.logql.base import make_base
from logpulse.logql.record import Record
from logpulse.model.labels import StreamId
from logpulse.query.endurance import Endurance
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.meter import Meter
from logpulse.query.neighbours import Neighbour, NeighbourReader
from logpulse.query.ordered_rows import OrderedRows
from logpulse.query.planner import ALL_TIMES, plan_streams
from logpulse.query.result import IDENTITY, Direction, Entry, Side
from logpulse.query.row_reader import Row, RowReader
from logpulse.query.scan import Position, RowOrder
from logpulse.storage.view import View

_ROWS: Final = 16  # of one time and stream, looked at first
_BEFORE_ALL: Final = ""  # sorts before the origin of every row


@attrs.frozen
class EntryId:
    """Name an entry: what the text of `Entry.id` says. `timestamp` is unix nanoseconds."""

    timestamp: int
    stream: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> EntryId:
        """Read an id as answers give it.

        Raises:
            InvalidRequestError: `text` is no id.
        """
        try:
            return cls(*IDENTITY.unpack(base64.b64decode(text, altchars=b"-_", validate=True)))
        except (binascii.Error, struct.error, ValueError):
            raise InvalidRequestError("id", text, "must be the `id` of an entry in an answer") from None


@attrs.frozen
class Surroundings:
    """Hold entries of one stream, the oldest first; those that are not the one asked for have a side.

    `is_found` says that this one is among them. `has_earlier` and `has_later` tell whether there are more on that side.
    """

    entries: tuple[Entry, ...] = ()
    is_found: bool = False
    has_earlier: bool = False
    has_later: bool = False


@attrs.frozen(eq=False)
class SurroundingsReader:
    """Read surroundings from `view`."""

    view: View
    executor: Executor
    endurance: Endurance
    interrupt: Interrupt

    def read(self, anchor: EntryId, before: int, after: int) -> Surroundings:
        """Give up to `before` earlier and `after` later entries of its stream with `anchor`, of any time.

        Fewer are given where they take over PAGE_TEXT_BYTES, the nearest ones. An entry that is no longer there is
        surrounded by what stands around its time.

        Raises:
            QueryMemoryError, QueryCancelledError, StorageError: as the engine's `logs`.
        """
        if StreamId(anchor.stream) not in self.view.index:
            return Surroundings()
        found = self._find(anchor)
        at = Position(anchor.timestamp, anchor.stream, _BEFORE_ALL, 0) if found is None else found.position
        plan = plan_streams(np.array([anchor.stream]), *ALL_TIMES, self.view)
        most = Context(before + 1, after + 1)  # one more tells whether there are any
        reader = NeighbourReader(plan, most, self.executor, self.endurance, self.interrupt, Meter(self.view))
        (near,) = reader.around([at])
        earlier, later = _within_size(near.earlier[:before]), _within_size(near.later[:after])
        sides = dict.fromkeys((each.position for each in earlier), Side.BEFORE)
        sides |= dict.fromkeys((each.position for each in later), Side.AFTER)
        rows = {row.position: row for row in reader.rows(sides.keys())}
        if found is not None:
            rows[at] = found
        return Surroundings(
            tuple(self._entry(row, sides.get(position)) for position, row in sorted(rows.items())),
            found is not None,
            len(near.earlier) > len(earlier),
            len(near.later) > len(later),
        )

    def _find(self, anchor: EntryId) -> Row | None:
        plan = plan_streams(np.array([anchor.stream]), anchor.timestamp, anchor.timestamp + 1, self.view)
        order = RowOrder(Direction.FORWARD)
        reader = RowReader(plan, order, self.executor, self.endurance, self.interrupt)
        for portion in OrderedRows(plan, order, reader.read, Meter(self.view)).portions(_ROWS, None):
            for row in portion:
                if self._entry(row, None).digest == anchor.digest:
                    return row
        return None

    def _entry(self, row: Row, side: Side | None) -> Entry:
        labels = self.view.index.labels(row.stream)
        record = Record(row.timestamp, row.line, make_base(labels, row.metadata))
        return Entry(row.stream, row.timestamp, row.line, row.metadata, labels, record, side)


def _within_size(near: Sequence[Neighbour]) -> Sequence[Neighbour]:
    """Give the nearest of some neighbours on one side that take up to half of PAGE_TEXT_BYTES."""
    sizes = np.cumsum([each.size for each in near], dtype=np.int64)
    return near[: int(np.searchsorted(sizes, PAGE_TEXT_BYTES // 2, side="right"))]
