"""What several scans found of one range aggregation, put together: buckets of counts, or samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Float64Array, SeriesLabels
from logpulse.query.range_vector import Buckets, Samples
from logpulse.query.sorting import sorted_order

_SELF_BYTES: Final = 4096  # without rows and series
_SERIES_BYTES: Final = 200  # beside its text


@attrs.define(eq=False)
class SeriesNumbers:
    """Number series by their labels, whatever scan finds them."""

    _numbers: dict[SeriesLabels, int] = attrs.field(factory=dict)

    def of(self, labels: SeriesLabels) -> int:
        """Give the number of a series, the next one to a new one."""
        return self._numbers.setdefault(labels, len(self._numbers))

    @property
    def labels(self) -> tuple[SeriesLabels, ...]:
        """The labels of all series, by number."""
        return tuple(self._numbers)


@attrs.define(eq=False)
class Gathering:
    """Collect rows of (series, time, count, value) in any order; `time` ends a bucket or is that of a sample."""

    series: SeriesNumbers = attrs.field(factory=SeriesNumbers)
    _parts: list[tuple[Int64Array, Int64Array, Int64Array, Float64Array | Int64Array]] = attrs.field(factory=list)

    def add(self, series: Int64Array, times: Int64Array, counts: Int64Array, values: Float64Array | Int64Array) -> None:
        """Take in rows."""
        self._parts.append((series, times, counts, values))

    def join(self, other: Gathering) -> None:
        """Take in all rows of another gathering."""
        numbers = np.array([self.series.of(labels) for labels in other.series.labels], dtype=np.int64)
        for series, times, counts, values in other._parts:
            self.add(numbers[series], times, counts, values)

    def settled(self, interrupt: Interrupt) -> Gathering:
        """Give the same rows in the order of series, then time, so that they are quickly read again.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
        """
        return Gathering(self.series, [self._sorted(interrupt)])

    @property
    def nbytes(self) -> int:
        """Bytes of its rows and the names of its series, about."""
        names = sum(
            _SERIES_BYTES + sum(len(name) + len(value) for name, value in labels) for labels in self.series.labels
        )
        return _SELF_BYTES + names + sum(column.nbytes for part in self._parts for column in part)

    def buckets(self, interrupt: Interrupt) -> Buckets:
        """Give all rows as buckets, in the order of series, then time.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
        """
        series, times, counts, values = self._sorted(interrupt)
        return Buckets(self.series.labels, series, times, counts, values)

    def samples(self, interrupt: Interrupt) -> Samples:
        """Give all rows as samples, in the order of series, then time; the counts are not looked at.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
        """
        series, times, _, values = self._sorted(interrupt)
        return Samples(self.series.labels, series, times, values)

    def _sorted(self, interrupt: Interrupt) -> tuple[Int64Array, Int64Array, Int64Array, Float64Array | Int64Array]:
        if not self._parts:
            nothing = np.empty(0, dtype=np.int64)
            return nothing, nothing, nothing, nothing
        series, times, counts, values = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        if _in_order(series, times):
            return series, times, counts, values
        order = sorted_order([times, series], interrupt)
        return series[order], times[order], counts[order], values[order]


def _in_order(series: Int64Array, times: Int64Array) -> bool:
    later = (series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & (times[1:] >= times[:-1]))
    return bool(later.all())


def joined(gatherings: Sequence[Gathering]) -> Gathering:
    """Put gatherings together, each left as it is; a single one is returned."""
    if len(gatherings) == 1:
        return gatherings[0]
    everything = Gathering()
    for each in gatherings:
        everything.join(each)
    return everything
