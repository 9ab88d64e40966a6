"""Volumes: bytes of lines and metadata by series or by label, over a range or its steps."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import LimitExceededError
from logpulse.limits import KIB, VOLUME_POINTS, VOLUME_SERIES
from logpulse.logql.ast import Selector
from logpulse.model.labels import Labels
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.query.buckets import Buckets
from logpulse.query.matrix import Matrix, SeriesLabels
from logpulse.query.result import LabelsOf
from logpulse.query.stream_totals import StreamTotals


class Aggregation(enum.Enum):
    """What volumes are summed by: equal values of some labels, or the label that a stream has, whatever its value."""

    SERIES = "series"
    LABELS = "labels"


@attrs.frozen
class VolumeRequest:
    """Ask for the `limit` largest volumes of the selected streams in `buckets`.

    `targets` are the labels to tell volumes apart by; streams without one of them do not count. Without targets these
    are the labels that the selector names, or all of them if it is `{}` or volumes are summed by label.
    """

    selector: Selector
    targets: tuple[str, ...]
    aggregation: Aggregation
    limit: int
    buckets: Buckets

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """What a stream has to meet."""
        named = {matcher.name for matcher in self.selector.matchers}
        present = (Matcher(name, MatchOperator.REGEX, ".+") for name in self.targets if name not in named)
        return (*self.selector.matchers, *present)

    def keys(self, labels: Labels) -> Iterator[SeriesLabels]:
        """Name the volumes that a stream counts for."""
        if self.aggregation is Aggregation.LABELS:
            return (((name, ""),) for name, _ in labels if not self.targets or name in self.targets)
        names = self.targets or tuple(matcher.name for matcher in self.selector.matchers)
        return iter([tuple(pair for pair in labels if not names or pair[0] in names)])


def volumes(totals: StreamTotals, request: VolumeRequest, labels_of: LabelsOf) -> Matrix:
    """Sum `totals` up: the largest volumes over the whole range, in that order, equal ones by name.

    A series has a point for each bucket in which it has an entry. At most VOLUME_SERIES of them are given. Over a
    single bucket a stream counts in whole KiB, as in Loki, where clients compare the two; steps are exact.

    Raises:
        LimitExceededError: the answer has room for more than VOLUME_POINTS points.
    """
    buckets = request.buckets
    if buckets.count == 1:
        totals = _in_whole_kib(totals)
    series, pairs = _series(np.unique(totals.streams), request, labels_of)
    rows, places = _expanded(totals.streams, pairs)
    sums = np.bincount(places, totals.text_bytes[rows], len(series)) if len(series) else np.empty(0)
    ranked = sorted(range(len(series)), key=lambda number: (-sums[number], series[number]))
    kept = ranked[: min(request.limit, VOLUME_SERIES)]
    if len(kept) * buckets.count > VOLUME_POINTS:
        raise LimitExceededError("volumes times steps", VOLUME_POINTS, len(kept) * buckets.count)
    rank = np.full(len(series), -1, dtype=np.int64)
    rank[kept] = np.arange(len(kept))
    chosen = rank[places] >= 0
    cells = (rank[places[chosen]], totals.buckets[rows[chosen]])
    values, present = np.zeros((len(kept), buckets.count)), np.zeros((len(kept), buckets.count), dtype=np.bool_)
    np.add.at(values, cells, totals.text_bytes[rows[chosen]])
    present[cells] = True
    return Matrix(buckets.times, tuple(series[number] for number in kept), values, present, ordered=True)


def _in_whole_kib(totals: StreamTotals) -> StreamTotals:
    streams, places = np.unique(totals.streams, return_inverse=True)
    entries, text_bytes = np.zeros_like(streams), np.zeros_like(streams)
    np.add.at(entries, places, totals.entries)
    np.add.at(text_bytes, places, totals.text_bytes)
    return StreamTotals(streams, np.zeros_like(streams), entries, (text_bytes + KIB // 2) // KIB * KIB)


@attrs.frozen(eq=False)
class _Pairs:
    """Say which series each stream counts for: two columns, sorted by stream."""

    streams: Int64Array
    series: Int64Array


def _series(streams: Int64Array, request: VolumeRequest, labels_of: LabelsOf) -> tuple[list[SeriesLabels], _Pairs]:
    numbers: dict[SeriesLabels, int] = {}
    pairs = [
        (stream, numbers.setdefault(key, len(numbers)))
        for stream in streams.tolist()
        for key in request.keys(labels_of(stream))
    ]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return list(numbers), _Pairs(columns[:, 0], columns[:, 1])


def _expanded(streams: Int64Array, pairs: _Pairs) -> tuple[Int64Array, Int64Array]:
    """Give, for each row of totals and each series that its stream counts for, the row and the series."""
    first = np.searchsorted(pairs.streams, streams, side="left")
    counts = np.searchsorted(pairs.streams, streams, side="right") - first
    rows = np.repeat(np.arange(len(streams)), counts)
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, pairs.series[np.repeat(first, counts) + offsets]
