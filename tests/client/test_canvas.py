"""Dots and lines in terminal cells."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client.canvas import BrailleCanvas, Canvas


def drawn(canvas: Canvas) -> list[str]:
    return ["".join(cell.text for cell in row) for row in canvas.rows()]


def test_each_dot_of_a_cell_is_its_own() -> None:
    texts = []
    for y in range(4):
        for x in range(2):
            canvas = BrailleCanvas(1, 1)
            canvas.dot(x, y, 0)
            texts += drawn(canvas)
    assert texts == ["⡀", "⢀", "⠄", "⠠", "⠂", "⠐", "⠁", "⠈"]


def test_lines_with_letters_for_pens() -> None:
    canvas = Canvas(5, 3)
    canvas.line((0, 0), (4, 2), 0)
    canvas.line((4, 0), (4, 0), 1)
    canvas.line((0, 2), (1, 2), 27)
    assert drawn(canvas) == ["bb aa", " aa  ", "a   b"]


def test_a_cell_has_the_colour_of_the_pen_that_drew_last() -> None:
    canvas = BrailleCanvas(2, 1)
    canvas.dot(0, 0, 1)
    canvas.dot(1, 0, 2)
    ((cell, empty),) = canvas.rows()
    assert (cell.text, cell.pen) == ("⣀", 2)
    assert (empty.text, empty.pen) == (" ", None)


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (10, 0), (0, 12)])
def test_nothing_is_drawn_outside(place: tuple[int, int]) -> None:
    canvas = BrailleCanvas(5, 3)
    with pytest.raises(ValueError, match="outside"):
        canvas.dot(*place, 0)


@given(st.data(), st.integers(1, 40), st.integers(1, 20))
def test_a_line_joins_its_ends_without_a_hole(data: st.DataObject, columns: int, rows: int) -> None:
    class Recorded(Canvas):
        def dot(self, x: int, y: int, pen: int) -> None:
            super().dot(x, y, pen)
            dots.append((x, y))

    dots: list[tuple[int, int]] = []
    places = st.tuples(st.integers(0, columns - 1), st.integers(0, rows - 1))
    begin, end = data.draw(places), data.draw(places)
    Recorded(columns, rows).line(begin, end, 0)
    assert (dots[0], dots[-1]) == (begin, end)
    assert all(max(abs(x - a), abs(y - b)) <= 1 for (x, y), (a, b) in pairwise(dots))
