"""Read a range aggregation: SQL counts what it can, the exact form decides the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from logpulse.batch import Int64Array
from logpulse.logql.ast import RangeAggregation, RangeOperator, Unwrap
from logpulse.logql.pipeline import without_idle_line_formats
from logpulse.query.absence import absent
from logpulse.query.class_reader import ClassReader
from logpulse.query.endurance import Endurance
from logpulse.query.executor import Executor, MalformedJsonError, QueryMemoryError
from logpulse.query.gathering import Gathering
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.partials import Intervals
from logpulse.query.planner import Source, plan_scan
from logpulse.query.range_plan import LABEL_PARSERS, StreamClass, plan_classes, wanted_of
from logpulse.query.range_vector import from_buckets, from_samples
from logpulse.query.result import ScanStats
from logpulse.query.sampling import OVER_BYTES
from logpulse.query.sql_pipeline import SqlPipeline
from logpulse.query.windows import Windows
from logpulse.storage.view import View

_COUNTING: Final = frozenset(
    {
        RangeOperator.COUNT,
        RangeOperator.RATE,
        RangeOperator.BYTES,
        RangeOperator.BYTES_RATE,
        RangeOperator.ABSENT,
    }
)


@attrs.define(eq=False)
class RangeReader:
    """Read range aggregations at `times` from one view; `stats` counts what that has cost so far."""

    view: View
    times: Int64Array
    executor: Executor
    endurance: Endurance
    interrupt: Interrupt
    stats: ScanStats = attrs.field(factory=lambda: ScanStats())

    def read(self, aggregation: RangeAggregation) -> Matrix:
        """Give the matrix of one range aggregation.

        Raises:
            PipelineError: a sample carries the error of a stage.
            LimitExceededError: there are too many series and points, or not enough memory.
            QueryCancelledError, StorageError: as the engine's `metrics`.
        """
        aggregation = _without_idle_stages(aggregation)
        log_range = aggregation.log_range
        windows = Windows(self.times, log_range.range_ns, log_range.offset_ns)
        counts = aggregation.operator in _COUNTING and not _unwraps(aggregation)
        found = self._gather(aggregation, windows, counts)
        if aggregation.operator is RangeOperator.ABSENT:
            return absent(from_buckets(RangeOperator.COUNT, found.buckets(), windows), log_range.selector)
        if counts:
            return from_buckets(aggregation.operator, found.buckets(), windows)
        return from_samples(aggregation.operator, found.samples(), windows, aggregation.parameter)

    def _gather(self, aggregation: RangeAggregation, windows: Windows, counts: bool) -> Gathering:
        first, last = int(windows.starts[0]) + 1, int(windows.ends[-1]) + 1
        plan = plan_scan(aggregation.log_range.selector, first, last, self.view)
        everything = Gathering()
        for part in plan_classes(aggregation, plan.streams, self.view.index):
            if not len(part.streams):
                continue
            reader = ClassReader(
                aggregation,
                attrs.evolve(plan, streams=part.streams, predicates=part.candidates),
                Intervals.of(windows),
                self.view.index.labels,
                self.executor,
                self.interrupt,
            )

            def gather(sources: Sequence[Source], part: StreamClass = part, reader: ClassReader = reader) -> Gathering:
                return _gather_class(reader, part, sources, counts)

            everything.join(self.endurance.read(plan.sources, gather))
        return everything


def _gather_class(reader: ClassReader, part: StreamClass, sources: Sequence[Source], counts: bool) -> Gathering:
    for pipeline in _attempts(part.pipeline):
        found = Gathering()
        try:
            if counts:
                reader.read_counts(sources, pipeline, found)
                return found
            if reader.read_samples(sources, pipeline, found):
                return found
        except MalformedJsonError:
            continue
        except QueryMemoryError:
            pass  # too many groups for the engine; row by row they take less
        break
    found = Gathering()
    reader.read_exactly(sources, found)
    return found


def _attempts(pipeline: SqlPipeline | None) -> list[SqlPipeline]:
    """List the forms in SQL to try: first the one that takes every line for JSON, which ends early where one is not."""
    if pipeline is None:
        return []
    trusting = pipeline.trusting()
    return [pipeline] if trusting.columns == pipeline.columns else [trusting, pipeline]


def _unwraps(aggregation: RangeAggregation) -> bool:
    return any(isinstance(stage, Unwrap) for stage in aggregation.log_range.stages)


def _without_idle_stages(aggregation: RangeAggregation) -> RangeAggregation:
    """Leave out stages whose work nobody sees, which cannot fail then either, as in Loki.

    These are formats of a line that nothing reads, and parsers where nothing asks for any label.
    """
    stages = aggregation.log_range.stages
    if aggregation.operator not in OVER_BYTES:
        stages = without_idle_line_formats(stages)
    if wanted_of(stages, aggregation.grouping) == frozenset():
        stages = tuple(stage for stage in stages if not isinstance(stage, LABEL_PARSERS))
    return attrs.evolve(aggregation, log_range=attrs.evolve(aggregation.log_range, stages=stages))
