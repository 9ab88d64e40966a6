"""The points of range queries: alignment, default steps and bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.limits import DAY_NS, NEWEST_NS, POINTS_PER_SERIES, SECOND_NS
from logpulse.query.steps import aligned, check_range, check_step, default_step, points


@pytest.mark.parametrize(
    ("seconds", "step"), [(0, 1), (1, 1), (499, 1), (500, 2), (3600, 14), (86_400, 345), (30 * 86_400, 10_368)]
)
def test_the_default_step(seconds: int, step: int) -> None:
    assert default_step(1_793_494_800 * SECOND_NS, (1_793_494_800 + seconds) * SECOND_NS) == step * SECOND_NS


@pytest.mark.parametrize(
    ("start", "end", "step", "first", "last"),
    [
        (1_793_494_801, 1_793_496_601, 600, 1_793_494_800, 1_793_497_200),
        (1_793_494_800, 1_793_498_400, 600, 1_793_494_800, 1_793_498_400),
        (1_793_494_800, 1_793_498_400, 5400, 1_793_491_200, 1_793_502_000),
        (5, 5, 10, 0, 10),
        (10, 10, 10, 10, 10),
    ],
)
def test_points_are_multiples_of_the_step(start: int, end: int, step: int, first: int, last: int) -> None:
    bounds = aligned(start * SECOND_NS, end * SECOND_NS, step * SECOND_NS)
    assert bounds == (first * SECOND_NS, last * SECOND_NS)
    found = points(*bounds, step * SECOND_NS)
    assert found.tolist() == list(range(first * SECOND_NS, last * SECOND_NS + 1, step * SECOND_NS))


@given(st.integers(0, NEWEST_NS), st.integers(0, 1000), st.integers(0, 10**9), st.integers(1, 2**62))
def test_any_range_has_points_around_it(start: int, steps: int, rest: int, step: int) -> None:
    end = min(start + steps * step + rest, NEWEST_NS)
    if (end - start) // step > POINTS_PER_SERIES:
        return
    first, last = aligned(start, end, step)
    assert first <= start <= end <= last
    found = points(first, last, step).tolist()
    assert found[0] == first
    assert found[-1] == last or last > NEWEST_NS >= found[-1] > NEWEST_NS - step
    assert {after - before for before, after in pairwise(found)} <= {step}


@pytest.mark.parametrize(
    ("start", "end", "step", "allowed"),
    [(0, 11_000, 1, True), (0, 11_001, 1, False), (0, 11_000_999, 1000, True), (0, NEWEST_NS, 1, False)],
)
def test_the_number_of_steps_is_bounded(start: int, end: int, step: int, allowed: bool) -> None:
    if allowed:
        check_step(start, end, step)
        assert len(points(*aligned(start, end, step), step)) <= POINTS_PER_SERIES + 2
    else:
        with pytest.raises(LimitExceededError):
            check_step(start, end, step)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_leads_forward(step: int) -> None:
    with pytest.raises(InvalidRequestError):
        check_step(0, 10, step)


def test_the_range_is_bounded() -> None:
    check_range(0, 30 * DAY_NS + 3600 * SECOND_NS)
    check_range(7, 7)
    with pytest.raises(LimitExceededError, match="seconds between start and end is limited to 2595600"):
        check_range(0, 60 * DAY_NS)
    with pytest.raises(InvalidRequestError):
        check_range(1, 0)
