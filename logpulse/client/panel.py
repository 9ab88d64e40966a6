"""The answer to a metric query as a person reads it: a chart and a table, or bars where each series is one value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from logpulse.client.canvas import Canvas, pen_letter
from logpulse.client.chart import Curve, canvas_for, draw_chart
from logpulse.client.figures import format_si
from logpulse.client.metric import MetricSeries, largest_first
from logpulse.client.table import Column, Kind, bar_columns, draw_bar, draw_table
from logpulse.client.terminal import Palette
from logpulse.limits import CHART_SERIES, TABLE_SERIES

_SERIES_TABLE: Final = (
    Column("", Kind.BAR),
    Column("series", Kind.TEXT),
    *(Column(title, Kind.FIGURE) for title in ("last", "min", "max", "avg")),
)


def draw_panel(series: Sequence[MetricSeries], columns: int, palette: Palette) -> list[str]:
    """Draw the series of one answer into lines for a terminal of `columns` characters, the largest series first.

    Gives no line for no series.

    Raises:
        InvalidRequestError: a time is no RFC 3339 time.
    """
    ordered = largest_first(series)
    if not ordered:
        return []
    if all(len(one.values) <= 1 for one in ordered):
        return _bars(ordered, columns, palette)
    drawn = ordered[:CHART_SERIES]
    chart = draw_chart([Curve(one.moments(), one.values) for one in drawn], columns, palette)
    return [*chart, *_table(ordered, len(drawn) if chart else 0, columns, palette)]


def _table(series: Sequence[MetricSeries], drawn: int, columns: int, palette: Palette) -> list[str]:
    """Give each series its figures; the mark before the drawn ones makes the table the chart's legend."""
    letters = canvas_for(palette, drawn) is Canvas
    rows = []
    for number, one in enumerate(series[:TABLE_SERIES]):
        mark = palette.paint(palette.pen(number), pen_letter(number) if letters else "●") if number < drawn else " "
        figures = one.summary.last, one.summary.least, one.summary.most, one.summary.average
        rows.append([mark, one.selector, *map(format_si, figures)])
    lines = draw_table(_SERIES_TABLE, rows, columns)
    rest = []
    if drawn and len(series) > drawn:
        rest.append(f"{len(series) - drawn:,} more series are not drawn")
    if len(series) > len(rows):
        rest.append(f"{len(series) - len(rows):,} not listed; --output jsonl gives them all")
    return [*lines, *([palette.paint(palette.label, "; ".join(rest))] if rest else [])]


def _bars(series: Sequence[MetricSeries], columns: int, palette: Palette) -> list[str]:
    width = bar_columns(columns)
    longest = max((abs(one.summary.last) for one in series if math.isfinite(one.summary.last)), default=0.0)
    rows = [
        [
            one.selector,
            *([palette.paint(palette.pen(0), draw_bar(one.summary.last, longest, width))] if width else []),
            format_si(one.summary.last),
        ]
        for one in series
    ]
    table = [Column("series", Kind.TEXT), *([Column("", Kind.BAR)] if width else []), Column("value", Kind.FIGURE)]
    return draw_table(table, rows, columns)
