"""Matrices written by hand: a row of values for each series, None where it has no point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logpulse.limits import SECOND_NS
from logpulse.query.matrix import Matrix, SeriesLabels

from ..strategies import NOON

Row = Sequence[float | None]


def labelled(text: str) -> SeriesLabels:
    """Read labels such as `a=1,b=2`."""
    return tuple(sorted((name, value) for name, _, value in (pair.partition("=") for pair in text.split(",") if pair)))


def matrix(rows: dict[str, Row]) -> Matrix:
    """Make a matrix of at least one series, with a point every second from NOON on."""
    points = list(rows.values())
    return Matrix(
        NOON + SECOND_NS * np.arange(len(points[0]), dtype=np.int64),
        tuple(map(labelled, rows)),
        np.array([[np.nan if value is None else value for value in row] for row in points], dtype=np.float64),
        np.array([[value is not None for value in row] for row in points], dtype=np.bool_),
    )


def rows_of(found: Matrix) -> dict[str, list[float | None]]:
    """Give the rows of a matrix in their order, in the form `matrix` takes."""
    return {
        ",".join(f"{name}={value}" for name, value in labels): [
            value if here else None for value, here in zip(row.tolist(), present.tolist(), strict=True)
        ]
        for labels, row, present in zip(found.labels, found.values, found.present, strict=True)
    }
