"""The answer to a metric query as a person reads it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.client.metric import MetricSeries, Summary
from logpulse.client.panel import draw_panel
from logpulse.client.terminal import COLORS, PLAIN, Palette
from logpulse.limits import CHART_SERIES, TABLE_SERIES
from logpulse.units import format_time

from .fake_server import BASE


def series(number: int, values: list[float]) -> MetricSeries:
    times = [format_time(BASE + place * 60 * 10**9) for place in range(len(values))]
    return MetricSeries(f'{{n="{number}"}}', times, values, Summary.of(values))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(), max_size=4), max_size=14),
    st.integers(20, 200),
    st.sampled_from([COLORS, PLAIN]),
)
def test_every_series_is_told_whatever_it_holds(values: list[list[float]], columns: int, palette: Palette) -> None:
    lines = draw_panel([series(number, each) for number, each in enumerate(values)], columns, palette)
    text = "\n".join(lines)
    assert all(f'{{n="{number}"}}' in text for number in range(len(values)))
    # The widest figures and their names need about this much; what is drawn keeps to less.
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= max(columns, 80) for line in lines)


def test_no_series_is_nothing() -> None:
    assert draw_panel([], 80, COLORS) == []


def test_what_is_not_drawn_is_counted() -> None:
    lines = draw_panel([series(number, [number, number]) for number in range(TABLE_SERIES + 3)], 80, COLORS)
    assert sum("●" in line for line in lines) == CHART_SERIES
    assert "43 more series are not drawn; 3 not listed; --output jsonl gives them all" in lines[-1]


def test_letters_stand_for_colours_in_chart_and_table() -> None:
    lines = draw_panel([series(1, [1.0, 1.0]), series(2, [3.0, 3.0])], 30, PLAIN)
    assert lines[0] == f"3┤{'a' * 28}"
    assert [line.split() for line in lines[-2:]] == [
        ["a", '{n="2"}', "3", "3", "3", "3"],
        ["b", '{n="1"}', "1", "1", "1", "1"],
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_where_nothing_can_be_drawn_there_is_the_table_alone(value: float) -> None:
    lines = draw_panel([series(1, [value, value])], 80, PLAIN)
    assert len(lines) == 2
    assert "●" not in lines[1]
