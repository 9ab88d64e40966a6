"""Read a range aggregation: SQL counts what it can, the exact form decides the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from logpulse.logql.ast import RangeAggregation, RangeOperator
from logpulse.logql.stages.sql_label import UnclearTextError
from logpulse.query.absence import absent
from logpulse.query.class_reader import ClassReader
from logpulse.query.endurance import Endurance
from logpulse.query.executor import Executor, MalformedJsonError, QueryMemoryError
from logpulse.query.gathering import Gathering, joined
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.meter import Meter, Phase
from logpulse.query.partial_cache import PartialCache, PartialsKey, scanned_together
from logpulse.query.partials import Intervals
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.range_plan import RangePlan, StreamClass
from logpulse.query.range_vector import from_buckets, from_samples
from logpulse.query.sql_pipeline import SqlPipeline


@attrs.frozen(eq=False)
class RangeReader:
    """Read the range aggregations of `plans` from the view that the meter counts for."""

    plans: Mapping[RangeAggregation, RangePlan]
    executor: Executor
    endurance: Endurance
    interrupt: Interrupt
    meter: Meter
    partials: PartialCache

    def read(self, aggregation: RangeAggregation) -> Matrix:
        """Give the matrix of one range aggregation.

        Raises:
            PipelineError: a sample carries the error of a stage.
            LimitExceededError: there are too many series and points, or not enough memory.
            QueryCancelledError, StorageError: as the engine's `metrics`.
        """
        plan = self.plans[aggregation]
        with self.meter.phase(Phase.SCAN):
            found = self._gather(plan)
        operator, windows, interrupt = plan.aggregation.operator, plan.windows, self.interrupt
        if operator is RangeOperator.ABSENT:
            counts = from_buckets(RangeOperator.COUNT, found.buckets(interrupt), windows, interrupt)
            return absent(counts, plan.selector)
        if plan.counts:
            return from_buckets(operator, found.buckets(interrupt), windows, interrupt)
        return from_samples(operator, found.samples(interrupt), windows, plan.aggregation.parameter, interrupt)

    def _gather(self, plan: RangePlan) -> Gathering:
        if not self.partials.most_bytes:
            self.meter.scanned(plan.scan, plan.scan.sources)
            return self._read(plan, plan.scan.sources)[0]
        intervals = Intervals.of(plan.windows)
        aggregation = plan.aggregation
        key = PartialsKey.of_counts(aggregation, intervals) if plan.counts else PartialsKey.of_samples(aggregation)
        whole = [source for source in plan.scan.sources if _is_within(source, plan.scan)]
        found, missing = self.partials.recall(key, whole)
        self.meter.cached(len(whole) - len(missing))
        others = [source for source in plan.scan.sources if not _is_within(source, plan.scan)]
        self.meter.scanned(plan.scan, [*missing, *others])
        for group in scanned_together(missing):
            gathering, read = self._read(plan, group)
            if read == group:
                gathering = gathering.settled(self.interrupt)
                self.partials.keep(key, group, gathering)
            found.append(gathering)
        if others:
            found.append(self._read(plan, others)[0])
        return joined(found)

    def _read(self, plan: RangePlan, sources: Sequence[Source]) -> tuple[Gathering, Sequence[Source]]:
        """Read the rows of `sources`; tell which of them could be read."""
        everything, sound = Gathering(), sources
        for part in plan.classes:
            if not len(part.streams):
                continue
            reader = self._reader(plan, part)

            def gather(
                sources: Sequence[Source], part: StreamClass = part, reader: ClassReader = reader
            ) -> tuple[Gathering, Sequence[Source]]:
                return gather_class(reader, part, sources, plan.counts), sources

            found, sound = self.endurance.read(sound, gather)
            everything.join(found)
        return everything, sound

    def _reader(self, plan: RangePlan, part: StreamClass) -> ClassReader:
        return ClassReader(
            plan.aggregation,
            attrs.evolve(plan.scan, streams=part.streams, predicates=part.candidates),
            Intervals.of(plan.windows),
            self.meter.view.index.labels,
            self.executor,
            self.interrupt,
            self.meter,
        )


def _is_within(source: Source, scan: ScanPlan) -> bool:
    return source.segment is not None and scan.start <= source.oldest and source.newest < scan.end


def gather_class(reader: ClassReader, part: StreamClass, sources: Sequence[Source], counts: bool) -> Gathering:
    """Read one class of streams by SQL where it has a form for that, and exactly where it has none or gives up.

    `counts` says that numbers of entries are enough.

    Raises:
        PipelineError, LimitExceededError, QueryCancelledError, UnreadableSourceError: as the reader's methods.
    """
    for pipeline in _attempts(part.pipeline):
        found = Gathering()
        try:
            if counts:
                reader.read_counts(sources, pipeline, found)
            else:
                reader.read_samples(sources, pipeline, found)
        except (MalformedJsonError, UnclearTextError):
            continue
        except QueryMemoryError:
            break  # too many groups for the engine; row by row they take less
        return found
    found = Gathering()
    reader.read_exactly(sources, found)
    return found


def _attempts(pipeline: SqlPipeline | None) -> list[SqlPipeline]:
    """List the forms in SQL to try: first the trusting one, which ends early where it should not have trusted."""
    if pipeline is None:
        return []
    trusting = pipeline.trusting()
    alike = (trusting.columns, trusting.doubt) == (pipeline.columns, pipeline.doubt)
    return [pipeline] if alike else [trusting, pipeline]
