"""How much streams hold, in sum and by the largest of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.figures import format_count
from logpulse.client.metric import selector_text
from logpulse.client.table import Column, Kind, bar_columns, draw_bar, draw_table
from logpulse.client.terminal import Palette
from logpulse.client.wire import IndexStats, Sample
from logpulse.units import format_byte_size

_EXACT_BYTES: Final = 2**53  # what a float holds exactly; Loki sends numbers as floats do


@attrs.frozen
class Volume:
    """Hold the bytes of log text of the streams that share some labels, named as a selector."""

    selector: str
    bytes: int


def volumes_of(samples: Sequence[Sample]) -> list[Volume]:
    """Read what `index/volume` answered, in its order.

    Raises:
        UnexpectedAnswerError: a value is no number of bytes.
    """
    return [Volume(selector_text(sample.metric), _bytes(sample.value[1])) for sample in samples]


def draw_volumes(total: IndexStats, volumes: Sequence[Volume], columns: int, palette: Palette) -> list[str]:
    """Draw the totals as a line and the volumes as a table with bars, into lines for a terminal."""
    lines = [
        f"{format_count(total.streams, 'stream')}, {format_count(total.chunks, 'chunk')}, "
        f"{format_count(total.entries, 'entry', 'entries')}, {format_byte_size(total.bytes)}"
    ]
    if not volumes:
        return lines
    width = bar_columns(columns)
    longest, whole = max(volume.bytes for volume in volumes), max(total.bytes, 1)
    table = (
        Column("largest", Kind.TEXT),
        *([Column("", Kind.BAR)] if width else []),
        Column("bytes", Kind.FIGURE),
        Column("share", Kind.FIGURE),
    )
    rows = [
        [
            volume.selector,
            *([palette.paint(palette.pen(0), draw_bar(volume.bytes, longest, width))] if width else []),
            format_byte_size(volume.bytes),
            f"{min(volume.bytes / whole, 1):.1%}",
        ]
        for volume in volumes
    ]
    return [*lines, "", *draw_table(table, rows, columns)]


def list_volumes(total: IndexStats, volumes: Sequence[Volume]) -> list[str]:
    """Write the same for programs: names and values with tabs between them; bytes are whole numbers."""
    totals = (
        ("streams", total.streams),
        ("chunks", total.chunks),
        ("entries", total.entries),
        ("bytes", total.bytes),
    )
    return [f"{name}\t{value}" for name, value in (*totals, *((each.selector, each.bytes) for each in volumes))]


def _bytes(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _EXACT_BYTES:
        raise UnexpectedAnswerError("the server", f"sent a volume that is no number of bytes: {text!r}")
    return int(number)
