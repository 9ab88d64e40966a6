"""Series in groups: those that share some of their labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from functools import cached_property
from typing import Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.query.matrix import Float64Array, Mask, SeriesLabels

Key = TypeVar("Key", bound=Hashable)
Counts = npt.NDArray[np.int64]


def only(labels: SeriesLabels, names: Collection[str]) -> SeriesLabels:
    """Keep the labels with these names; one with an empty value is no label."""
    return tuple((name, value) for name, value in labels if name in names and value)


def without(labels: SeriesLabels, names: Collection[str]) -> SeriesLabels:
    """Keep the labels with other names; one with an empty value is no label."""
    return tuple((name, value) for name, value in labels if name not in names and value)


@attrs.frozen(slots=False, eq=False)
class Groups(Generic[Key]):
    """Hold the keys of groups, in the order in which series first have them, and the group of each series."""

    keys: tuple[Key, ...]
    numbers: npt.NDArray[np.intp]

    @classmethod
    def of(cls, labels: Iterable[SeriesLabels], key: Callable[[SeriesLabels], Key]) -> Groups[Key]:
        """Group series by what `key` makes of their labels."""
        found: dict[Key, int] = {}
        numbers = [found.setdefault(key(each), len(found)) for each in labels]
        return cls(tuple(found), np.array(numbers, dtype=np.intp))

    @cached_property
    def places(self) -> dict[Key, int]:
        """Where each key stands in `keys`."""
        return {key: place for place, key in enumerate(self.keys)}

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.numbers, kind="stable")

    @cached_property
    def begins(self) -> npt.NDArray[np.intp]:
        """The place of each group's first series, once series stand in the order of their groups."""
        return np.searchsorted(self.numbers[self._order], np.arange(len(self.keys)))

    def sums(self, values: Float64Array, present: Mask) -> Float64Array:
        """Add up the values of each group at each point; without any the sum is 0."""
        return self._reduced(np.add, np.where(present, values, 0.0))

    def lowest(self, values: Float64Array, present: Mask) -> Float64Array:
        """Give the smallest value of each group at each point; NaN only where there is no number."""
        return self._reduced(np.fmin, np.where(present, values, np.nan))

    def highest(self, values: Float64Array, present: Mask) -> Float64Array:
        """Give the largest value of each group at each point; NaN only where there is no number."""
        return self._reduced(np.fmax, np.where(present, values, np.nan))

    def counts(self, present: Mask) -> Counts:
        """Count the series of each group that have a point, at each point."""
        counted: Counts = np.add.reduceat(present[self._order].astype(np.int64), self.begins, axis=0)
        return counted

    def conflict(self, present: Mask) -> Key | None:
        """Give the key of a group of which two series have a point at the same time, if there is one."""
        conflicting = np.flatnonzero((self.counts(present) > 1).any(axis=1))
        return self.keys[conflicting[0]] if len(conflicting) else None

    def _reduced(self, operation: np.ufunc, values: Float64Array) -> Float64Array:
        reduced: Float64Array = operation.reduceat(values[self._order], self.begins, axis=0)
        return reduced
