"""Series over points in time: what range aggregations make and what vector operators work on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.batch import Int64Array
from logpulse.errors import LimitExceededError
from logpulse.limits import MATRIX_VALUES

SeriesLabels = tuple[tuple[str, str], ...]
"""Label pairs sorted by name."""

Float64Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@attrs.frozen(eq=False)
class Matrix:
    """Hold the values of some series at the same `times` (unix nanoseconds, ascending).

    `values` and `present` have a row for each series and a column for each time. Where `present` is false the series
    has no point, whatever its value says; NaN is a value like any other. While a query is evaluated two series may have
    the same labels; in its result they may not. `ordered` is set when the order of the series is part of the answer, as
    after `sort`. Loki orders what `topk` chooses by labels, like everything else (recorded).
    """

    times: Int64Array
    labels: tuple[SeriesLabels, ...]
    values: Float64Array
    present: Mask
    ordered: bool = False

    @classmethod
    def empty(cls, times: Int64Array) -> Self:
        """Give no series."""
        return cls(times, (), np.empty((0, len(times))), np.empty((0, len(times)), dtype=np.bool_))

    @classmethod
    def stacked(cls, parts: Sequence[Matrix]) -> Matrix:
        """Put the series of some matrices with the same times, at least one, below one another."""
        if len(parts) == 1:
            return parts[0]
        return Matrix(
            parts[0].times,
            tuple(labels for part in parts for labels in part.labels),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.present for part in parts]),
            parts[0].ordered,
        )

    def chosen(self, rows: Sequence[int]) -> Self:
        """Keep the series in these rows, in this order."""
        places = np.asarray(rows, dtype=np.intp)
        labels = tuple(self.labels[row] for row in rows)
        return attrs.evolve(self, labels=labels, values=self.values[places], present=self.present[places])

    def inhabited(self) -> Self:
        """Leave out the series without any point."""
        rows = np.flatnonzero(self.present.any(axis=1))
        return self if len(rows) == len(self.labels) else self.chosen(rows.tolist())


def check_size(series: int, points: int) -> None:
    """Bound the memory of a matrix before it is made.

    Raises:
        LimitExceededError: it would hold more values than MATRIX_VALUES.
    """
    if series * points > MATRIX_VALUES:
        raise LimitExceededError("series times points of one vector", MATRIX_VALUES, series * points)
