"""Vector matching: which series of two vectors meet, and the labels of what they make together."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt

from logpulse.errors import SeriesConflictError
from logpulse.logql.ast_metric import BinaryOperation, ManySide, MatchingMode, VectorMatching
from logpulse.query.grouping import Groups, only, without
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Float64Array, Mask, Matrix, SeriesLabels, check_size


@attrs.frozen(eq=False)
class Meeting:
    """Hold the values of series that met, a row for each pair; `present` is where both had a point."""

    labels: tuple[SeriesLabels, ...]
    left: Float64Array
    right: Float64Array
    present: Mask
    ordered: bool


def signature(matching: VectorMatching | None) -> Callable[[SeriesLabels], SeriesLabels]:
    """Give the function that tells of a series' labels those that the series it meets must have as well."""
    names = frozenset(() if matching is None else matching.labels)
    if matching is not None and matching.mode is MatchingMode.ON:
        return lambda labels: only(labels, names)
    return lambda labels: without(labels, names)


def met(operation: BinaryOperation, left: Matrix, right: Matrix, interrupt: Interrupt | None = None) -> Meeting:
    """Let the series of two vectors meet, point by point.

    Series of one side with the same signature are no conflict as long as no two of them have a point at the same time.

    Raises:
        SeriesConflictError: at some point several series of the side of one have the same signature, several of the
            other side meet one without `group_left` or `group_right`, or several results have the same labels.
        LimitExceededError: too many series meet.
        QueryCancelledError: `interrupt` was pulled.
    """
    matching = operation.matching
    many = None if matching is None else matching.many
    include = frozenset(() if matching is None else matching.include)
    several, single = (right, left) if many is ManySide.RIGHT else (left, right)
    sign = signature(matching)
    _require_unique(
        Groups.of(checked(single.labels, interrupt), sign).conflict(single.present),
        f"several series on the {'left' if many is ManySide.RIGHT else 'right'} of `{operation.operator.value}` match",
        "match by more labels, or aggregate that side; many-to-many matching is not allowed",
    )
    singles = Groups.of(checked(single.labels, interrupt), lambda labels: (sign(labels), only(labels, include)))
    partners = _partners(
        [sign(labels) for labels in checked(several.labels, interrupt)], singles.keys, len(several.times)
    )
    here = several.present[partners.several] & (singles.counts(single.present) > 0)[partners.singles]
    results = Groups.of(
        [
            sign(several.labels[row]) if many is None else _including(several.labels[row], include, singles.keys[place])
            for row, place in checked(zip(partners.several.tolist(), partners.singles.tolist(), strict=True), interrupt)
        ],
        lambda labels: labels,
    )
    _require_unique(
        results.conflict(here),
        f"several results of `{operation.operator.value}` have the labels",
        "say group_left or group_right if several series shall meet one" if many is None else "keep the labels apart",
    )
    with_many = results.sums(several.values[partners.several], here)
    with_one = results.sums(singles.sums(single.values, single.present)[partners.singles], here)
    left_values, right_values = (with_one, with_many) if many is ManySide.RIGHT else (with_many, with_one)
    return Meeting(results.keys, left_values, right_values, results.counts(here) > 0, several.ordered)


@attrs.frozen(eq=False)
class _Partners:
    """Hold the pairs of series that may meet: rows of the side of many, groups of the side of one."""

    several: npt.NDArray[np.intp]
    singles: npt.NDArray[np.intp]


def _partners(
    several: list[SeriesLabels], singles: tuple[tuple[SeriesLabels, SeriesLabels], ...], points: int
) -> _Partners:
    places: dict[SeriesLabels, list[int]] = {}
    for place, (sign, _) in enumerate(singles):
        places.setdefault(sign, []).append(place)
    check_size(sum(len(places.get(sign, ())) for sign in several), points)
    pairs = [(row, place) for row, sign in enumerate(several) for place in places.get(sign, ())]
    rows, partners = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return _Partners(rows, partners)


def _including(
    labels: SeriesLabels, include: frozenset[str], single: tuple[SeriesLabels, SeriesLabels]
) -> SeriesLabels:
    """Take the labels in `include` from the side of one, or remove them if it has none."""
    return tuple(sorted(without(labels, include) + single[1])) if include else without(labels, ())


def _require_unique(conflict: SeriesLabels | None, reason: str, hint: str) -> None:
    if conflict is not None:
        raise SeriesConflictError(reason, conflict, hint)
