"""Rows in order: newest (or oldest) sources first, stopping as soon as no source left can hold a better row.

Whoever wants more and more rows gets them from one slice of time after another, each as wide as the rows of the last
one suggest: without a bound on its time every read would sort all rows that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from logpulse.limits import ROWS_PER_READ, SECOND_WAVE_BYTES, SLICE_GROWTH, SLICE_NS, WAVE_GROWTH
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.query.meter import Meter, Phase
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.row_reader import FoundRows, ReadSources, Row
from logpulse.query.scan import Bounds, RowOrder


@attrs.frozen(eq=False)
class OrderedRows:
    """Give the rows of a plan in order, a portion at a time.

    `without` is asked before each portion but the first for the conditions of those rows that are still of use.
    """

    plan: ScanPlan
    order: RowOrder
    read: ReadSources
    meter: Meter
    without: Callable[[], tuple[SqlPredicate, ...]] = tuple

    def portions(self, first: int, start: tuple[int, int] | None) -> Iterator[Sequence[Row]]:
        """Give about `first` rows, then ever more, from a time and stream on; the last portion may be empty."""
        bounds, size, width = Bounds(start=start, last_time=self._surely_reached(first, start)), first, 0
        found = self._first_rows(size, bounds)
        while True:
            yield found.rows
            rows, end = found.rows, bounds.last_time
            if found.is_cut or len(rows) >= size:
                begin, end = rows[0].timestamp if bounds.after is None else bounds.after.timestamp, rows[-1].timestamp
                width = abs(end - begin)
            elif end is None:
                return
            size = min(max(size * WAVE_GROWTH, ROWS_PER_READ // WAVE_GROWTH), ROWS_PER_READ)
            width = max(SLICE_NS, int(width * min(SLICE_GROWTH, size / max(1, len(rows)))))
            after = rows[-1].position if rows else bounds.after
            last_time = self._end_of_slice(end, width)
            bounds = Bounds(after, start if after is None else None, last_time, self.without())
            found = self._first_rows(size, bounds)

    def _surely_reached(self, wanted: int, start: tuple[int, int] | None) -> int | None:
        """Give a time that as many rows are not older than as are wanted, at least one; None where none is known.

        The newest row of each stream is known. The rows of one time are spread over all of a segment's text, which is
        read from end to end without such a time.
        """
        if self.plan.predicates or not self.order.is_backward:
            return None
        end = self.plan.end if start is None else min(start[0], self.plan.end)
        newest = [
            segment.streams.newest[np.isin(segment.streams.ids, self.plan.streams)]
            for segment in (source.segment for source in self.plan.sources)
            if segment is not None
        ]
        known = np.concatenate([np.empty(0, dtype=np.int64), *newest])
        known = known[(known >= self.plan.start) & (known < end)]
        return int(np.partition(known, -wanted)[-wanted]) if len(known) >= wanted else None

    def _end_of_slice(self, begin: int, width: int) -> int | None:
        """Give the last time of a slice; None where it holds all that is left."""
        if self.order.is_backward:
            end = begin - width
            return end if end > min(source.oldest for source in self.plan.sources) else None
        end = begin + width
        return end if end < max(source.newest for source in self.plan.sources) else None

    def _first_rows(self, wanted: int, bounds: Bounds) -> FoundRows:
        backward = self.order.is_backward
        waiting = sorted(self.plan.sources, key=(lambda s: -s.newest) if backward else (lambda s: s.oldest))
        found = FoundRows()
        budget = 1  # the newest source alone, such as what is in memory: it often has enough
        while waiting:
            last_time = found.rows[-1].timestamp if len(found.rows) >= wanted or found.is_cut else bounds.last_time
            if last_time is not None:
                waiting = [s for s in waiting if (s.newest >= last_time if backward else s.oldest <= last_time)]
            wave, waiting = _next_wave(waiting, budget)
            if not wave:
                break
            with self.meter.phase(Phase.SCAN):
                read = self.read(wave, attrs.evolve(bounds, last_time=last_time), wanted)
                found = found.merged(read, self.order, wanted)
            self.meter.scanned(self.plan, wave)
            budget = max(budget * WAVE_GROWTH, SECOND_WAVE_BYTES)
        return found


def _next_wave(waiting: list[Source], budget: int) -> tuple[list[Source], list[Source]]:
    """Take sources off the front until they hold `budget` bytes of text; at least one."""
    taken = 0
    for number, source in enumerate(waiting):
        taken += source.text_bytes
        if taken >= budget:
            return waiting[: number + 1], waiting[number + 1 :]
    return waiting, []
