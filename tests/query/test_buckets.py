"""Ranges cut into steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import NEWEST_NS
from logpulse.query.buckets import Buckets

MS = 1_000_000


@pytest.mark.parametrize(
    ("buckets", "times"),
    [
        (Buckets.whole(5, 9), [9]),
        (Buckets.whole(5, 5), [5]),
        (Buckets.whole(-10, 9), [9]),
        (Buckets.whole(9, 5), []),
        (Buckets.aligned(5 * MS, 25 * MS, 10 * MS), [9 * MS, 19 * MS, 25 * MS]),
        (Buckets.aligned(0, 20 * MS, 10 * MS), [9 * MS, 19 * MS, 20 * MS]),
        (Buckets.aligned(5, NEWEST_NS * 2, NEWEST_NS), [NEWEST_NS - MS, NEWEST_NS]),
    ],
)
def test_times(buckets: Buckets, times: list[int]) -> None:
    assert buckets.count == len(times)
    assert buckets.times.tolist() == times


@given(start=st.integers(0, 10_000), length=st.integers(0, 10_000), step=st.integers(1, 5_000), data=st.data())
def test_every_time_has_a_bucket(start: int, length: int, step: int, data: st.DataObject) -> None:
    buckets = Buckets.aligned(start, start + length, step)
    time = data.draw(st.integers(start, start + length))
    number = buckets.number_of(time)
    assert 0 <= number < buckets.count
    assert buckets.numbers(np.array([time])).tolist() == [number]
    assert number == time // step - start // step
