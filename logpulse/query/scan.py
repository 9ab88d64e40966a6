"""Write the SQL that reads rows in order: the same query over Parquet segments and over the batches in memory."""

from __future__ import annotations

from typing import Final, NamedTuple

import attrs
import pyarrow as pa

from logpulse.logql.stages.predicate import SqlPredicate, all_of
from logpulse.query.executor import ScanTask
from logpulse.query.place import Place
from logpulse.query.result import Direction

_ENTRY: Final = 'stream, "timestamp", line, metadata'
_CHOSEN: Final = "chosen"


@attrs.frozen
class RowOrder:
    """Order rows totally: by time, then stream, then the order of their commits."""

    direction: Direction

    @property
    def sql(self) -> str:
        """The `order by` list."""
        way = "asc" if self.direction is Direction.FORWARD else "desc"
        return ", ".join(f"{column} {way}" for column in ('"timestamp"', "stream", "origin", "row_number"))

    @property
    def is_backward(self) -> bool:
        """Whether the newest row comes first."""
        return self.direction is Direction.BACKWARD

    @property
    def later(self) -> str:
        """The sign between a row and one that stands before it in this order."""
        return "<" if self.is_backward else ">"

    def is_before(self, one: Position, other: Position) -> bool:
        """Tell whether `one` comes before `other`."""
        return other < one if self.is_backward else one < other


class Position(NamedTuple):
    """Name the place of a row in the total order; `origin` and `row_number` tell rows of one time and stream apart.

    A tuple, as millions of them are compared.
    """

    timestamp: int
    stream: int
    origin: str
    row_number: int


@attrs.frozen
class Bounds:
    """Restrict rows to those after a row, those from a time and stream on, and those up to a time, in some order.

    `without` are conditions that the rows wanted meet besides.
    """

    after: Position | None = None
    start: tuple[int, int] | None = None
    last_time: int | None = None
    without: tuple[SqlPredicate, ...] = ()

    def predicates(self, place: Place, order: RowOrder) -> list[SqlPredicate]:
        """Write the conditions for the rows of `place`; those on the time alone let row groups be skipped."""
        found = list(self.without)
        if self.last_time is not None:
            found.append(SqlPredicate(f'? {order.later}= "timestamp"', (self.last_time,)))
        if self.start is not None:
            time, stream = self.start
            text = f'"timestamp" {order.later} ? or ("timestamp" = ? and stream {order.later}= ?)'
            found.append(SqlPredicate(text, (time, time, stream)))
        if self.after is not None:
            last = self.after
            found.append(SqlPredicate(f'"timestamp" {order.later}= ?', (last.timestamp,)))
            columns = f'("timestamp", stream, {place.origin}, {place.row_number})'
            values = (last.timestamp, last.stream, last.origin, last.row_number)
            found.append(SqlPredicate(f"{columns} {order.later} (?, ?, ?, ?)", values))
        return found


def first_rows(place: Place, bounds: Bounds, order: RowOrder, limit: int) -> ScanTask:
    """Ask for the first `limit` rows of a place: origin, row_number, stream, timestamp, line, metadata."""
    condition = _condition(place, bounds, order)
    sql = (
        f"select {_key(place)}, {_ENTRY} from {place.relation} "
        f"where {condition.text} order by {order.sql} limit {limit}"
    )
    return ScanTask(sql, (*place.parameters, *condition.parameters), place.tables)


def first_places(place: Place, bounds: Bounds, order: RowOrder, limit: int) -> ScanTask:
    """Ask where these rows are and how many bytes of text they have: origin, row_number, size."""
    condition = _condition(place, bounds, order)
    size = "strlen(line) + coalesce(strlen(metadata), 0)"
    sql = (
        f'select origin, row_number, size from (select {_key(place)}, stream, "timestamp", {size} as size '
        f"from {place.relation} where {condition.text} order by {order.sql} limit {limit}) order by {order.sql}"
    )
    return ScanTask(sql, (*place.parameters, *condition.parameters), place.tables)


def chosen_rows(place: Place, chosen: pa.Table) -> ScanTask:
    """Ask for the rows whose origin and row_number stand in `chosen`, in no order, with the columns of `first_rows`."""
    # The numbers alone let row groups be skipped.
    sql = (
        f"select {_key(place)}, {_ENTRY} from {place.relation} "
        f"where {place.row_number} in (select row_number from {_CHOSEN}) "
        f"and ({place.origin}, {place.row_number}) in (select (origin, row_number) from {_CHOSEN})"
    )
    return ScanTask(sql, place.parameters, {**place.tables, _CHOSEN: chosen})


def _key(place: Place) -> str:
    return f"{place.origin} as origin, {place.row_number} as row_number"


def _condition(place: Place, bounds: Bounds, order: RowOrder) -> SqlPredicate:
    return all_of([place.condition, *bounds.predicates(place, order)])
