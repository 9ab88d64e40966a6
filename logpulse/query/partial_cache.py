"""What segments contributed to range aggregations, remembered: a segment never changes, so nor does that.

A dashboard that asks the same every few seconds then has only what is new to scan.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import attrs

from logpulse.limits import PARTIALS_SCANNED_BYTES, PARTIALS_SHARE, SECOND_NS
from logpulse.logql.ast import RangeAggregation
from logpulse.query.gathering import Gathering
from logpulse.query.partials import Intervals
from logpulse.query.planner import Source
from logpulse.storage.segment import Segment

Segments = frozenset[weakref.ref[Segment]]  # by identity: a name may come again


@attrs.frozen
class PartialsKey:
    """Name all that decides what a segment within the range contributes: what is asked, and how time is cut.

    How far each window looks back, and where the windows lie, does not matter as long as no interval ends elsewhere.
    """

    asked: str
    grid: tuple[int, ...]

    @classmethod
    def of_counts(cls, aggregation: RangeAggregation, intervals: Intervals) -> PartialsKey:
        """Name the counts of `aggregation` in `intervals`."""
        return cls(_asked(aggregation), (intervals.first % intervals.step, intervals.step, intervals.inner))

    @classmethod
    def of_samples(cls, aggregation: RangeAggregation) -> PartialsKey:
        """Name the samples of `aggregation`."""
        return cls(_asked(aggregation), ())


def _asked(aggregation: RangeAggregation) -> str:
    anywhere = attrs.evolve(aggregation.log_range, range_ns=SECOND_NS, offset_ns=0)
    return str(attrs.evolve(aggregation, log_range=anywhere))


class PartialCache:
    """Keep what was gathered, up to `most_bytes` of it; what was asked for last stays longest. Safe between threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[tuple[PartialsKey, Segments], Gathering] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept."""
        return self._bytes

    def recall(self, key: PartialsKey, sources: Sequence[Source]) -> tuple[list[Gathering], list[Source]]:
        """Give what is known of some of `sources`, and those of which nothing is.

        The sources are segments that lie within the range as a whole.
        """
        missing = {weakref.ref(segment): source for source, segment in _segments(sources)}
        found = []
        with self._lock:
            for name in [each for each in self._kept if each[0] == key and each[1] <= missing.keys()]:
                if name[1] <= missing.keys():
                    found.append(self._kept[name])
                    self._kept.move_to_end(name)
                    for segment in name[1]:
                        del missing[segment]
        return found, list(missing.values())

    def keep(self, key: PartialsKey, sources: Sequence[Source], gathering: Gathering) -> None:
        """Remember what `sources`, all of them segments within the range, contributed together."""
        if gathering.nbytes > self.most_bytes // PARTIALS_SHARE:
            return
        name = key, frozenset(weakref.ref(segment) for _, segment in _segments(sources))
        with self._lock:
            self._forget(name)
            self._kept[name] = gathering
            self._bytes += gathering.nbytes
            for gone in [each for each in self._kept if any(segment() is None for segment in each[1])]:
                self._forget(gone)
            while self._bytes > self.most_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, name: tuple[PartialsKey, Segments]) -> None:
        gathering = self._kept.pop(name, None)
        if gathering is not None:
            self._bytes -= gathering.nbytes


def scanned_together(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Group sources: what is remembered together is forgotten together, but each scan costs some milliseconds."""
    group: list[Source] = []
    for source in sources:
        if group and sum(each.text_bytes for each in group) + source.text_bytes > PARTIALS_SCANNED_BYTES:
            yield group
            group = []
        group.append(source)
    if group:
        yield group


def _segments(sources: Sequence[Source]) -> Iterator[tuple[Source, Segment]]:
    for source in sources:
        if source.segment is not None:
            yield source, source.segment
