"""The meter of a query: what it reads, and where its time goes."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.query.planner import ScanPlan, Source
from logpulse.query.result import PhaseSeconds, ScanStats
from logpulse.storage.view import View


class Phase(enum.Enum):
    """What a query does: it chooses what to read, scans, decides rows one by one, or calculates with series."""

    PLAN = "plan"
    SCAN = "scan"
    EXACT = "exact"
    EVALUATE = "evaluate"


@attrs.define(eq=False)
class Meter:
    """Count what one query over `view` costs as it runs, in one thread; `clock` tells seconds."""

    view: View
    clock: Callable[[], float] = time.perf_counter
    exact_rows: int = 0
    _read: ScanStats = attrs.field(factory=ScanStats)
    _streams: Int64Array = attrs.field(factory=lambda: np.empty(0, dtype=np.int64))
    _chunks: dict[str, Int64Array] = attrs.field(factory=dict)
    _seconds: dict[Phase | None, float] = attrs.field(factory=dict)
    _phase: Phase | None = None
    _since: float = 0

    def scanned(self, plan: ScanPlan, sources: Sequence[Source]) -> None:
        """Count a look at some sources of a plan."""
        self._streams = np.union1d(self._streams, plan.streams)
        for source in sources:
            chunks = 0
            if source.segment is not None:
                numbers = source.segment.chunk_numbers(plan.streams)
                known = self._chunks.get(source.segment.name)
                self._chunks[source.segment.name] = numbers if known is None else np.union1d(known, numbers)
                chunks = len(numbers)
            self._read += ScanStats(chunks, source.rows, source.text_bytes)

    def cached(self, segments: int) -> None:
        """Count segments whose part of the answer was known already."""
        self._read += ScanStats(cached_segments=segments)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Count the time of the block for `phase`, and not for the one around it."""
        outer = self._phase
        self._switch(phase)
        try:
            yield
        finally:
            self._switch(outer)

    @property
    def stats(self) -> ScanStats:
        """What it has cost so far."""
        self._switch(self._phase)
        return attrs.evolve(
            self._read,
            streams=len(self._streams),
            segments=len(self._chunks),
            skipped_chunks=self.view.chunk_count - sum(map(len, self._chunks.values())),
            exact_rows=self.exact_rows,
            seconds=PhaseSeconds(**{phase.value: self._seconds.get(phase, 0.0) for phase in Phase}),
        )

    def _switch(self, phase: Phase | None) -> None:
        now = self.clock()
        self._seconds[self._phase] = self._seconds.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
