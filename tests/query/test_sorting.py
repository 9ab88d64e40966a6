"""Sorting by digits equals numpy's sorts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import QueryCancelledError
from logpulse.query.interrupt import Interrupt
from logpulse.query.sorting import sort_keys, sorted_order

_NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.integers(0, 5).map(lambda n: n << 16), st.just(-(2**63))
)


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), max_size=30))
def test_rows_are_sorted_as_lexsort_does(rows: list[tuple[int, int]]) -> None:
    minor, major = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    assert sorted_order([minor, major]).tolist() == np.lexsort((minor, major)).tolist()


@given(st.lists(st.one_of(st.floats(), st.sampled_from([0.0, -0.0, float("nan"), float("inf")])), max_size=30))
def test_numbers_are_sorted_with_nan_first(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float64)
    nans = int(np.isnan(values).sum())
    expected = np.roll(np.argsort(values, kind="stable"), nans)
    assert sorted_order([sort_keys(values)]).tolist() == expected.tolist()


def test_a_sort_can_be_stopped() -> None:
    interrupt = Interrupt()
    interrupt.pull()
    with pytest.raises(QueryCancelledError):
        sorted_order([np.array([2, 1])], interrupt)
