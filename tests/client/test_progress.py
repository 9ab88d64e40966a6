"""Progress is for people, and for long work only."""

from __future__ import annotations

import sys

import pytest

from logpulse.client.progress import NoProgress, ProgressBar, progress_for
from logpulse.client.terminal import Surface


def test_only_people_see_a_bar() -> None:
    assert isinstance(progress_for(Surface.PIPE, "entries", 10), NoProgress)
    assert isinstance(progress_for(Surface.PLAIN_TERMINAL, "entries", 10), ProgressBar)


def test_short_work_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar("entries", 10, Surface.COLOR_TERMINAL, clock=lambda: 0.0) as progress:
        progress.advance(10)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("total", "shown"), [(2000, "1000/2000"), (None, "1000/?")])
def test_long_work_draws_count_and_rate_on_standard_error(
    total: int | None, shown: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's own word for "this is a terminal"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    times = iter([0.0, 2.0, 2.0, 2.0])
    with ProgressBar("entries", total, Surface.PLAIN_TERMINAL, clock=lambda: next(times)) as progress:
        progress.advance(1000)
    output = capsys.readouterr()
    assert output.out == ""
    assert shown in output.err
    assert "500/s" in output.err
