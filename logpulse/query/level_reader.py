"""The levels of entries that have to be looked at: of all of them, or of a sample that is spread evenly over them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from math import ceil
from typing import Final

import attrs
import numpy as np
import pyarrow as pa

from logpulse.limits import LEVEL_ROWS, LEVEL_SAMPLE_BLOCKS, LEVEL_SAMPLE_ROWS, PAGE_TEXT_BYTES
from logpulse.logql.ast import Stage
from logpulse.logql.base import Bases
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.logql.stages.predicate import SqlPredicate, all_of
from logpulse.logql.stages.sql_label import NEVER
from logpulse.query.entry_level import LevelRule, shown_parts
from logpulse.query.executor import Executor, ScanTask
from logpulse.query.gathering import Gathering
from logpulse.query.interrupt import Interrupt
from logpulse.query.level_streams import leaves_labels
from logpulse.query.matrix import SeriesLabels
from logpulse.query.meter import Meter, Phase
from logpulse.query.partials import kept_rows
from logpulse.query.place import Place, places
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.prefilter import split_stages
from logpulse.query.result import LabelsOf
from logpulse.query.sql_pipeline import SqlPipeline
from logpulse.wire.metadata import metadata_pairs

LEVEL: Final = "level"
_BLOCK_ROWS: Final = 2048  # that DuckDB reads together: of a block without a wanted row it reads no text


def level_key(level: str) -> SeriesLabels:
    """Give the labels of the series of a level in what a LevelReader gathers."""
    return ((LEVEL, level),)


@attrs.frozen(eq=False)
class LevelReader:
    """Read the entries of `plan` that a pipeline of `stages` keeps, and find their levels."""

    stages: tuple[Stage, ...]
    plan: ScanPlan
    rule: LevelRule
    labels_of: LabelsOf
    executor: Executor
    interrupt: Interrupt
    meter: Meter

    def all_of(self, sources: Sequence[Source]) -> Gathering:
        """Decide every row that meets the line filters by the exact form.

        Raises:
            QueryCancelledError, QueryMemoryError, UnreadableSourceError: as the executor's `stream`.
        """
        split = split_stages(self.stages)
        plan = attrs.evolve(self.plan, predicates=(*self.plan.predicates, *split.predicates))
        finder = self._finder(split.exact)
        for place in places(plan, sources):
            sql = f'select stream, "timestamp", line, metadata from {place.relation} where {place.condition.text}'
            task = ScanTask(sql, (*place.parameters, *place.condition.parameters), place.tables)
            for batch in self._rows(task):
                self._find(finder, batch)
        return finder.found

    def few_of(self, sources: Sequence[Source], pipeline: SqlPipeline) -> Gathering | None:
        """Read the rows that `pipeline` keeps, or that it leaves to the exact form.

        None if there are over LEVEL_ROWS of them, or they take over PAGE_TEXT_BYTES.

        Raises:
            QueryCancelledError, QueryMemoryError, UnreadableSourceError: as the executor's `stream`.
        """
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for place in places(self.plan, sources):
            with closing(self._rows(kept_rows(place, pipeline))) as batches:
                for batch in batches:
                    held.append(batch)
                    rows += batch.num_rows
                    size += batch.nbytes
                    if rows > LEVEL_ROWS or size > PAGE_TEXT_BYTES:
                        return None
        finder = self._finder(self._undecided(pipeline))
        for batch in held:
            self._find(finder, batch)
        return finder.found

    def sample_of(self, sources: Sequence[Source], pipeline: SqlPipeline, kept: int) -> Gathering:
        """Read about LEVEL_SAMPLE_ROWS of the `kept` rows likewise.

        Raises:
            QueryCancelledError, QueryMemoryError, UnreadableSourceError: as the executor's `stream`.
        """
        finder = self._finder(self._undecided(pipeline))
        rows = sum(source.rows for source in sources)
        for place in places(self.plan, sources):
            condition = all_of([_sampled(place, rows, min(1.0, LEVEL_SAMPLE_ROWS / kept)), place.condition])
            for batch in self._rows(kept_rows(attrs.evolve(place, condition=condition), pipeline)):
                self._find(finder, batch)
        return finder.found

    def _undecided(self, pipeline: SqlPipeline) -> tuple[Stage, ...]:
        """Give the stages that rows still have to go through for their levels."""
        return () if pipeline.doubt == NEVER and leaves_labels(self.stages) else self.stages

    def _rows(self, task: ScanTask) -> Generator[pa.RecordBatch, None, None]:
        return self.executor.stream(task, self.interrupt)

    def _finder(self, stages: tuple[Stage, ...]) -> _LevelFinder:
        pipeline = Pipeline(stages, check=self.interrupt.check)
        return _LevelFinder(pipeline, leaves_labels(stages), self.rule, self.labels_of, self.interrupt)

    def _find(self, finder: _LevelFinder, rows: pa.RecordBatch) -> None:
        with self.meter.phase(Phase.EXACT):
            finder.add(rows)
        self.meter.exact_rows += rows.num_rows


def _sampled(place: Place, rows: int, share: float) -> SqlPredicate:
    """Choose `share` of the rows of a place, some of each of about LEVEL_SAMPLE_BLOCKS blocks among `rows`."""
    every = max(1, rows // (_BLOCK_ROWS * LEVEL_SAMPLE_BLOCKS))
    taken = ceil(_BLOCK_ROWS * every * share)
    if taken > _BLOCK_ROWS:
        every, taken = max(1, int(1 / share)), _BLOCK_ROWS
    number, first = place.row_number, f"hash({place.origin}) % {every}"
    # Blocks at equal distances: a file is sorted by stream, so that each stream has its share. Rows by chance: what
    # stands together, or comes round with the rows, is often of one level.
    return SqlPredicate(
        f"({number} // {_BLOCK_ROWS} + {first}) % {every} = 0 and hash({number}) % {_BLOCK_ROWS} < {taken}"
    )


class _LevelFinder:
    def __init__(
        self, pipeline: Pipeline, leaves_labels: bool, rule: LevelRule, labels_of: LabelsOf, interrupt: Interrupt
    ) -> None:
        self.found = Gathering()
        self._pipeline = pipeline
        self._level = self._stored_level if leaves_labels else self._shown_level
        self._rule = rule
        self._labels_of = labels_of
        self._interrupt = interrupt
        self._bases = Bases()
        self._names: dict[int, dict[str, str]] = {}

    def add(self, rows: pa.RecordBatch) -> None:
        numbers, times = [], []
        level, number_of, check = self._level, self.found.series.of, self._interrupt.check
        columns = (rows.column(name).to_pylist() for name in ("stream", "timestamp", "line", "metadata"))
        for stream, time, line, metadata in zip(*columns, strict=True):
            check()
            found = level(stream, time, line, metadata)
            if found is not None:
                numbers.append(number_of(level_key(found)))
                times.append(time)
        ones = np.ones(len(times), dtype=np.int64)
        self.found.add(np.array(numbers, dtype=np.int64), np.array(times, dtype=np.int64), ones, ones)

    def _shown_level(self, stream: int, time: int, line: str, metadata: str | None) -> str | None:
        labels = self._labels_of(stream)
        record = Record(time, line, self._bases.of(labels, metadata))
        return self._rule.find(*shown_parts(record, labels, metadata), line) if self._pipeline.run(record) else None

    def _stored_level(self, stream: int, time: int, line: str, metadata: str | None) -> str | None:
        if not self._pipeline.is_idle:
            record = Record(time, line, self._bases.of(self._labels_of(stream), metadata))
            if not self._pipeline.run(record):
                return None
        names = self._names.get(stream)
        if names is None:
            names = self._names[stream] = self._labels_of(stream).as_dict()
        return self._rule.find(names, metadata_pairs(metadata), line)
