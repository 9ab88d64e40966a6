"""Quantiles of many runs of one array against sorting each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.query.order_statistics import quantiles

floats = st.one_of(
    st.floats(-1e6, 1e6), st.integers(-2, 2).map(float), st.sampled_from([math.inf, -math.inf, math.nan])
)


def _quantile(values: list[float], quantile: float) -> float:
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = quantile * (len(ordered) - 1)
    weight = rank - math.floor(rank)
    return ordered[math.floor(rank)] * (1 - weight) + ordered[min(math.floor(rank) + 1, len(ordered) - 1)] * weight


@given(st.lists(floats, min_size=1, max_size=40), st.data(), st.floats(0, 1))
def test_a_quantile_is_that_of_the_sorted_run(values: list[float], data: st.DataObject, quantile: float) -> None:
    places = st.integers(0, len(values) - 1)
    runs = [(min(pair), max(pair) + 1) for pair in data.draw(st.lists(st.tuples(places, places), max_size=10))]
    lows = np.array([low for low, _ in runs], dtype=np.int64)
    highs = np.array([high for _, high in runs], dtype=np.int64)
    found = quantiles(np.array(values), lows, highs, quantile)
    expected = [_quantile(values[low:high], quantile) for low, high in runs]
    assert found.tolist() == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(
    ("quantile", "value"), [(-0.1, -math.inf), (1.1, math.inf), (0.0, 1.0), (1.0, 3.0), (0.5, 2.0)]
)
def test_bounds(quantile: float, value: float) -> None:
    found = quantiles(np.array([3.0, 1.0, 2.0]), np.array([0]), np.array([3]), quantile)
    assert found.tolist() == [value]


def test_nan_is_the_smallest() -> None:
    values = np.array([5.0, math.nan, 1.0, math.nan, 3.0])
    assert quantiles(values, np.array([0]), np.array([5]), 0.5).tolist() == [1.0]
    assert math.isnan(quantiles(values, np.array([0]), np.array([5]), 0.25)[0])
