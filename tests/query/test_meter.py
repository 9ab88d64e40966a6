"""The meter: phases that do not overlap, and reads counted each time, their streams and segments once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import attrs
import pytest

from logpulse.logql.parser import parse_unrestricted
from logpulse.query.meter import Meter, Phase
from logpulse.query.planner import ALL_TIMES, plan_scan
from logpulse.query.result import PhaseSeconds, ScanStats
from logpulse.storage.view import View

from ..strategies import NOON, batch_of, entry
from .scanning import searchable


def ticking() -> Iterator[float]:
    """Tell a second more at each look."""
    return count(100.0, 1.0)


def test_time_belongs_to_the_innermost_phase() -> None:
    meter = Meter(View(), clock=ticking().__next__)
    with meter.phase(Phase.PLAN):
        pass
    with meter.phase(Phase.EVALUATE):
        for _ in range(2):
            with meter.phase(Phase.SCAN), meter.phase(Phase.EXACT):
                pass
    assert meter.stats.seconds == PhaseSeconds(plan=1, scan=4, exact=2, evaluate=3)


def test_a_phase_ends_with_an_error() -> None:
    meter = Meter(View(), clock=ticking().__next__)
    with pytest.raises(ZeroDivisionError), meter.phase(Phase.EVALUATE), meter.phase(Phase.SCAN):
        raise ZeroDivisionError
    assert meter.stats.seconds == PhaseSeconds(scan=1, evaluate=2)


def test_the_phase_under_way_is_part_of_the_stats() -> None:
    meter = Meter(View(), clock=ticking().__next__)
    with meter.phase(Phase.EXACT):
        assert [meter.stats.seconds.exact for _ in range(3)] == [1, 2, 3]


def test_reads_are_counted_each_time_and_what_they_read_once(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        for number in range(3):
            found.store.append([batch_of([entry("12345", NOON + number), entry("1", NOON + number, service="db")])])
            found.store.flush()
        found.store.append([batch_of([entry("12", NOON)])])
        view = found.store.view
        plan, other = (
            plan_scan(parse_unrestricted(text).selectors[0], *ALL_TIMES, view) for text in ('{service="api"}', "{}")
        )
        meter = Meter(view)
        meter.scanned(plan, plan.sources[:1])
        once = meter.stats
        assert attrs.evolve(once, seconds=PhaseSeconds()) == ScanStats(
            chunks=1, rows=1, text_bytes=5, streams=1, segments=1, skipped_chunks=2
        )
        meter.scanned(plan, plan.sources[:1])
        meter.scanned(other, other.sources[-2:])
        meter.exact_rows += 7
        meter.cached(2)
        meter.cached(1)
        both = meter.stats
    assert attrs.evolve(both, seconds=PhaseSeconds()) == ScanStats(
        chunks=3, rows=5, text_bytes=18, streams=2, segments=2, skipped_chunks=1, cached_segments=3, exact_rows=7
    )


def test_stats_of_two_reads_join() -> None:
    one = ScanStats(1, 2, 3, 4, 5, 6, 7, 8, PhaseSeconds(1, 2, 3, 4))
    other = ScanStats(10, 20, 30, 4, 50, 1, 70, 80, PhaseSeconds(10, 20, 30, 40))
    assert one + other == ScanStats(11, 22, 33, 4, 50, 6, 77, 88, PhaseSeconds(11, 22, 33, 44))
