"""Read the rows of a range aggregation for streams of one class: by SQL, and exactly where SQL is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.limits import NUMBERS_REMEMBERED
from logpulse.logql.ast import RangeAggregation, Unwrap
from logpulse.logql.conversion import ConversionError
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.stages import unwrap
from logpulse.logql.stages.sql_label import UnclearTextError
from logpulse.query.executor import Executor, ScanTask
from logpulse.query.gathering import Gathering
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Float64Array
from logpulse.query.meter import Meter, Phase
from logpulse.query.partials import NOTHING, Counting, Intervals, counting_task, doubtful_rows, sample_task
from logpulse.query.place import places
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.prefilter import split_stages
from logpulse.query.range_plan import wanted_of
from logpulse.query.result import LabelsOf
from logpulse.query.sampling import OVER_BYTES, Sampler, ShownEntries
from logpulse.query.series_keys import series_keys
from logpulse.query.sql_pipeline import SqlPipeline

_LINE_BYTES: Final = "strlen(line)"
_ROW: Final = 'stream, "timestamp", line, metadata'


@attrs.frozen(eq=False)
class ClassReader:
    """Collect what the rows of `plan`, all of one class, contribute to a range aggregation."""

    aggregation: RangeAggregation
    plan: ScanPlan
    intervals: Intervals
    labels_of: LabelsOf
    executor: Executor
    interrupt: Interrupt
    meter: Meter

    def read_exactly(self, sources: Sequence[Source], gathering: Gathering) -> None:
        """Decide every row that meets the line filters by the exact form."""
        stages = split_stages(self.aggregation.log_range.stages)
        sampler = self.sampler(Pipeline(stages.exact, self.wanted(), self.interrupt.check), gathering)
        plan = attrs.evolve(self.plan, predicates=(*self.plan.predicates, *stages.predicates))
        for place in places(plan, sources):
            sql = f"select {_ROW} from {place.relation} where {place.condition.text}"
            task = ScanTask(sql, (*place.parameters, *place.condition.parameters), place.tables)
            self._sample(task, sampler)
        _add_samples(sampler, gathering)

    def read_counts(self, sources: Sequence[Source], pipeline: SqlPipeline, gathering: Gathering) -> None:
        """Count rows by SQL, and those it is in doubt about by the exact form.

        Raises:
            UnclearTextError: a value is not written in a plain way. What is in `gathering` is then of no use.
        """
        keys = series_keys(self.aggregation, pipeline, self.plan.streams, self.labels_of, self.intervals.most)
        size = _LINE_BYTES if self.aggregation.operator in OVER_BYTES else NOTHING
        asked = Counting(pipeline, keys.expressions, keys.numbers, size)
        sampler = self.sampler(self._whole_pipeline(), gathering)
        for place in places(self.plan, sources):
            found = self.executor.run(counting_task(place, asked, self.intervals), self.interrupt)
            if pc.any(pc.greater(found.column("doubtful"), 0)).as_py():
                self._sample(doubtful_rows(place, pipeline), sampler)
            found = found.filter(pc.greater(found.column("counted"), 0))
            counts = found.column("counted").to_numpy()
            values = found.column("size").to_numpy() if self.aggregation.operator in OVER_BYTES else counts
            ends = self.intervals.ends(found.column("interval").to_numpy())
            gathering.add(keys.series(found, gathering.series, self.interrupt), ends, counts, values)
        _add_samples(sampler, gathering)

    def read_samples(self, sources: Sequence[Source], pipeline: SqlPipeline, gathering: Gathering) -> None:
        """Take samples by SQL, and those it is in doubt about by the exact form.

        Raises:
            UnclearTextError: a value is no number, or not written in a plain way; only a pipeline with more doubt, or
                the exact form, knows what becomes of its row. What is in `gathering` is then of no use.
        """
        keys = series_keys(self.aggregation, pipeline, self.plan.streams, self.labels_of, 0)
        asked, number_of = Counting(pipeline, keys.expressions, keys.numbers), self._conversion(pipeline)
        sampler = self.sampler(self._whole_pipeline(), gathering)
        for place in places(self.plan, sources):
            doubtful = False
            for batch in self.executor.stream(sample_task(place, asked), self.interrupt):
                found = pa.Table.from_batches([batch])
                doubtful = doubtful or pc.any(found.column("doubt")).as_py()
                found = found.filter(pc.is_valid(found.column("sample")))
                values = _numbers(found.column("sample"), number_of)
                times = found.column("timestamp").to_numpy()
                gathering.add(
                    keys.series(found, gathering.series, self.interrupt),
                    times,
                    np.ones(len(times), dtype=np.int64),
                    values,
                )
            if doubtful:
                self._sample(doubtful_rows(place, pipeline), sampler)
        _add_samples(sampler, gathering)

    def _conversion(self, pipeline: SqlPipeline) -> Callable[[str], float]:
        """Say how what is written becomes a number; it is remembered, as the same texts come batch after batch."""
        convert = unwrap.conversion(
            next(stage for stage in self.aggregation.log_range.stages if isinstance(stage, Unwrap))
        )
        label = pipeline.sample
        if label is None:
            raise ValueError("a pipeline with `unwrap` has a sample")

        @lru_cache(NUMBERS_REMEMBERED)
        def number_of(written: str) -> float:
            try:
                return convert(label.value_of(written))
            except ConversionError as error:
                raise UnclearTextError from error

        return number_of

    def sampler(self, pipeline: Pipeline, gathering: Gathering) -> Sampler:
        """Make what runs rows through the exact form, for the series of `gathering`."""
        return Sampler(self.aggregation, pipeline, self.labels_of, gathering.series, self.interrupt)

    def _whole_pipeline(self) -> Pipeline:
        return Pipeline(self.aggregation.log_range.stages, self.wanted(), self.interrupt.check)

    def wanted(self) -> frozenset[str] | None:
        """Give the labels that parsers have to extract; None stands for all."""
        return wanted_of(self.aggregation.log_range.stages, self.aggregation.grouping)

    def _sample(self, task: ScanTask, sampler: Sampler) -> None:
        for batch in self.executor.stream(task, self.interrupt):
            with self.meter.phase(Phase.EXACT):
                sampler.add(batch)
            self.meter.exact_rows += batch.num_rows


@attrs.frozen(eq=False)
class ShownEntriesReader(ClassReader):
    """Count what a log query with the same stages shows: errors of stages fail nothing, and parsers read whole lines.

    A parser that stopped where it has all that later stages ask for would miss an error behind that, and a filter of
    numbers keeps an entry with an error.
    """

    def sampler(self, pipeline: Pipeline, gathering: Gathering) -> Sampler:
        """Make one that takes entries with errors."""
        return ShownEntries(self.aggregation, pipeline, self.labels_of, gathering.series, self.interrupt)

    def wanted(self) -> frozenset[str] | None:
        """Want all labels."""
        return None


def _add_samples(sampler: Sampler, gathering: Gathering) -> None:
    series, times, values = sampler.columns()
    gathering.add(series, times, np.ones(len(series), dtype=np.int64), values)


def _numbers(texts: pa.ChunkedArray, number_of: Callable[[str], float]) -> Float64Array:
    """Convert texts, each different one once."""
    encoded = texts.combine_chunks().dictionary_encode()
    numbers = [number_of(text) for text in encoded.dictionary.to_pylist()]
    values: Float64Array = np.array(numbers, dtype=np.float64)[encoded.indices.to_numpy()]
    return values
