"""How much streams hold."""

from __future__ import annotations

import pytest

from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.terminal import PLAIN
from logpulse.client.volume import Volume, draw_volumes, list_volumes, volumes_of
from logpulse.client.wire import IndexStats, Sample

TOTAL = IndexStats(streams=3, chunks=1, entries=1200, bytes=4096)
VOLUMES = [Volume('{service="api"}', 3072), Volume('{service="web"}', 1024)]


def test_volumes_are_read_in_the_servers_order() -> None:
    samples = [Sample({"b": "\x1b", "a": "1"}, (0, "2048")), Sample({}, (0, "1e3"))]
    assert volumes_of(samples) == [Volume('{a="1", b="\\u001b"}', 2048), Volume("{}", 1000)]


@pytest.mark.parametrize("value", ["", "x", "NaN", "+Inf", "-1", "1e300"])
def test_a_value_that_is_no_number_of_bytes_is_the_servers_fault(value: str) -> None:
    with pytest.raises(UnexpectedAnswerError, match="no number of bytes"):
        volumes_of([Sample({}, (0, value))])


def test_totals_and_a_table_with_bars() -> None:
    assert draw_volumes(TOTAL, VOLUMES, 60, PLAIN) == [
        "3 streams, 1 chunk, 1,200 entries, 4KiB",
        "",
        "largest                        bytes  share",
        '{service="api"}  ████████████   3KiB  75.0%',
        '{service="web"}  ████           1KiB  25.0%',
    ]


def test_a_narrow_table_has_no_bars() -> None:
    assert draw_volumes(TOTAL, VOLUMES, 40, PLAIN)[2:] == [
        "largest          bytes  share",
        '{service="api"}   3KiB  75.0%',
        '{service="web"}   1KiB  25.0%',
    ]


def test_nothing_is_a_line_of_zeros() -> None:
    assert draw_volumes(IndexStats(), [], 80, PLAIN) == ["0 streams, 0 chunks, 0 entries, 0B"]
    assert draw_volumes(IndexStats(), [Volume("{}", 0)], 80, PLAIN)[-1].endswith("0.0%")


def test_programs_get_whole_numbers() -> None:
    assert list_volumes(TOTAL, VOLUMES) == [
        "streams\t3",
        "chunks\t1",
        "entries\t1200",
        "bytes\t4096",
        '{service="api"}\t3072',
        '{service="web"}\t1024',
    ]
