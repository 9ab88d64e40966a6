"""Samples by the exact form of a pipeline: row by row, for what SQL cannot decide."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.errors import PipelineError
from logpulse.logql.ast import GroupingMode, RangeAggregation, RangeOperator, Unwrap
from logpulse.logql.base import Bases
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Base, Record
from logpulse.query.gathering import SeriesNumbers
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Float64Array, SeriesLabels
from logpulse.query.result import LabelsOf

OVER_BYTES: Final = frozenset({RangeOperator.BYTES, RangeOperator.BYTES_RATE})


class Sampler:
    """Run rows through the pipeline of a range aggregation and collect the samples that come out."""

    def __init__(
        self,
        aggregation: RangeAggregation,
        pipeline: Pipeline,
        labels_of: LabelsOf,
        series: SeriesNumbers,
        interrupt: Interrupt,
    ) -> None:
        self._measure = _measure(aggregation, pipeline)
        self._key = series_key(aggregation)
        self._labels_of = labels_of
        self._interrupt = interrupt
        self._bases = Bases()
        self._series = series
        self.rows = 0
        self._untouched: dict[Base, int] = {}
        self._numbers, self._times, self._values = array("q"), array("q"), array("d")

    def add(self, rows: pa.RecordBatch) -> None:
        """Take in rows with the columns stream, timestamp, line and metadata, in any order.

        Raises:
            PipelineError: a sample carries the error of a stage.
            QueryCancelledError: the interrupt was pulled.
        """
        self.rows += rows.num_rows
        bases, labels_of, measure, check = self._bases, self._labels_of, self._measure, self._interrupt.check
        number, time_of, value_of = self._numbers.append, self._times.append, self._values.append
        columns = (rows.column(name).to_pylist() for name in ("stream", "timestamp", "line", "metadata"))
        for stream, time, line, metadata in zip(*columns, strict=True):
            check()  # at each row, as one with a long template takes up to TEMPLATE_SECONDS
            record = Record(time, line, bases.of(labels_of(stream), metadata))
            value = measure(record)
            if value is None:
                continue
            if record.error:
                self.failed(record)
            number(self._series_of(record))
            time_of(time)
            value_of(value)

    def failed(self, record: Record) -> None:
        """Say what becomes of a sample that carries the error of a stage; here the query fails.

        Raises:
            PipelineError: unless such samples count like all others.
        """
        raise PipelineError(record.error, tuple(sorted(record.shown.items())))

    def columns(self) -> tuple[Int64Array, Int64Array, Float64Array]:
        """Give what was collected: numbers of series, times, values."""
        return (
            np.array(self._numbers, dtype=np.int64),
            np.array(self._times, dtype=np.int64),
            np.array(self._values, dtype=np.float64),
        )

    def _series_of(self, record: Record) -> int:
        if record.labels is not record.base.labels:
            return self._series.of(self._key(record))
        number = self._untouched.get(record.base)
        if number is None:
            number = self._series.of(self._key(record))
            self._untouched[record.base] = number
        return number


class ShownEntries(Sampler):
    """Count entries as a log query shows them: one that carries an error counts like all others."""

    def failed(self, record: Record) -> None:
        """Let it count."""


def series_key(aggregation: RangeAggregation) -> Callable[[Record], SeriesLabels]:
    """Give what makes the labels of a series from an entry that came out of a pipeline.

    A label that is unwrapped tells no series apart unless the grouping names it.
    """
    grouping = aggregation.grouping
    if grouping is not None and grouping.mode is GroupingMode.BY:
        names = tuple(sorted(set(grouping.labels)))
        return lambda record: tuple((name, value) for name in names if (value := record.shown.get(name)))
    left_out = {stage.label for stage in aggregation.log_range.stages if isinstance(stage, Unwrap)}
    left_out.update(() if grouping is None else grouping.labels)
    return lambda record: tuple(
        sorted((name, value) for name, value in record.shown.items() if value and name not in left_out)
    )


def _measure(aggregation: RangeAggregation, pipeline: Pipeline) -> Callable[[Record], float | None]:
    run = pipeline.run
    if any(isinstance(stage, Unwrap) for stage in aggregation.log_range.stages):
        return pipeline.sample
    if aggregation.operator in OVER_BYTES:
        return lambda record: len(record.line.encode()) if run(record) else None
    return lambda record: 1.0 if run(record) else None
