"""Tables for a terminal: text on the left, which wraps, and figures on the right, which never do."""

from __future__ import annotations

import enum
import io
import math
from collections.abc import Sequence
from typing import Final

import attrs

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_BAR_COLUMNS: Final = 24
_LEAST_BAR_COLUMNS: Final = 8  # a shorter one tells nothing
_TEXT_COLUMNS: Final = 24  # left to each text and figure before bars are drawn at all
_LEAST_TEXT_COLUMNS: Final = 12  # of a text: below, the table is wider than asked for


class Kind(enum.Enum):
    """What a column holds: texts wrap, figures without colours are aligned on the right, bars are left as they are."""

    TEXT = enum.auto()
    FIGURE = enum.auto()
    BAR = enum.auto()


@attrs.frozen
class Column:
    """Name a column and say what it holds."""

    title: str
    kind: Kind


def draw_table(table: Sequence[Column], rows: Sequence[Sequence[str]], columns: int) -> list[str]:
    """Draw rows below their titles into lines of at most `columns` characters, if the figures leave room for the text.

    Cells may hold colours, and nothing else a terminal obeys.
    """
    # Imported here: it takes longer than most commands run.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    lines = [[column.title for column in table], *rows]
    widths = [max(Text.from_ansi(cell).cell_len for cell in cells) for cells in zip(*lines, strict=True)]
    title, *body = ([_aligned(*cell) for cell in zip(line, table, widths, strict=True)] for line in lines)
    for name, column in zip(title, table, strict=True):
        is_text = column.kind is Kind.TEXT
        grid.add_column(Text(name), no_wrap=not is_text, overflow="fold" if is_text else "ignore")
    for line in body:
        grid.add_row(*map(Text.from_ansi, line))
    # What is cut is lost, so nothing is cut: a terminal wraps what is too wide for it.
    fixed = (width for column, width in zip(table, widths, strict=True) if column.kind is not Kind.TEXT)
    least = sum(fixed) + 2 * len(table) + _LEAST_TEXT_COLUMNS
    plain = not any("\x1b" in cell for row in rows for cell in row)
    text = io.StringIO()
    console = Console(
        file=text,
        width=max(columns, least),
        force_terminal=True,
        color_system=None if plain else "standard",
        no_color=plain,
        legacy_windows=False,
    )
    console.print(grid)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _aligned(cell: str, column: Column, width: int) -> str:
    return cell.rjust(width) if column.kind is Kind.FIGURE else cell


def bar_columns(columns: int) -> int:
    """Give the width of the bars in a table of so many columns: none where it is narrow."""
    width = min(_BAR_COLUMNS, columns - 2 * _TEXT_COLUMNS)
    return width if width >= _LEAST_BAR_COLUMNS else 0


def draw_bar(value: float, longest: float, columns: int) -> str:
    """Draw a value as a bar of exactly `columns` characters when `longest` fills them; signs are not shown."""
    share = _share(abs(value), longest)
    whole, eighths = divmod(round(share * columns * 8), 8)
    return f"{'█' * whole}{_EIGHTHS[eighths] if eighths else ''}".ljust(columns)


def _share(value: float, longest: float) -> float:
    if math.isnan(value) or not longest > 0:
        return 0.0
    return 1.0 if value >= longest else value / longest
