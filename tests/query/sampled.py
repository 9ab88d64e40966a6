"""Range aggregations read from samples in memory: what the engine is to everything above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import Grouping, GroupingMode, RangeAggregation, RangeOperator, Unwrap
from logpulse.query.absence import absent
from logpulse.query.evaluation import Read
from logpulse.query.grouping import only, without
from logpulse.query.matrix import Matrix, SeriesLabels
from logpulse.query.range_vector import Samples, from_samples
from logpulse.query.windows import Windows

from .naive_metrics import Sample


def source_of(aggregation: RangeAggregation) -> str:
    """Give the name of the samples that a selector stands for: the value of its first matcher."""
    return aggregation.log_range.selector.matchers[0].value


def read_samples(sources: Mapping[str, Sequence[Sample]], times: Int64Array) -> Read:
    """Make what `evaluate` reads with, over samples by name."""

    def read(aggregation: RangeAggregation) -> Matrix:
        return aggregated(aggregation, times, sources[source_of(aggregation)])

    return read


def aggregated(aggregation: RangeAggregation, times: Int64Array, found: Sequence[Sample]) -> Matrix:
    """Give the matrix of a range aggregation over samples in any order."""
    log_range = aggregation.log_range
    windows = Windows(times, log_range.range_ns, log_range.offset_ns)
    samples = samples_of(aggregation, found)
    if aggregation.operator is RangeOperator.ABSENT:
        return absent(from_samples(RangeOperator.COUNT, samples, windows), log_range.selector)
    return from_samples(aggregation.operator, samples, windows, aggregation.parameter)


def samples_of(aggregation: RangeAggregation, found: Sequence[Sample]) -> Samples:
    """Put samples into the columns that range aggregations work on."""
    labels = [_grouped(sample.labels, aggregation.grouping) for sample in found]
    series = {each: number for number, each in enumerate(sorted(set(labels)))}
    rows = sorted(
        (
            (series[each], sample.timestamp, _value(aggregation, sample))
            for each, sample in zip(labels, found, strict=True)
        ),
        key=lambda row: row[:2],
    )
    return Samples(
        tuple(series),
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
    )


def _grouped(labels: SeriesLabels, grouping: Grouping | None) -> SeriesLabels:
    if grouping is None:
        return labels
    return (only if grouping.mode is GroupingMode.BY else without)(labels, grouping.labels)


def _value(aggregation: RangeAggregation, sample: Sample) -> float:
    if any(isinstance(stage, Unwrap) for stage in aggregation.log_range.stages):
        return sample.value
    return sample.length if aggregation.operator in (RangeOperator.BYTES, RangeOperator.BYTES_RATE) else 1.0
