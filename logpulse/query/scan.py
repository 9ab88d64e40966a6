"""Write the SQL of a scan: the same query over Parquet segments and over the batches in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import pyarrow as pa

from logpulse.batch import SCHEMA, Int64Array
from logpulse.logql.stages.predicate import SqlPredicate, all_of
from logpulse.query.executor import ScanTask
from logpulse.query.planner import LogPlan, Source
from logpulse.query.result import Direction

MEMORY: Final = "~"
"""The origin of rows in memory; it sorts after every file name, as what is in memory was committed after it."""

_INLINE_STREAMS: Final = 200  # more ids are joined as a table, as long lists are slow to parse
_FILES: Final = "read_parquet(?, file_row_number = true, filename = true)"
_ENTRY: Final = 'stream, "timestamp", line, metadata'
_SELECTED: Final = "selected"


@attrs.frozen
class RowOrder:
    """Order rows totally: by time, then stream, then the order of their commits."""

    direction: Direction

    @property
    def sql(self) -> str:
        """The `order by` list."""
        way = "asc" if self.direction is Direction.FORWARD else "desc"
        return ", ".join(f"{column} {way}" for column in ('"timestamp"', "stream", "origin", "row_number"))


def scan_tasks(
    plan: LogPlan, sources: Sequence[Source], bounds: Sequence[SqlPredicate], order: RowOrder, limit: int
) -> list[ScanTask]:
    """Ask for the first `limit` rows of `sources` in `order`: one task for all segments, one for memory.

    The columns of an answer are origin, row_number, stream, timestamp, line, metadata.
    """
    return [_whole_rows(place, order, limit) for place in _places(plan, sources, bounds)]


def frugal_scan_tasks(
    plan: LogPlan, sources: Sequence[Source], bounds: Sequence[SqlPredicate], order: RowOrder, limit: int
) -> list[ScanTask]:
    """Ask for the same rows in no order, so that no more lines are held than the answer has.

    DuckDB sorts some thousand whole rows at a time, too much where lines are long. Here it sorts their places and
    fetches the lines after.
    """
    return [_places_then_rows(place, order, limit) for place in _places(plan, sources, bounds)]


@attrs.frozen(eq=False)
class _Place:
    """Name where rows are read: the SQL of the relation with its parameters, of its columns, and the condition."""

    relation: str
    parameters: tuple[list[str], ...]
    origin: str
    row_number: str
    condition: SqlPredicate
    tables: dict[str, pa.Table]


def _places(plan: LogPlan, sources: Sequence[Source], bounds: Sequence[SqlPredicate]) -> list[_Place]:
    segments = [source.segment for source in sources if source.segment is not None]
    places = []
    if segments:
        held = np.unique(np.concatenate([segment.streams.ids for segment in segments]))
        condition, tables = _condition(plan, held, bounds)
        paths = [str(segment.path) for segment in segments]
        places.append(_Place(_FILES, (paths,), "filename", "file_row_number", condition, tables))
    for source in sources:
        if source.segment is None:
            entries = pa.Table.from_batches([each.batch.entries for each in source.batches], SCHEMA)
            rows = entries.append_column("row_number", pa.array(np.arange(entries.num_rows)))
            held = np.unique(np.concatenate([each.stream_ids for each in source.batches]))
            condition, tables = _condition(plan, held, bounds)
            tables["memory_entries"] = rows
            places.append(_Place("memory_entries", (), f"'{MEMORY}'", "row_number", condition, tables))
    return places


def _whole_rows(place: _Place, order: RowOrder, limit: int) -> ScanTask:
    sql = (
        f"select {place.origin} as origin, {place.row_number} as row_number, {_ENTRY} from {place.relation} "
        f"where {place.condition.text} order by {order.sql} limit {limit}"
    )
    return ScanTask(sql, (*place.parameters, *place.condition.parameters), place.tables)


def _places_then_rows(place: _Place, order: RowOrder, limit: int) -> ScanTask:
    key = f"{place.origin} as origin, {place.row_number} as row_number"
    sql = (
        f'with places as (select {key}, stream, "timestamp" from {place.relation} '
        f"where {place.condition.text} order by {order.sql} limit {limit}) "
        f"select {key}, {_ENTRY} from {place.relation} where ({place.origin}, {place.row_number}) in "
        "(select (origin, row_number) from places)"
    )
    return ScanTask(sql, (*place.parameters, *place.condition.parameters, *place.parameters), place.tables)


def _condition(
    plan: LogPlan, held: Int64Array, bounds: Sequence[SqlPredicate]
) -> tuple[SqlPredicate, dict[str, pa.Table]]:
    # Cheap columns first: DuckDB then reads no line of a row group that these rule out.
    chosen, tables = _stream_condition(plan.streams, held)
    times = SqlPredicate('"timestamp" >= ? and "timestamp" < ?', (plan.start, plan.end))
    return all_of([*chosen, times, *bounds, *plan.predicates]), tables


def _stream_condition(selected: Int64Array, held: Int64Array) -> tuple[list[SqlPredicate], dict[str, pa.Table]]:
    """Restrict rows to `selected`, given that only the streams `held` occur."""
    wanted = np.intersect1d(selected, held, assume_unique=True)
    if len(wanted) == len(held):
        return [], {}
    first, last = int(wanted[0]), int(wanted[-1])
    within = SqlPredicate(f"stream between {first} and {last}")  # row groups are skipped by these bounds
    if len(wanted) == int(np.count_nonzero((held >= first) & (held <= last))):
        return [within], {}
    if len(wanted) <= _INLINE_STREAMS:
        return [within, SqlPredicate(f"stream in ({', '.join(map(str, wanted.tolist()))})")], {}
    return [within, SqlPredicate(f"stream in (select id from {_SELECTED})")], {_SELECTED: pa.table({"id": wanted})}
