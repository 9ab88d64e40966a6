"""The part of the past that a command looks at."""

from __future__ import annotations

import pytest

from logpulse.client.window import TimeWindow, parse_past
from logpulse.errors import InvalidRequestError

S = 10**9
NOW = 1_768_473_000 * S
T10 = "2026-01-15T10:00:00Z"
T11 = "2026-01-15T11:00:00+00:00"
T10_NS = 1_768_471_200 * S


@pytest.mark.parametrize(
    ("since", "begin", "end", "window"),
    [
        (None, None, None, TimeWindow(None, None)),
        ("1h", None, None, TimeWindow(NOW - 3600 * S, None)),
        ("1h", None, T10, TimeWindow(T10_NS - 3600 * S, T10_NS)),
        (None, T10, None, TimeWindow(T10_NS, None)),
        (None, T10, T11, TimeWindow(T10_NS, T10_NS + 3600 * S)),
        (None, str(T10_NS // S), str(T10_NS + 1), TimeWindow(T10_NS, T10_NS + 1)),
    ],
)
def test_windows(since: str | None, begin: str | None, end: str | None, window: TimeWindow) -> None:
    assert TimeWindow.of(since, begin, end, NOW) == window


@pytest.mark.parametrize(
    ("since", "begin", "end", "field"),
    [
        ("1x", None, None, "--since"),
        ("0s", None, None, "--since"),
        ("-1h", None, None, "--since"),
        (None, "yesterday", None, "--from"),
        (None, None, "tomorrow", "--to"),
        ("1h", T10, None, "--since"),
        (None, T11, T10, "--to"),
        (None, T10, T10, "--to"),
    ],
)
def test_what_is_no_window_is_told_by_the_name_of_its_option(
    since: str | None, begin: str | None, end: str | None, field: str
) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{field}"):
        TimeWindow.of(since, begin, end, NOW)


def test_parameters_hold_only_the_bounds_there_are() -> None:
    assert TimeWindow().parameters() == {}
    assert TimeWindow(T10_NS, T10_NS + 1).parameters() == {"start": T10, "end": "2026-01-15T10:00:00.000000001Z"}


def test_parse_past() -> None:
    assert parse_past("90s") == 90 * S


def test_a_window_gets_the_end_it_lacks() -> None:
    assert TimeWindow(5, None).ending(9) == TimeWindow(5, 9)
    assert TimeWindow(None, None).ending(9) == TimeWindow(None, 9)
    assert TimeWindow(5, 7).ending(9) == TimeWindow(5, 7)
    with pytest.raises(InvalidRequestError, match="must lie in the past"):
        TimeWindow(9, None).ending(9)
