"""What one query may cost: refused before anything is read, by a name and with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from logpulse.errors import ScanLimitError, SeriesLimitError
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse_unrestricted
from logpulse.query.allowance import Allowance
from logpulse.query.engine import Engine, LogsRequest, MetricsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import LogsPage, MetricsAnswer

from ..strategies import NOON, batch_of, entry
from .scanning import Searchable, searchable

HOUR = 3600 * SECOND_NS


def answered(found: Searchable, text: str, allowance: Allowance) -> LogsPage | MetricsAnswer:
    """Answer a query about the hour before and after noon within an allowance."""
    query = parse_unrestricted(text)
    engine = Engine(found.store, found.engine._executor, allowance)
    if isinstance(query, LogQuery):
        return engine.logs(LogsRequest(query, NOON - HOUR, NOON + HOUR), Interrupt())
    return engine.metrics(MetricsRequest(query, NOON + HOUR, NOON + HOUR, SECOND_NS), Interrupt())


def fill(found: Searchable) -> None:
    """Store 100 bytes of text of each of two streams on disk, 50 more in memory, and 1000 of another day."""
    for service in ("a", "b"):
        lines = [entry(f"{number}".ljust(10, "x"), NOON + number, service=service) for number in range(10)]
        found.store.append([batch_of([*lines, entry("old".ljust(500, "x"), NOON - 30 * HOUR, service=service)])])
        found.store.flush()
    found.store.append([batch_of([entry("y" * 50, NOON + 99, service="a")])])


SCANS = [
    ('{service="a"} |= "x"', 150),
    ('{service="b"} | json', 100),
    ('{service="b"} | dedup', 100),
    ('{service="b"} | context before=1', 100),
    ('{} |= "x" | json', 250),
    ('count_over_time({service="a"}[1h])', 150),
    ('sum(rate({}[1h])) / sum(rate({service="b"}[1h]))', 350),
    ('rate({service="b"}[1h]) + rate({service="b"}[1h])', 200),  # read twice
    ('sum(rate({} | service="b" [1h]))', 100),
]


@pytest.mark.parametrize(("text", "size"), SCANS)
def test_the_text_of_all_that_a_query_reads_is_bounded(tmp_path: Path, text: str, size: int) -> None:
    with searchable(tmp_path) as found:
        fill(found)
        for most in (size, 0):
            answered(found, text, Allowance(max_scan_bytes=most))
        with pytest.raises(ScanLimitError) as caught:
            answered(found, text, Allowance(max_scan_bytes=size - 1))
    assert str(caught.value) == (
        f"log text that one query may have to look at is limited to {size - 1}B, got {size}B; "
        "choose fewer streams or a shorter time, or raise query.max_scan_bytes to allow more"
    )


def test_a_log_query_that_drops_nothing_stops_at_its_limit_and_needs_no_bound(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        fill(found)
        page = answered(found, "{}", Allowance(max_scan_bytes=1))
    assert isinstance(page, LogsPage)
    assert len(page.entries) == 21


def test_the_series_of_a_result_are_bounded_and_not_those_on_the_way(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        fill(found)
        answered(found, "rate({}[1h])", Allowance(max_series=2))
        answered(found, "sum(rate({}[1h]))", Allowance(max_series=1))
        with pytest.raises(SeriesLimitError, match=r"limited to 1, got 2; .* raise query\.max_series to allow more"):
            answered(found, "rate({}[1h])", Allowance(max_series=1))
