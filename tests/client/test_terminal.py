"""What may be done to the output where it goes."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest

from logpulse.client.terminal import ColorChoice, Surface, surface_of


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
