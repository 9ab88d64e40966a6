"""The SQL that counts: entries, and bytes of lines, per group and interval of time; or takes samples one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.logql.stages.predicate import all_of
from logpulse.logql.stages.sql_label import NEVER
from logpulse.query.executor import ScanTask
from logpulse.query.place import Parameter, Place
from logpulse.query.sql_pipeline import SqlPipeline
from logpulse.query.windows import Windows

_ENTRY: Final = ("stream", '"timestamp"', "line", "metadata")
_NUMBERS: Final = "stream_numbers"
NOTHING: Final = "0"
"""What to add up where nobody asks for a sum."""


@attrs.frozen
class Intervals:
    """Cut time so that each window is a run of intervals: in steps, and in each step once more where windows end.

    Interval 2k begins after `first` + k * `step`, interval 2k + 1 after `inner` more. All are nanoseconds. There are
    `most` intervals at most.
    """

    first: int
    step: int
    inner: int
    most: int

    @classmethod
    def of(cls, windows: Windows) -> Intervals:
        """Cut the time of `windows`, whose points are equally far apart."""
        step = int(windows.times[1] - windows.times[0]) if len(windows.times) > 1 else windows.range_ns
        most = (int(windows.ends[-1]) - int(windows.starts[0])) // step + 1
        return cls(int(windows.starts[0]), step, windows.range_ns % step, 2 * most if windows.range_ns % step else most)

    @property
    def sql(self) -> str:
        """Number the interval of a row."""
        since = f'("timestamp" - {self.first + 1})'
        if not self.inner:
            return f"{since} // {self.step}"
        return f"{since} // {self.step} * 2 + case when {since} % {self.step} >= {self.inner} then 1 else 0 end"

    def ends(self, numbers: Int64Array) -> Int64Array:
        """Give the last nanosecond of each interval."""
        if not self.inner:
            return self.first + (numbers + 1) * self.step
        return self.first + numbers // 2 * self.step + np.where(numbers % 2 == 1, self.step, self.inner)


@attrs.frozen(eq=False)
class Counting:
    """Ask for what the kept rows of a pipeline amount to.

    `groups` are expressions over stream, metadata, columns of the pipeline and `number`, which `numbers` gives to each
    stream: a table of `id` and `number`, or None where nobody asks for it. `size` is an expression to add up.
    """

    pipeline: SqlPipeline
    groups: tuple[str, ...]
    numbers: pa.Table | None
    size: str = NOTHING


def counting_task(place: Place, asked: Counting, intervals: Intervals) -> ScanTask:
    """Count the kept rows of a place by groups and interval.

    The columns of the answer are group0, group1, …; `interval`; `counted`, rows that were kept; `size`, the sum over
    them; and `doubtful`, rows that the exact form has to decide and that were counted nowhere.
    """
    names = [f"group{number}" for number in range(len(asked.groups))]
    keys = ", ".join([*names, "interval"])
    if asked.pipeline.doubt == NEVER and not asked.pipeline.columns:
        return _sure_counting_task(place, asked, intervals, keys)
    decided, parameters = _decided(place, asked, intervals.sql)
    size = NOTHING if asked.size == NOTHING else f"coalesce(sum({asked.size}) filter (keep), 0)"
    sql = (
        f"select {keys}, count(*) filter (keep) as counted, {size}::bigint as size, "
        "count(*) filter (doubt) as doubtful "
        f"from ({decided}) group by {keys} "
        "having count(*) filter (keep or doubt) > 0"
    )
    return ScanTask(sql, parameters, _tables(place, asked))


def _sure_counting_task(place: Place, asked: Counting, intervals: Intervals, keys: str) -> ScanTask:
    """Write the same for a pipeline that is never in doubt and computes nothing from a row but whether it is kept."""
    groups = "".join(f"{group} as group{number}, " for number, group in enumerate(asked.groups))
    relation, _ = _relation(place, asked)
    kept = all_of([place.condition, asked.pipeline.keep])
    size = NOTHING if asked.size == NOTHING else f"sum({asked.size})"
    sql = (
        f"select {groups}{intervals.sql} as interval, count(*) as counted, {size}::bigint as size, 0 as doubtful "
        f"from {relation} where {kept.text} group by {keys}"
    )
    return ScanTask(sql, (*place.parameters, *kept.parameters), _tables(place, asked))


def sample_task(place: Place, asked: Counting) -> ScanTask:
    """Ask for the samples of rows: group0, group1, …; timestamp; `sample`, a text; and `doubt`.

    A row without a sample is not kept, or in doubt: then it has to be decided by the exact form. No condition chooses
    among the rows, as DuckDB would compute for it once more what it is about.
    """
    decided, parameters = _decided(place, asked, '"timestamp"')
    names = "".join(f"group{number}, " for number in range(len(asked.groups)))
    sql = f"select {names}interval as timestamp, case when keep then sample end as sample, doubt from ({decided})"
    return ScanTask(sql, parameters, _tables(place, asked))


def doubtful_rows(place: Place, pipeline: SqlPipeline) -> ScanTask:
    """Ask for the rows that only the exact form can decide: stream, timestamp, line, metadata."""
    rows, parameters = _rows(place, pipeline, place.relation, ())
    sql = f'select stream, "timestamp", line, metadata from {rows} where coalesce({pipeline.doubt}, true)'
    return ScanTask(sql, parameters, place.tables)


def kept_rows(place: Place, pipeline: SqlPipeline) -> ScanTask:
    """Ask for the rows that a pipeline keeps, and for those that only the exact form can decide, likewise."""
    if pipeline.doubt == NEVER and not pipeline.columns:
        kept = all_of([place.condition, pipeline.keep])
        sql = f'select stream, "timestamp", line, metadata from {place.relation} where {kept.text}'
        return ScanTask(sql, (*place.parameters, *kept.parameters), place.tables)
    rows, parameters = _rows(place, pipeline, place.relation, ())
    sql = (
        f'select stream, "timestamp", line, metadata from {rows} '
        f"where coalesce({pipeline.doubt}, true) or ({pipeline.keep.text})"
    )
    return ScanTask(sql, (*parameters, *pipeline.keep.parameters), place.tables)


def _tables(place: Place, asked: Counting) -> dict[str, pa.Table]:
    return place.tables if asked.numbers is None else {**place.tables, _NUMBERS: asked.numbers}


def _relation(place: Place, asked: Counting) -> tuple[str, tuple[str, ...]]:
    """Give the relation to read, and which columns it has beside those of an entry."""
    if asked.numbers is None:
        return place.relation, ()
    return f"{place.relation} join {_NUMBERS} on {_NUMBERS}.id = stream", ("number",)


def _rows(place: Place, pipeline: SqlPipeline, relation: str, more: Sequence[str]) -> tuple[str, tuple[Parameter, ...]]:
    """Write the rows of a place with the columns of the pipeline; those of each step are computed from the ones below.

    Spelled out one inside of the other instead, they would be computed again wherever they are named.
    """
    passed = [*_ENTRY, *more]
    sql = f"{relation} where {place.condition.text}"
    parameters: tuple[Parameter, ...] = (*place.parameters, *place.condition.parameters)
    for step in range(1 + max((column.step for column in pipeline.columns), default=0)):
        columns = [column for column in pipeline.columns if column.step == step]
        computed = [f"{each.text} as {each.alias}" for each in columns]
        sql = f"(select {', '.join([*passed, *computed])} from {sql})"
        parameters = (*(value for each in columns for value in each.parameters), *parameters)
        passed += [each.alias for each in columns]
    return sql, parameters


def _decided(place: Place, asked: Counting, time: str) -> tuple[str, tuple[Parameter, ...]]:
    """Write the rows with their groups, `interval`, `sample`, and whether they are kept or in doubt, never both."""
    pipeline = asked.pipeline
    relation, more = _relation(place, asked)
    rows, parameters = _rows(place, pipeline, relation, more)
    passed = [*_ENTRY, *more, *(column.alias for column in pipeline.columns)]
    flags = (
        f"select {', '.join(passed)}, coalesce({pipeline.doubt}, true) as doubt, {pipeline.keep.text} as kept "
        f"from {rows}"
    )
    keys = "".join(
        f"case when doubt then null else {group} end as group{number}, " for number, group in enumerate(asked.groups)
    )
    written = "null" if pipeline.sample is None else pipeline.sample.written
    sample = f"case when not doubt then {written} end as sample"
    sql = f"select {keys}{time} as interval, line, {sample}, doubt, kept and not doubt as keep from ({flags})"
    return sql, (*pipeline.keep.parameters, *parameters)
