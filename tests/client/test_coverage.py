"""How much of a time range an export has covered."""

from __future__ import annotations

import sys

import pytest

from logpulse.client.coverage import CoverageBar, Stretch, coverage_for
from logpulse.client.progress import NoProgress
from logpulse.client.terminal import Surface
from logpulse.client.window import TimeWindow

WINDOW = TimeWindow(1000, 2000)


def test_only_people_see_a_bar() -> None:
    assert isinstance(coverage_for(Surface.PIPE, WINDOW), NoProgress)
    assert isinstance(coverage_for(Surface.PLAIN_TERMINAL, WINDOW), CoverageBar)


@pytest.mark.parametrize(
    ("window", "moment", "share"),
    [
        (WINDOW, 1000, 0.0),
        (WINDOW, 1250, 0.25),
        (WINDOW, 9000, 1.0),
        (WINDOW, 0, 0.0),
        (TimeWindow(None, 2000), 1500, 0.0),
        (TimeWindow(1000, None), 1500, 0.0),
    ],
)
def test_the_share_that_is_covered(window: TimeWindow, moment: int, share: float) -> None:
    assert CoverageBar(window, Surface.PLAIN_TERMINAL).share(moment) == share


def test_a_range_without_a_start_begins_with_its_first_entry() -> None:
    bar = CoverageBar(TimeWindow(None, 2000), Surface.PLAIN_TERMINAL, clock=lambda: 0.0)
    bar.advance(Stretch(1, 1, 1800, 1850))
    assert bar.share(1900) == 0.5


def test_short_work_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with CoverageBar(WINDOW, Surface.COLOR_TERMINAL, clock=lambda: 0.0) as coverage:
        coverage.advance(Stretch(10, 100, 1000, 1500))
    assert capsys.readouterr() == ("", "")


def test_long_work_draws_what_is_done_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's own word for "this is a terminal"
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    times = iter([0.0, 2.0])
    with CoverageBar(WINDOW, Surface.PLAIN_TERMINAL, clock=lambda: next(times)) as coverage:
        coverage.advance(Stretch(1200, 4096, 1000, 1250))
    output = capsys.readouterr()
    assert output.out == ""
    for words in ("25%", "1,200 entries, 4KiB", "2KiB/s"):
        assert words in output.err
