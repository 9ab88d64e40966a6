"""Rows in order: newest (or oldest) sources first, stopping as soon as no source left can hold a better row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from logpulse.limits import FIRST_WAVE_BYTES, ROWS_PER_READ, WAVE_GROWTH
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
        bounds, size = Bounds(start=start), first
        while True:
            found = self._first_rows(size, bounds)
            yield found.rows
            if not found.rows or (len(found.rows) < size and not found.is_cut):
                return
            bounds = Bounds(after=found.rows[-1].position, without=self.without())
            size = min(max(size * WAVE_GROWTH, ROWS_PER_READ // WAVE_GROWTH), ROWS_PER_READ)

    def _first_rows(self, wanted: int, bounds: Bounds) -> FoundRows:
        backward = self.order.is_backward
        waiting = sorted(self.plan.sources, key=(lambda s: -s.newest) if backward else (lambda s: s.oldest))
        found = FoundRows()
        # Without a line filter every row counts, and one source mostly has enough of them.
        budget = FIRST_WAVE_BYTES if self.plan.predicates else 1
        while waiting:
            last_time = found.rows[-1].timestamp if len(found.rows) >= wanted or found.is_cut else None
            if last_time is not None:
                waiting = [s for s in waiting if (s.newest >= last_time if backward else s.oldest <= last_time)]
            wave, waiting = _next_wave(waiting, budget)
            if not wave:
                break
            with self.meter.phase(Phase.SCAN):
                read = self.read(wave, attrs.evolve(bounds, last_time=last_time), wanted)
                found = found.merged(read, self.order, wanted)
            self.meter.scanned(self.plan, wave)
            budget = max(budget * WAVE_GROWTH, FIRST_WAVE_BYTES)
        return found


def _next_wave(waiting: list[Source], budget: int) -> tuple[list[Source], list[Source]]:
    """Take sources off the front until they hold `budget` bytes of text; at least one."""
    taken = 0
    for number, source in enumerate(waiting):
        taken += source.text_bytes
        if taken >= budget:
            return waiting[: number + 1], waiting[number + 1 :]
    return waiting, []
