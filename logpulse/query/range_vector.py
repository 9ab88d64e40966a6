"""From samples to the matrix of a range aggregation: the values of every window and series at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.limits import SECOND_NS, WINDOW_VALUES
from logpulse.logql.ast_metric import RangeOperator
from logpulse.query.cells import Cells
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Float64Array, Matrix, SeriesLabels, check_size
from logpulse.query.order_statistics import quantiles
from logpulse.query.summaries import COUNTER, MAXIMUM, MINIMUM, SPREAD, SUM
from logpulse.query.windows import Windows

_CLOSE: Final = 1.1  # mean distances of samples: a window's end this near to a sample is taken to be reached


@attrs.frozen(eq=False)
class Samples:
    """Hold samples in the order of series, then time (unix nanoseconds); `series` are places in `labels`.

    A line without `unwrap` has the value 1, or its length in bytes for the operators over bytes.
    """

    labels: tuple[SeriesLabels, ...]
    series: Int64Array
    timestamps: Int64Array
    values: Float64Array | Int64Array

    def part(self, first: int, last: int) -> Samples:
        """Give the samples of the series from `first` up to `last` - 1."""
        rows = slice(*np.searchsorted(self.series, (first, last)).tolist())
        return Samples(self.labels[first:last], self.series[rows] - first, self.timestamps[rows], self.values[rows])


@attrs.frozen(eq=False)
class Buckets:
    """Hold what is known of samples in buckets of time: a row for each series and bucket with any, in the same order.

    `ends` are the last nanoseconds of buckets, and no window starts or ends inside of one. `counts` are numbers of
    samples; `values` are sums of samples, or the smallest or largest of them for the operators that ask for those.
    """

    labels: tuple[SeriesLabels, ...]
    series: Int64Array
    ends: Int64Array
    counts: Int64Array
    values: Float64Array | Int64Array

    def part(self, first: int, last: int) -> Buckets:
        """Give the buckets of the series from `first` up to `last` - 1."""
        rows = slice(*np.searchsorted(self.series, (first, last)).tolist())
        return Buckets(
            self.labels[first:last],
            self.series[rows] - first,
            self.ends[rows],
            self.counts[rows],
            self.values[rows],
        )


def from_samples(
    operator: RangeOperator,
    samples: Samples,
    windows: Windows,
    parameter: float | None = None,
    interrupt: Interrupt | None = None,
) -> Matrix:
    """Aggregate samples by any operator but ABSENT; `parameter` is the quantile. Series without points are left out.

    Raises:
        LimitExceededError: there are too many series for so many points, as `check_size` says.
        QueryCancelledError: `interrupt` was pulled.
    """
    with np.errstate(all="ignore"):
        parts = _parts(len(samples.labels), windows, interrupt)
        return Matrix.stacked(
            [_of_samples(operator, samples.part(*part), windows, parameter, interrupt) for part in parts]
        )


def from_buckets(
    operator: RangeOperator, buckets: Buckets, windows: Windows, interrupt: Interrupt | None = None
) -> Matrix:
    """Aggregate buckets by count, rate, bytes, bytes_rate, sum, avg, min or max. Series without points are left out.

    Raises:
        LimitExceededError: there are too many series for so many points, as `check_size` says.
        QueryCancelledError: `interrupt` was pulled.
        ValueError: `operator` has to see the samples themselves.
    """
    with np.errstate(all="ignore"):
        parts = _parts(len(buckets.labels), windows, interrupt)
        return Matrix.stacked([_of_buckets(operator, buckets.part(*part), windows) for part in parts])


def _parts(series: int, windows: Windows, interrupt: Interrupt | None) -> Iterator[tuple[int, int]]:
    """Cut series into parts whose windows fit into memory many times; there is at least one part."""
    check_size(series, len(windows.times))
    size = max(1, WINDOW_VALUES // len(windows.times))
    for first in range(0, max(1, series), size):
        if interrupt is not None:
            interrupt.check()
        yield first, min(first + size, series)


def _of_samples(
    operator: RangeOperator,
    samples: Samples,
    windows: Windows,
    parameter: float | None,
    interrupt: Interrupt | None,
) -> Matrix:
    cells = Cells.of(samples.labels, samples.series, samples.timestamps, windows)
    values = samples.values[cells.kept]
    match operator:
        case RangeOperator.FIRST:
            return cells.matrix(values[cells.lows])
        case RangeOperator.LAST:
            return cells.matrix(values[cells.highs - 1])
        case RangeOperator.QUANTILE:
            numbers = values.astype(np.float64)
            return cells.matrix(quantiles(numbers, cells.lows, cells.highs, parameter or 0.0, interrupt))
        case RangeOperator.VARIANCE:
            return cells.matrix(_variances(cells, values))
        case RangeOperator.STANDARD_DEVIATION:
            return cells.matrix(np.sqrt(_variances(cells, values)))
        case RangeOperator.RATE_COUNTER:
            return cells.matrix(_counter_rates(cells, values, samples.timestamps[cells.kept]))
        case _:
            return cells.matrix(_combined(operator, cells, values, cells.highs - cells.lows))


def _of_buckets(operator: RangeOperator, buckets: Buckets, windows: Windows) -> Matrix:
    cells = Cells.of(buckets.labels, buckets.series, buckets.ends, windows)
    counts = cells.totals(buckets.counts[cells.kept])
    return cells.matrix(_combined(operator, cells, buckets.values[cells.kept], counts))


def _combined(
    operator: RangeOperator, cells: Cells, values: Float64Array | Int64Array, counts: Int64Array
) -> Float64Array | Int64Array:
    match operator:
        case RangeOperator.COUNT:
            return counts
        case RangeOperator.SUM | RangeOperator.BYTES:
            return _sums(cells, values)
        case RangeOperator.RATE | RangeOperator.BYTES_RATE:
            return _sums(cells, values) / (cells.windows.range_ns / SECOND_NS)
        case RangeOperator.AVERAGE:
            return _sums(cells, values) / counts
        case RangeOperator.MINIMUM:
            return cells.summarise(MINIMUM, np.fmin.reduceat(values, cells.begins))[0]
        case RangeOperator.MAXIMUM:
            return cells.summarise(MAXIMUM, np.fmax.reduceat(values, cells.begins))[0]
        case _:
            raise ValueError(f"{operator.value} has to see the samples themselves")


def _sums(cells: Cells, values: Float64Array | Int64Array) -> Float64Array | Int64Array:
    if np.issubdtype(values.dtype, np.integer):
        return cells.totals(values.astype(np.int64, copy=False))
    return cells.summarise(SUM, np.add.reduceat(values, cells.begins))[0]


def _variances(cells: Cells, values: Float64Array | Int64Array) -> Float64Array:
    base = values[cells.begins].astype(np.float64)
    distances = values - np.repeat(base, cells.lengths)  # equal samples have the variance 0, whatever rounding does
    means = np.add.reduceat(distances, cells.begins) / cells.lengths
    squares = np.add.reduceat((distances - np.repeat(means, cells.lengths)) ** 2, cells.begins)
    counts, _, total = cells.summarise(SPREAD, cells.lengths, base + means, squares)
    return total / counts


def _counter_rates(cells: Cells, values: Float64Array | Int64Array, timestamps: Int64Array) -> Float64Array:
    lost = np.zeros(len(values))
    lost[1:] = np.where(values[1:] < values[:-1], values[:-1], 0)
    lost[cells.begins] = 0
    counts, first, last, resets = cells.summarise(
        COUNTER,
        cells.lengths,
        values[cells.begins],
        values[cells.begins + cells.lengths - 1],
        np.add.reduceat(lost, cells.begins),
    )
    starts, ends = cells.windows.starts[cells.columns], cells.windows.ends[cells.columns]
    begun, ended = timestamps[cells.lows], timestamps[cells.highs - 1]
    growth = last - first + resets
    covered = (ended - begun) / SECOND_NS
    distance = covered / (counts - 1)
    before, after = (begun - starts) / SECOND_NS, (ends - ended) / SECOND_NS
    to_zero = np.where((growth > 0) & (first >= 0), covered * (first / growth), np.inf)
    before = np.minimum(before, to_zero)  # a counter has never been below zero
    reached = covered
    for gap in (before, after):
        reached = reached + np.where(gap < distance * _CLOSE, gap, distance / 2)
    rates = growth * (reached / covered) / (cells.windows.range_ns / SECOND_NS)
    return np.where(counts < 2, 0.0, rates)
