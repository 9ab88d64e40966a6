"""Lines over time, drawn with characters: values on the left, times below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

import attrs

from logpulse.client.canvas import BrailleCanvas, Canvas, Cell
from logpulse.client.figures import format_distinct, format_si
from logpulse.client.scale import TimeScale, ValueScale
from logpulse.client.terminal import Palette
from logpulse.limits import CHART_ROWS

_ROWS_PER_TICK = 3
_GAP_STEPS = 1.5  # between two points, in the least distance of any: more is a time without a value


@attrs.frozen
class Curve:
    """Hold the points of one line, in order of time: unix nanoseconds and values, NaN and infinity among them."""

    times: Sequence[int]
    values: Sequence[float]

    def runs(self, step: int) -> Iterator[list[tuple[int, float]]]:
        """Give the points that are joined: the line is broken where points lack, and at values that are not finite.

        `step` is the least distance of any two points, so that one such value alone makes a gap.
        """
        run: list[tuple[int, float]] = []
        for point in zip(self.times, self.values, strict=True):
            if run and point[0] - run[-1][0] > step * _GAP_STEPS:
                yield run
                run = []
            if math.isfinite(point[1]):
                run.append(point)
        if run:
            yield run


def draw_chart(curves: Sequence[Curve], columns: int, palette: Palette) -> list[str]:
    """Draw curves into lines of at most `columns` characters, at least 20, each curve with the pen of its number.

    Gives no line at all where no value is finite: there is nothing to draw then.
    """
    values = [value for curve in curves for value in curve.values if math.isfinite(value)]
    if not values:
        return []
    heights = ValueScale.of(values, CHART_ROWS // _ROWS_PER_TICK + 1)
    moments = [moment for curve in curves for moment in curve.times]
    times = TimeScale(min(moments), max(moments))
    names = _value_names(heights.ticks, columns // 2)
    margin = max(map(len, names))
    canvas = canvas_for(palette, len(curves))(columns - margin - 1, CHART_ROWS)
    _draw(canvas, curves, times, heights)
    ticks = {heights.place(tick, CHART_ROWS): name for tick, name in zip(heights.ticks, names, strict=True)}
    lines = []
    for row, cells in enumerate(canvas.rows()):
        name = ticks.get(CHART_ROWS - 1 - row, "")
        axis = f"{name:>{margin}}{'┤' if name else '│'}"
        lines.append((palette.paint(palette.label, axis) + _painted(cells, palette)).rstrip())
    return [*lines, *_time_axis(times, margin, columns - margin - 1, palette)]


def canvas_for(palette: Palette, pens: int) -> type[Canvas]:
    """Choose letters where several pens could not be told apart otherwise."""
    return BrailleCanvas if palette.pens or pens == 1 else Canvas


def _draw(canvas: Canvas, curves: Sequence[Curve], times: TimeScale, heights: ValueScale) -> None:
    distances = (later - earlier for curve in curves for earlier, later in pairwise(curve.times) if later > earlier)
    step = min(distances, default=0)
    # The first curve is drawn last, so that it lies above the others.
    for pen, curve in reversed(list(enumerate(curves))):
        for run in curve.runs(step):
            dots = [(times.place(moment, canvas.across), heights.place(value, canvas.up)) for moment, value in run]
            for begin, end in pairwise([dots[0], *dots]):
                canvas.line(begin, end, pen)


def _value_names(ticks: Sequence[float], most: int) -> list[str]:
    """Name the ticks of the value axis, exactly enough to tell them apart if that takes at most `most` columns."""
    names = format_distinct(ticks)
    return names if max(map(len, names)) <= most else [format_si(tick)[:most] for tick in ticks]


def _painted(cells: Iterable[Cell], palette: Palette) -> str:
    return "".join(
        palette.paint(palette.pen(pen), "".join(cell.text for cell in run))
        for pen, run in groupby(cells, key=lambda cell: cell.pen)
    )


def _time_axis(times: TimeScale, margin: int, places: int, palette: Palette) -> Iterator[str]:
    named = times.ticks(places)
    axis = "".join("┬" if place in named else "─" for place in range(places))
    yield palette.paint(palette.label, f"{'':{margin}}└{axis}")
    names = ""
    for place, name in named.items():
        names = f"{names:{place - len(name) // 2}}{name}"
    if names:
        yield palette.paint(palette.label, f"{'':{margin + 1}}{names}")
    if len(str(times)) <= places:
        yield palette.paint(palette.label, f"{'':{margin + 1}}{times!s:^{places}}".rstrip())
