"""Lines over time."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.client.chart import Curve, draw_chart
from logpulse.client.terminal import COLORS, PLAIN, Palette
from logpulse.limits import CHART_ROWS, NEWEST_NS

from .fake_server import BASE

MINUTE = 60 * 10**9

pytestmark = pytest.mark.usefixtures("berlin")

points = st.lists(st.tuples(st.integers(-NEWEST_NS, NEWEST_NS), st.floats()), max_size=15).map(sorted)
near_points = st.lists(st.tuples(st.integers(BASE, BASE + 100), st.floats(-10, 10)), max_size=15).map(sorted)


def curve(pairs: list[tuple[int, float]]) -> Curve:
    return Curve([moment for moment, _ in pairs], [value for _, value in pairs])


def every_minute(*values: float) -> Curve:
    return Curve([BASE + number * MINUTE for number in range(len(values))], values)


@settings(deadline=None)
@given(
    st.lists(st.one_of(points, near_points).map(curve), max_size=4),
    st.integers(20, 200),
    st.sampled_from([COLORS, PLAIN]),
)
def test_a_chart_never_leaves_its_columns(curves: list[Curve], columns: int, palette: Palette) -> None:
    lines = draw_chart(curves, columns, palette)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert all(len(line) <= columns for line in plain)
    if any(math.isfinite(value) for one in curves for value in one.values):
        assert CHART_ROWS < len(lines) <= CHART_ROWS + 3
        assert any(set(line[:CHART_ROWS]) - set(" │┤") for line in plain)
    else:
        assert lines == []


def test_a_chart_of_one_curve() -> None:
    lines = draw_chart([every_minute(*range(0, 110, 10))], 40, PLAIN)
    assert lines == [
        "100┤                                 ⡠⠔⠊",
        "   │                             ⢀⡠⠔⠉",
        "   │                          ⢀⠤⠊⠁",
        "   │                       ⢀⡠⠒⠁",
        "   │                     ⡠⠔⠁",
        " 50┤                 ⢀⠤⠒⠉",
        "   │              ⢀⡠⠊⠁",
        "   │            ⡠⠒⠁",
        "   │         ⡠⠔⠉",
        "   │      ⣀⠔⠊",
        "   │  ⢀⡠⠒⠉",
        "  0┤⡠⠔⠁",
        "   └───────┬──────┬──────┬──────┬───────",
        "         11:32  11:34  11:36  11:38",
    ]


def test_letters_tell_curves_apart_where_colours_cannot_and_the_first_lies_above() -> None:
    curves = [every_minute(4.0, 4.0, 4.0), every_minute(0.0, 4.0, 0.0)]
    lines = draw_chart(curves, 20, PLAIN)
    assert lines[0] == "4┤aaaaaaaaaaaaaaaaaa"
    assert lines[CHART_ROWS - 1] == "0┤b                b"
    coloured = "\n".join(draw_chart(curves, 20, COLORS))
    assert {COLORS.pen(0), COLORS.pen(1)} <= set(re.findall(r"\x1b\[[0-9;]*m", coloured))


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        ([1.0, math.nan, 2.0, 3.0], [[1.0], [2.0, 3.0]]),
        ([math.inf, 1.0, -math.inf], [[1.0]]),
        ([math.nan], []),
        ([], []),
    ],
)
def test_a_line_is_broken_where_there_is_no_number(values: list[float], runs: list[list[float]]) -> None:
    assert [[value for _, value in run] for run in every_minute(*values).runs(MINUTE)] == runs


def test_a_line_is_broken_where_points_lack() -> None:
    holed = Curve([BASE, BASE + MINUTE, BASE + 3 * MINUTE], [1.0, 2.0, 3.0])
    assert [len(run) for run in holed.runs(MINUTE)] == [2, 1]


def test_one_point_stands_in_the_middle() -> None:
    lines = draw_chart([every_minute(1.0)], 21, PLAIN)
    assert lines[0] == "  1┤        ⠁"
