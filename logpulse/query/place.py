"""Where rows are read: the SQL relation of the segments, or of the batches in memory, and which of its rows count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logpulse.batch import SCHEMA, Int64Array
from logpulse.logql.stages.predicate import SqlPredicate, all_of
from logpulse.query.planner import ScanPlan, Source

MEMORY: Final = "~"
"""The origin of rows in memory; it sorts after every file name, as what is in memory was committed after it."""

Parameter = str | int | float | list[str]

_INLINE_STREAMS: Final = 200  # more ids are joined as a table, as long lists are slow to parse
_INLINE_RUNS: Final = 30  # of streams that are neighbours, as those of one service: cheaper than either
_FILES: Final = "read_parquet(?, file_row_number = true, filename = true)"
_SELECTED: Final = "selected"


@attrs.frozen(eq=False)
class Place:
    """Name a relation with its parameters, its columns that number rows, and the condition on them.

    `tables` are those that the relation and the condition name.
    """

    relation: str
    parameters: tuple[Parameter, ...]
    origin: str
    row_number: str
    condition: SqlPredicate
    tables: dict[str, pa.Table]


def places(plan: ScanPlan, sources: Sequence[Source]) -> list[Place]:
    """Give the places of `sources`, some of those of `plan`: one for all segments, one for memory.

    A source without any of the plan's streams is no place.
    """
    segments = [
        source.segment
        for source in sources
        if source.segment is not None and np.isin(source.segment.streams.ids, plan.streams).any()
    ]
    found = []
    if segments:
        held = np.unique(np.concatenate([segment.streams.ids for segment in segments]))
        ranges = [(segment.facts.oldest, segment.facts.newest) for segment in segments]
        condition, tables = _condition(plan, held, ranges)
        paths = [str(segment.path) for segment in segments]
        found.append(Place(_FILES, (paths,), "filename", "file_row_number", condition, tables))
    for source in sources:
        batches = [each for each in source.batches if np.isin(each.stream_ids, plan.streams).any()]
        if batches:
            entries = pa.Table.from_batches([each.batch.entries for each in batches], SCHEMA)
            rows = entries.append_column("row_number", pa.array(np.arange(entries.num_rows)))
            held = np.unique(np.concatenate([each.stream_ids for each in batches]))
            condition, tables = _condition(plan, held, [each.batch.time_range for each in batches])
            tables["memory_entries"] = rows
            found.append(Place("memory_entries", (), f"'{MEMORY}'", "row_number", condition, tables))
    return found


def _condition(
    plan: ScanPlan, held: Int64Array, ranges: Sequence[tuple[int, int]]
) -> tuple[SqlPredicate, dict[str, pa.Table]]:
    # Cheap columns first: DuckDB then reads no line of a row group that these rule out.
    chosen, tables = _stream_condition(plan.streams, held)
    if any(oldest < plan.start or newest >= plan.end for oldest, newest in ranges):
        chosen.append(SqlPredicate('"timestamp" >= ? and "timestamp" < ?', (plan.start, plan.end)))
    return all_of([*chosen, *plan.predicates]), tables


def _stream_condition(selected: Int64Array, held: Int64Array) -> tuple[list[SqlPredicate], dict[str, pa.Table]]:
    """Restrict rows to `selected`, given that only the streams `held` occur."""
    wanted = np.intersect1d(selected, held, assume_unique=True)
    if len(wanted) == len(held):
        return [], {}
    first, last = int(wanted[0]), int(wanted[-1])
    within = SqlPredicate(f"stream between {first} and {last}")  # row groups are skipped by these bounds
    runs = _runs(np.isin(held, wanted), held)
    if len(runs) == 1:
        return [within], {}
    if len(runs) <= _INLINE_RUNS:
        return [within, SqlPredicate(" or ".join(f"stream between {low} and {high}" for low, high in runs))], {}
    if len(wanted) <= _INLINE_STREAMS:
        return [within, SqlPredicate(f"stream in ({', '.join(map(str, wanted.tolist()))})")], {}
    return [within, SqlPredicate(f"stream in (select id from {_SELECTED})")], {_SELECTED: pa.table({"id": wanted})}


def _runs(chosen: npt.NDArray[np.bool_], held: Int64Array) -> list[tuple[int, int]]:
    """Give the first and the last stream of each run of neighbours among those held that are chosen."""
    edges = np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(held[begins].tolist(), held[ends].tolist(), strict=True))
