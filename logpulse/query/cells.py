"""Samples sorted into cells: one series in one interval of time. What is known of cells becomes what windows show."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.batch import Int64Array
from logpulse.query.matrix import Float64Array, Mask, Matrix, SeriesLabels
from logpulse.query.windows import State, Summary, Windows

Places = npt.NDArray[np.intp]


@attrs.frozen(eq=False)
class Cells:
    """Say where samples lie: which of them make up a cell, and which a window.

    `kept` chooses the samples that lie in any interval; everything else speaks of those alone. A cell is `lengths`
    samples from `begins` on. A window that has samples has those from `lows` up to `highs` - 1; it belongs to the
    series `rows` and the point `columns`.
    """

    labels: tuple[SeriesLabels, ...]
    windows: Windows
    kept: Mask
    begins: Places
    lengths: Int64Array
    rows: Places
    columns: Places
    lows: Int64Array
    highs: Int64Array
    _numbers: Int64Array

    @classmethod
    def of(
        cls, labels: tuple[SeriesLabels, ...], series: Int64Array, timestamps: Int64Array, windows: Windows
    ) -> Cells:
        """Sort in samples that are in the order of series, then time; a series is a place in `labels`."""
        cut = windows.cut
        kept = (timestamps > cut.bounds[0]) & (timestamps <= cut.bounds[-1])
        numbers = series[kept] * cut.size + np.searchsorted(cut.bounds, timestamps[kept]) - 1
        before = np.zeros(len(labels) * cut.size + 1, dtype=np.int64)
        np.cumsum(np.bincount(numbers, minlength=len(before) - 1), out=before[1:])
        origins = np.arange(len(labels))[:, np.newaxis] * cut.size
        lows, highs = before[origins + cut.firsts], before[origins + cut.lasts]
        rows, columns = np.nonzero(highs > lows)
        begins = np.flatnonzero(np.diff(numbers, prepend=-1))
        return cls(
            labels,
            windows,
            kept,
            begins,
            np.diff(begins, append=len(numbers)),
            rows,
            columns,
            lows[rows, columns],
            highs[rows, columns],
            numbers[begins],
        )

    def matrix(self, values: Float64Array | Int64Array) -> Matrix:
        """Put the values of the windows into their places; series without any are left out."""
        shape = len(self.labels), len(self.windows.times)
        everything, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        everything[self.rows, self.columns] = values
        present[self.rows, self.columns] = True
        return Matrix(self.windows.times, self.labels, everything, present).inhabited()

    def totals(self, amounts: Int64Array) -> Int64Array:
        """Add up integers in each window, as differences of running totals, which are exact."""
        running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(amounts)])
        totals: Int64Array = running[self.highs] - running[self.lows]
        return totals

    def summarise(self, summary: Summary, *cells: Float64Array | Int64Array) -> State:
        """Give the states of the windows from those of the cells."""
        shape = len(self.labels), self.windows.cut.size
        intervals = tuple(np.full(shape, neutral) for neutral in summary.neutral)
        for interval, known in zip(intervals, cells, strict=True):
            interval.reshape(-1)[self._numbers] = known
        return tuple(state[self.rows, self.columns] for state in summary.over_windows(intervals, self.windows.cut))
