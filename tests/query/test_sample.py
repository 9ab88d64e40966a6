"""Samples: the newest entries that a pipeline keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from logpulse.errors import QueryCancelledError
from logpulse.limits import SAMPLE_PAGE
from logpulse.logql.parser import parse_log_query
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.sample import newest_entries

from ..strategies import NOON, batch_of, entry
from .scanning import Searchable, searchable

COUNT = 2 * SAMPLE_PAGE + 500


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searchable]:
    """Hold the lines n=0, n=1, … one a nanosecond."""
    with searchable(tmp_path_factory.mktemp("sample")) as found:
        found.store.append([batch_of([entry(f"n={number}", NOON + number) for number in range(COUNT)])])
        yield found


@pytest.mark.parametrize(
    ("stages", "limit", "numbers"),
    [
        ("", 3, [COUNT - 1, COUNT - 2, COUNT - 3]),
        ('|= "n=9"', 2, [999, 998]),
        ("| logfmt | n < 5", 3, [4, 3, 2]),
        ("| logfmt | n < 5", 100, [4, 3, 2, 1, 0]),
        ('| logfmt | n < 5 |= "n=3"', 100, [3]),
        ('| line_format "{{.service}}" |= "api"', 2, [COUNT - 1, COUNT - 2]),
        ('| line_format "{{.service}}" |= "n="', 2, []),
        ("", 2 * COUNT, range(COUNT - 1, -1, -1)),
    ],
)
def test_the_newest_come_first(found: Searchable, stages: str, limit: int, numbers: list[int]) -> None:
    request = LogsRequest(parse_log_query(f'{{service="api"}} {stages}'), limit=limit)
    entries = newest_entries(lambda each: found.engine.logs(each, Interrupt()), request, Interrupt())
    assert [each.timestamp - NOON for each in entries] == list(numbers)


def test_records_are_as_the_pipeline_leaves_them(found: Searchable) -> None:
    request = LogsRequest(parse_log_query('{service="api"} | logfmt | line_format "{{.n}}!"'), limit=1)
    (only,) = newest_entries(lambda each: found.engine.logs(each, Interrupt()), request, Interrupt())
    assert (only.line, only.record.line, only.record.labels["n"]) == (f"n={COUNT - 1}", f"{COUNT - 1}!", str(COUNT - 1))


def test_an_interrupt_ends_the_search(found: Searchable) -> None:
    request = LogsRequest(parse_log_query('{service="api"} | logfmt | n < 0'), limit=1)
    pulled = Interrupt()
    pulled.pull()
    with pytest.raises(QueryCancelledError):
        newest_entries(lambda each: found.engine.logs(each, Interrupt()), request, pulled)
