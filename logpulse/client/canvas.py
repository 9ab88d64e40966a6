"""A field of terminal cells to draw lines on, finer than the cells where colours tell the lines apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import attrs

_BRAILLE: Final = 0x2800  # the empty pattern; each of its eight dots has a bit
_BITS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))  # of the dots of a cell: by column, from below
_PENS: Final = "abcdefghijklmnopqrstuvwxyz"


@attrs.frozen
class Cell:
    """Hold what stands in one cell: a character, and the pen that was drawn with last, None where none was."""

    text: str
    pen: int | None


EMPTY: Final = Cell(" ", None)


class Canvas:
    """Draw with numbered pens; dots are counted from 0, to the right and upwards. One dot is a cell, a letter a pen."""

    dots_across: ClassVar[int] = 1
    dots_down: ClassVar[int] = 1

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self._cells: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def across(self) -> int:
        """The dots of a row."""
        return self._columns * self.dots_across

    @property
    def up(self) -> int:
        """The dots of a column."""
        return self._rows * self.dots_down

    def dot(self, x: int, y: int, pen: int) -> None:
        """Draw one dot.

        Raises:
            ValueError: it lies outside.
        """
        if not (0 <= x < self.across and 0 <= y < self.up):
            raise ValueError(f"({x}, {y}) lies outside of {self.across} x {self.up} dots")
        cell = x // self.dots_across, y // self.dots_down
        bit = _BITS[x % self.dots_across][y % self.dots_down]
        bits, _ = self._cells.get(cell, (0, pen))
        self._cells[cell] = bits | bit, pen

    def line(self, begin: tuple[int, int], end: tuple[int, int], pen: int) -> None:
        """Draw the dots nearest to a straight line, both ends included.

        Raises:
            ValueError: an end lies outside.
        """
        (x, y), (dx, dy) = begin, (end[0] - begin[0], end[1] - begin[1])
        steps = max(abs(dx), abs(dy), 1)
        for step in range(steps + 1):
            self.dot(x + (2 * dx * step + steps) // (2 * steps), y + (2 * dy * step + steps) // (2 * steps), pen)

    def rows(self) -> Iterator[list[Cell]]:
        """Give the cells row by row from the top, each row in its full width."""
        for row in reversed(range(self._rows)):
            yield [self._cell((column, row)) for column in range(self._columns)]

    def text(self, bits: int, pen: int) -> str:
        """Write one cell that was drawn on."""
        return _PENS[pen % len(_PENS)]

    def _cell(self, place: tuple[int, int]) -> Cell:
        if place not in self._cells:
            return EMPTY
        bits, pen = self._cells[place]
        return Cell(self.text(bits, pen), pen)


class BrailleCanvas(Canvas):
    """Draw with eight dots a cell, two across and four down; only colours tell pens apart."""

    dots_across = 2
    dots_down = 4

    def text(self, bits: int, pen: int) -> str:
        """Write one cell that was drawn on."""
        return chr(_BRAILLE | bits)


def pen_letter(pen: int) -> str:
    """Give what a pen draws with on a plain canvas."""
    return _PENS[pen % len(_PENS)]
