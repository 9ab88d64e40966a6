"""Where the output goes and what may be done to it there."""

from __future__ import annotations

import enum
import shutil
from collections.abc import Mapping
from typing import BinaryIO, TextIO

import attrs

from logpulse.limits import CHART_COLUMNS, CHART_LEAST_COLUMNS


class ColorChoice(enum.Enum):
    """What the operator wants of colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Surface(enum.Enum):
    """What reads the output: a program, or a person with or without colours."""

    PIPE = enum.auto()
    PLAIN_TERMINAL = enum.auto()
    COLOR_TERMINAL = enum.auto()


def surface_of(stream: TextIO | BinaryIO, color: ColorChoice, environment: Mapping[str, str]) -> Surface:
    """Tell what is behind `stream`.

    ALWAYS treats a pipe as a terminal too, for `| less -R`. AUTO honours NO_COLOR (https://no-color.org: any value but
    the empty one) and TERM=dumb; a choice on the command line wins over both.
    """
    if color is ColorChoice.ALWAYS:
        return Surface.COLOR_TERMINAL
    if not stream.isatty():
        return Surface.PIPE
    if color is ColorChoice.NEVER or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return Surface.PLAIN_TERMINAL
    return Surface.COLOR_TERMINAL


def terminal_columns() -> int:
    """Give the width to draw for: the terminal's, or what COLUMNS says, else 80; within what charts can use."""
    return min(max(shutil.get_terminal_size().columns, CHART_LEAST_COLUMNS), CHART_COLUMNS)


@attrs.frozen
class Palette:
    """Hold the sequences that begin each part of a rendered entry or chart, and the one that ends any of them.

    Only the sixteen colours that every terminal theme defines are used, so that both light and dark ones stay legible.
    """

    time: str
    label: str
    levels: Mapping[str, str]
    end: str
    pens: tuple[str, ...] = ()

    def pen(self, number: int | None) -> str:
        """Give the sequence of a pen of a chart, counted from 0, in turn; None is what was not drawn on."""
        return "" if number is None or not self.pens else self.pens[number % len(self.pens)]

    def paint(self, begin: str, text: str) -> str:
        """Colour `text`; nothing is added around it where there is no colour."""
        return f"{begin}{text}{self.end}" if begin else text


_RED, _YELLOW, _GREEN, _BLUE, _DIM, _ALARM = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[34m", "\x1b[2m", "\x1b[1;31m"
COLORS = Palette(
    time=_DIM,
    label=_DIM,
    levels={
        "critical": _ALARM,
        "fatal": _ALARM,
        "error": _RED,
        "warn": _YELLOW,
        "warning": _YELLOW,
        "info": _GREEN,
        "debug": _BLUE,
        "trace": _DIM,
    },
    end="\x1b[0m",
    pens=tuple(f"\x1b[{code}m" for code in (36, 33, 35, 32, 34, 31, 96, 93, 95, 92)),
)
PLAIN = Palette(time="", label="", levels={}, end="")


def palette_of(surface: Surface) -> Palette:
    """Give the colours that a surface takes."""
    return COLORS if surface is Surface.COLOR_TERMINAL else PLAIN
