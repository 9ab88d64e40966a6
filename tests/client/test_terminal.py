"""What may be done to the output where it goes."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest

from logpulse.client.terminal import COLORS, PLAIN, ColorChoice, Surface, palette_of, surface_of, terminal_columns


class Terminal(io.StringIO):
    """Pretend to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "color", "environment", "surface"),
    [
        (Terminal(), "auto", {}, Surface.COLOR_TERMINAL),
        (Terminal(), "auto", {"NO_COLOR": "1"}, Surface.PLAIN_TERMINAL),
        (Terminal(), "auto", {"NO_COLOR": ""}, Surface.COLOR_TERMINAL),
        (Terminal(), "auto", {"TERM": "dumb"}, Surface.PLAIN_TERMINAL),
        (Terminal(), "never", {}, Surface.PLAIN_TERMINAL),
        (Terminal(), "always", {"NO_COLOR": "1"}, Surface.COLOR_TERMINAL),
        (io.StringIO(), "auto", {}, Surface.PIPE),
        (io.StringIO(), "never", {}, Surface.PIPE),
        (io.StringIO(), "always", {}, Surface.COLOR_TERMINAL),
    ],
)
def test_surfaces(stream: io.StringIO, color: str, environment: Mapping[str, str], surface: Surface) -> None:
    assert surface_of(stream, ColorChoice(color), environment) is surface


@pytest.mark.parametrize(("columns", "width"), [("5", 20), ("100", 100), ("5000", 200)])
def test_what_is_drawn_is_neither_too_narrow_nor_too_wide(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_columns() == width


def test_pens_begin_again_when_all_are_used() -> None:
    assert COLORS.pen(len(COLORS.pens)) == COLORS.pen(0)
    assert [PLAIN.pen(0), COLORS.pen(None)] == ["", ""]


def test_only_colour_terminals_get_colours() -> None:
    assert [palette_of(surface) for surface in Surface] == [PLAIN, PLAIN, COLORS]
