"""Tables for a terminal."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client.table import Column, Kind, bar_columns, draw_bar, draw_table

TABLE = (Column("name", Kind.TEXT), Column("", Kind.BAR), Column("size", Kind.FIGURE))


def test_texts_stand_left_and_figures_right() -> None:
    rows = [["api", "██", "12"], ["a longer one", "█ ", "1.5k"]]
    assert draw_table(TABLE, rows, 80) == [
        "name              size",
        "api           ██    12",
        "a longer one  █   1.5k",
    ]


def test_texts_wrap_and_lose_nothing() -> None:
    lines = draw_table(TABLE, [["abcdefghijklmnopqrstuvwxyz", "██", "123456789"]], 30)
    assert all(len(line) <= 30 for line in lines)
    assert "".join(re.findall("[a-z]", "".join(lines[1:]))) == "abcdefghijklmnopqrstuvwxyz"
    assert "123456789" in lines[1]


def test_figures_are_never_cut() -> None:
    (_, line) = draw_table(TABLE, [["abc", "████████", "123456789"]], 20)
    assert line == "abc   ████████  123456789"


def test_cells_are_not_markup() -> None:
    assert draw_table(TABLE, [["[red]x[/red] :smile:", "", "1"]], 80)[1].startswith("[red]x[/red] :smile:")


def test_colours_are_kept_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m●\x1b[0m" in draw_table(TABLE, [["\x1b[36m●\x1b[0m", "", "1"]], 80)[1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in "".join(draw_table(TABLE, [["●", "", "1"]], 80))


@pytest.mark.parametrize(
    ("value", "longest", "bar"),
    [
        (8.0, 8.0, "████"),
        (4.0, 8.0, "██  "),
        (5.0, 8.0, "██▌ "),
        (-5.0, 8.0, "██▌ "),
        (0.0, 8.0, "    "),
        (9.0, 8.0, "████"),
        (math.inf, 8.0, "████"),
        (math.nan, 8.0, "    "),
        (0.0, 0.0, "    "),
    ],
)
def test_bars(value: float, longest: float, bar: str) -> None:
    assert draw_bar(value, longest, 4) == bar


@given(st.floats(), st.floats(), st.integers(0, 50))
def test_a_bar_has_its_width_whatever_it_shows(value: float, longest: float, columns: int) -> None:
    assert len(draw_bar(value, longest, columns)) == columns


@pytest.mark.parametrize(("columns", "width"), [(20, 0), (55, 0), (60, 12), (80, 24), (200, 24)])
def test_narrow_tables_have_no_bars(columns: int, width: int) -> None:
    assert bar_columns(columns) == width
