"""Read the first rows of some sources, in order and within a bound on their text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.limits import PAGE_TEXT_BYTES
from logpulse.query.endurance import Endurance
from logpulse.query.executor import EngineFaultError, Executor, QueryMemoryError
from logpulse.query.interrupt import Interrupt
from logpulse.query.place import Place, places
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.scan import Bounds, Position, RowOrder, chosen_rows, first_places, first_rows

_ROWS_SORTED: Final = 2 * 2048  # that DuckDB holds beyond those asked for: a vector for each thread
_COLUMNS: Final = ("timestamp", "stream", "origin", "row_number", "line", "metadata")
_PLACE: Final = attrgetter("timestamp", "stream", "origin", "row_number")  # the position, without an object for it


@attrs.frozen
class Row:
    """Hold one found row; `origin` and `row_number` give its place among entries equal in time and stream."""

    timestamp: int
    stream: int
    origin: str
    row_number: int
    line: str
    metadata: str | None

    @property
    def position(self) -> Position:
        """Its place in the total order of rows."""
        return Position(self.timestamp, self.stream, self.origin, self.row_number)


@attrs.frozen
class FoundRows:
    """Hold rows in order. When `is_cut`, more of those asked for stand behind them, too large to be held at once."""

    rows: tuple[Row, ...] = ()
    is_cut: bool = False

    def merged(self, other: FoundRows, order: RowOrder, most: int) -> FoundRows:
        """Join with the rows of other sources, up to `most` and only as far as both are known."""
        if not self.rows and len(other.rows) <= most:
            return other
        rows = sorted((*self.rows, *other.rows), key=_PLACE, reverse=order.is_backward)
        ends = [each.rows[-1].position for each in (self, other) if each.is_cut and each.rows]
        if ends:
            end = max(ends) if order.is_backward else min(ends)
            rows = [row for row in rows if row.position == end or order.is_before(row.position, end)]
        return FoundRows(tuple(rows[:most]), bool(ends) and len(rows) <= most)


ReadSources = Callable[[Sequence[Source], Bounds, int], FoundRows]
"""Give the first rows of some sources within bounds."""


@attrs.frozen(eq=False)
class RowReader:
    """Read rows of a plan by scan tasks, frugal ones where whole rows take too much memory."""

    plan: ScanPlan
    order: RowOrder
    executor: Executor
    endurance: Endurance
    interrupt: Interrupt

    def read(self, sources: Sequence[Source], bounds: Bounds, limit: int) -> FoundRows:
        """Give the first `limit` rows of `sources` within `bounds`, fewer where they take over PAGE_TEXT_BYTES.

        Raises:
            QueryMemoryError, QueryCancelledError, StorageError: as the engine's `logs`.
        """
        return self.endurance.read(sources, lambda sound: self._read(sound, bounds, limit))

    def _read(self, sources: Sequence[Source], bounds: Bounds, limit: int) -> FoundRows:
        found = FoundRows()
        for place in places(self.plan, sources):
            self.interrupt.check()
            found = found.merged(self._read_place(place, bounds, limit), self.order, limit)
        return found

    def _read_place(self, place: Place, bounds: Bounds, limit: int) -> FoundRows:
        if self._row_bytes * (limit + _ROWS_SORTED) < self.executor.memory // 4:
            try:
                return self._whole_rows(place, bounds, limit)
            except (QueryMemoryError, EngineFaultError):
                pass  # as some lines are much longer than most
        return self._rows_at_places(place, bounds, limit)

    def _whole_rows(self, place: Place, bounds: Bounds, limit: int) -> FoundRows:
        table = self.executor.run(first_rows(place, bounds, self.order, limit), self.interrupt)
        sizes = pc.add(pc.binary_length(table.column("line")), _metadata_sizes(table))
        kept = _within_size(sizes.to_numpy())
        return FoundRows(rows_of(table.slice(0, kept)), kept < table.num_rows)

    def _rows_at_places(self, place: Place, bounds: Bounds, limit: int) -> FoundRows:
        """Sort the places of rows first, and fetch only those rows that are wanted."""
        table = self.executor.run(first_places(place, bounds, self.order, limit), self.interrupt)
        kept = _within_size(table.column("size").to_numpy())
        chosen = table.select(["origin", "row_number"]).slice(0, kept)
        rows = rows_of(self.executor.run(chosen_rows(place, chosen), self.interrupt))
        return FoundRows(self._in_order(rows), kept < table.num_rows)

    @property
    def _row_bytes(self) -> float:
        """About the bytes of one row."""
        sources = self.plan.sources
        return sum(source.text_bytes for source in sources) / max(1, sum(source.rows for source in sources))

    def _in_order(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        return tuple(sorted(rows, key=_PLACE, reverse=self.order.is_backward))


def _metadata_sizes(table: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(pc.binary_length(table.column("metadata")), 0)


def _within_size(sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """Count the first rows that take up to PAGE_TEXT_BYTES together, at least one."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), PAGE_TEXT_BYTES, side="right")))


def rows_of(table: pa.Table) -> tuple[Row, ...]:
    """Read the answer to a scan for whole rows."""
    columns = (table.column(name).to_pylist() for name in _COLUMNS)
    return tuple(Row(*values) for values in zip(*columns, strict=True))
