"""Neighbours: the rows next to others in their streams, found in narrow windows of time around those.

How wide a window has to be is guessed from how dense its stream is where the row stands; one that holds too few rows is
widened. One scan looks into the windows of many rows and keeps, for each, no more rows than are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from heapq import nlargest, nsmallest
from typing import Final, TypeVar

import attrs
import numpy as np
import pyarrow as pa

from logpulse.limits import CONTEXT_GROWTH, SECOND_NS
from logpulse.logql.ast import Context
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.query.endurance import Endurance
from logpulse.query.executor import Executor, ScanTask
from logpulse.query.interrupt import Interrupt
from logpulse.query.meter import Meter, Phase
from logpulse.query.place import MEMORY, Place, places
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.row_reader import Row, rows_of
from logpulse.query.scan import Position, chosen_rows

_T = TypeVar("_T")
_ASKED: Final = "asked"
_AMPLE: Final = 4  # a window is this many times wider than evenly spread rows need
_COLUMNS: Final = ("timestamp", "stream", "origin", "row_number", "size")


@attrs.frozen
class Neighbour:
    """Name a row, and the bytes of its text."""

    position: Position
    size: int


@attrs.frozen
class Neighbourhood:
    """Hold the neighbours of one row on either side, in order away from it."""

    earlier: tuple[Neighbour, ...] = ()
    later: tuple[Neighbour, ...] = ()

    def joined(self, other: Neighbourhood, most: Context) -> Neighbourhood:
        """Join with what another place holds: the nearest ones of both."""
        return Neighbourhood(
            tuple(nlargest(most.before, (*self.earlier, *other.earlier), _position)),
            tuple(nsmallest(most.after, (*self.later, *other.later), _position)),
        )


@attrs.frozen
class _Window:
    """Search from `low` to `high` (unix nanoseconds, inclusive) around a row."""

    around: Position
    low: int
    high: int

    def widened(self, lowest: int, highest: int, *, down: bool, up: bool) -> _Window:
        time = self.around.timestamp
        low = max(lowest, time - (time - self.low) * CONTEXT_GROWTH) if down else self.low
        high = min(highest, time + (self.high - time) * CONTEXT_GROWTH) if up else self.high
        return _Window(self.around, low, high)


@attrs.frozen(eq=False)
class NeighbourReader:
    """Find neighbours among all rows of a plan, whose predicates do not count, within its time."""

    plan: ScanPlan
    most: Context
    executor: Executor
    endurance: Endurance
    interrupt: Interrupt
    meter: Meter

    def around(self, rows: Sequence[Position]) -> list[Neighbourhood]:
        """Give the neighbours of some rows of the plan; a scan compares each row that it meets with all of these.

        Raises:
            QueryMemoryError, QueryCancelledError, StorageError: as the engine's `logs`.
        """
        lowest = max(self.plan.start, min((source.oldest for source in self.plan.sources), default=0))
        highest = min(self.plan.end - 1, max((source.newest for source in self.plan.sources), default=0))
        found: dict[Position, Neighbourhood] = {}
        windows = [self._first_window(row, lowest, highest) for row in rows]
        while windows:
            wider = []
            for window, near in zip(windows, self._search(windows), strict=True):
                down = len(near.earlier) < self.most.before and window.low > lowest
                up = len(near.later) < self.most.after and window.high < highest
                if down or up:
                    wider.append(window.widened(lowest, highest, down=down, up=up))
                else:
                    found[window.around] = near
            windows = wider
        return [found[row] for row in rows]

    def rows(self, wanted: Collection[Position]) -> list[Row]:
        """Give rows that `around` has named, in no order, without those whose source has turned out to be damaged.

        Raises:
            QueryMemoryError, QueryCancelledError, StorageError: as the engine's `logs`.
        """
        if not wanted:
            return []
        chosen = pa.table(
            {
                "origin": pa.array([each.origin for each in wanted], pa.string()),
                "row_number": pa.array([each.row_number for each in wanted], pa.int64()),
            }
        )
        origins = {each.origin for each in wanted}
        sources = [source for source in self.plan.sources if _origin(source) in origins]

        def read(sound: Sequence[Source]) -> list[Row]:
            tasks = [chosen_rows(place, chosen) for place in places(self.plan, sound)]
            return [row for task in tasks for row in rows_of(self.executor.run(task, self.interrupt))]

        return self._metered(sources, read)

    def _first_window(self, row: Position, lowest: int, highest: int) -> _Window:
        spacing = self._spacing(row) * _AMPLE
        low = row.timestamp - max(SECOND_NS, spacing * self.most.before) if self.most.before else row.timestamp
        high = row.timestamp + max(SECOND_NS, spacing * self.most.after) if self.most.after else row.timestamp
        return _Window(row, max(low, lowest), min(high, highest))

    def _spacing(self, row: Position) -> int:
        """Guess the time between two rows of a stream from those in the same source."""
        source = next((each for each in self.plan.sources if _origin(each) == row.origin), None)
        if source is None:
            return 0
        if source.segment is None:
            rows = source.rows // max(1, len(self.plan.streams))
        else:
            rows, _ = source.segment.text_of(np.array([row.stream]))
        return (source.newest - source.oldest) // max(1, rows)

    def _search(self, windows: Sequence[_Window]) -> list[Neighbourhood]:
        low, high = min(each.low for each in windows), max(each.high for each in windows)
        plan = self._narrowed({each.around.stream for each in windows}, low, high)
        near = [
            source
            for source in plan.sources
            if any(source.oldest <= each.high and source.newest >= each.low for each in windows)
        ]

        def read(sound: Sequence[Source]) -> list[Neighbourhood]:
            found = [Neighbourhood()] * len(windows)
            for place in places(plan, sound):
                self.interrupt.check()
                table = self.executor.run(_neighbours(place, windows, self.most), self.interrupt)
                for number, earlier, later in zip(*(table.column(each).to_pylist() for each in range(3)), strict=True):
                    there = Neighbourhood(_read_neighbours(earlier), _read_neighbours(later))
                    found[number] = found[number].joined(there, self.most)
            return found

        return self._metered(near, read)

    def _metered(self, sources: Sequence[Source], read: Callable[[Sequence[Source]], _T]) -> _T:
        with self.meter.phase(Phase.SCAN):
            found = self.endurance.read(sources, read)
        self.meter.scanned(self.plan, sources)
        return found

    def _narrowed(self, streams: Collection[int], low: int, high: int) -> ScanPlan:
        # The plan's own streams stay: which batches in memory are numbered through depends on them.
        chosen = SqlPredicate(f"stream in ({', '.join(map(str, sorted(streams)))})")
        return attrs.evolve(self.plan, start=low, end=high + 1, predicates=(chosen,))


def _neighbours(place: Place, windows: Sequence[_Window], most: Context) -> ScanTask:
    """Ask for the neighbours of rows, each by its number: those before it and those behind it, the nearest first."""
    key = f'("timestamp", {place.origin}, {place.row_number})'
    at = "(asked_timestamp, asked_origin, asked_row_number)"
    values = ('"timestamp"', "stream", place.origin, place.row_number, "strlen(line) + coalesce(strlen(metadata), 0)")
    row = ", ".join(f"'{name}': {value}" for name, value in zip(_COLUMNS, values, strict=True))
    earlier = f"max_by({{{row}}}, {key}, {most.before}) filter (where {key} < {at})" if most.before else "null"
    later = f"min_by({{{row}}}, {key}, {most.after}) filter (where {key} > {at})" if most.after else "null"
    # Plain bounds let row groups be skipped, which those of a joined table do not.
    times = " or ".join(f'"timestamp" between {low} and {high}' for low, high in _merged(windows))
    sql = (
        f"select number, {earlier} as earlier, {later} as later from {place.relation} join {_ASKED} "
        f'on stream = asked_stream and "timestamp" between low and high '
        f"where {place.condition.text} and ({times}) group by number"
    )
    rows = [each.around for each in windows]
    asked = {
        "number": pa.array(range(len(windows)), pa.int64()),
        "asked_stream": pa.array([each.stream for each in rows], pa.int64()),
        "asked_timestamp": pa.array([each.timestamp for each in rows], pa.int64()),
        "asked_origin": pa.array([each.origin for each in rows], pa.string()),
        "asked_row_number": pa.array([each.row_number for each in rows], pa.int64()),
        "low": pa.array([each.low for each in windows], pa.int64()),
        "high": pa.array([each.high for each in windows], pa.int64()),
    }
    parameters = (*place.parameters, *place.condition.parameters)
    return ScanTask(sql, parameters, {**place.tables, _ASKED: pa.table(asked)})


def _merged(windows: Sequence[_Window]) -> list[tuple[int, int]]:
    """Give the times of windows as intervals that do not meet."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted((each.low, each.high) for each in windows):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _read_neighbours(found: list[dict[str, int | str]] | None) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(
            Position(int(each["timestamp"]), int(each["stream"]), str(each["origin"]), int(each["row_number"])),
            int(each["size"]),
        )
        for each in found or ()
    )


def _origin(source: Source) -> str:
    return MEMORY if source.segment is None else str(source.segment.path)


def _position(neighbour: Neighbour) -> Position:
    return neighbour.position
