"""Where values and times stand on a chart."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client.scale import TimeScale, ValueScale
from logpulse.limits import DAY_NS, NEWEST_NS, SECOND_NS

from .fake_server import BASE

finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(-NEWEST_NS, NEWEST_NS)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([401.0, 1999.0], (0, 500, 1000, 1500, 2000)),
        ([0.0, 1.0], (0.0, 0.5, 1.0)),
        ([7.0], (0, 2, 4, 6, 8)),
        ([-7.0], (-8, -6, -4, -2, 0)),
        ([0.0], (0.0, 0.5, 1.0)),
        ([], (0.0, 0.5, 1.0)),
        ([-5.0, 5.0], (-5, 0, 5)),
        ([1000.0, 1001.0], (1000, 1000.5, 1001)),
        ([0.1, 0.3], (0, 0.1, 0.2, 0.3)),
    ],
)
def test_ticks_are_round(values: list[float], ticks: tuple[float, ...]) -> None:
    assert ValueScale.of(values, 5).ticks == ticks


@given(st.lists(finite, max_size=20), st.integers(3, 9), st.integers(1, 100), finite)
def test_every_value_has_a_place(values: list[float], most: int, places: int, other: float) -> None:
    scale = ValueScale.of(values, most)
    assert 2 <= len(scale.ticks) <= most
    assert all(low < high for low, high in pairwise(scale.ticks))
    assert scale.place(scale.ticks[0], places) == 0
    assert scale.place(scale.ticks[-1], places) == places - 1
    ordered = [scale.place(value, places) for value in sorted([*values, other])]
    assert ordered == sorted(ordered)
    assert all(0 <= place < places for place in ordered)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1))
def test_no_value_lies_visibly_beyond_the_ticks(values: list[float]) -> None:
    ticks = ValueScale.of(values, 5).ticks
    invisible = (ticks[-1] - ticks[0]) * 1e-6
    assert ticks[0] - invisible <= min(values)
    assert max(values) <= ticks[-1] + invisible


@given(moments, moments, st.integers(1, 400), moments)
def test_every_time_has_a_place(one: int, other: int, places: int, moment: int) -> None:
    scale = TimeScale(min(one, other), max(one, other))
    assert 0 <= scale.place(moment, places) < places
    if one != other:
        assert (scale.place(scale.start, places), scale.place(scale.end, places)) == (0, places - 1)


@given(moments, moments, st.integers(1, 200))
def test_names_of_times_stand_apart_and_inside(one: int, other: int, places: int) -> None:
    ticks = TimeScale(min(one, other), max(one, other)).ticks(places)
    spans = [(place - len(name) // 2, place - len(name) // 2 + len(name)) for place, name in ticks.items()]
    assert all(begin >= 0 and end <= places for begin, end in spans)
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("span", "names"),
    [
        (SECOND_NS, ["11:30:00.200", "11:30:00.400", "11:30:00.600", "11:30:00.800"]),
        (60 * SECOND_NS, ["11:30:10", "11:30:20", "11:30:30", "11:30:40", "11:30:50"]),
        (3600 * SECOND_NS, ["11:40", "11:50", "12:00", "12:10", "12:20"]),
        (DAY_NS, ["15:00", "18:00", "21:00", "00:00", "03:00", "06:00", "09:00"]),
        (7 * DAY_NS, ["01-16", "01-17", "01-18", "01-19", "01-20", "01-21", "01-22"]),
        (400 * DAY_NS, ["2026-03-08", "2026-06-06", "2026-09-04", "2026-12-03"]),
        (0, ["11:30:00.000"]),
    ],
)
def test_times_are_named_locally_and_as_precisely_as_they_differ(span: int, names: list[str]) -> None:
    assert list(TimeScale(BASE, BASE + span).ticks(72).values()) == names


@pytest.mark.usefixtures("berlin")
def test_a_time_scale_tells_its_range() -> None:
    assert str(TimeScale(BASE, BASE + DAY_NS)) == "2026-01-15 11:30:00 to 2026-01-16 11:30:00"
