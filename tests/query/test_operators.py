"""Operators on arrays do to each pair of numbers what folding literals does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.arithmetic import fold
from logpulse.logql.ast import BinaryOperator
from logpulse.query.operators import calculate, compare

numbers = st.one_of(
    st.floats(), st.integers(-3, 3).map(float), st.sampled_from([0.5, -0.5, 1e308, math.inf, -math.inf, math.nan, -0.0])
)
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20)


@pytest.mark.parametrize("operator", [each for each in BinaryOperator if not each.is_set_operator])
@given(pairs)
def test_arrays_and_numbers_agree(operator: BinaryOperator, drawn: list[tuple[float, float]]) -> None:
    left, right = np.array(drawn).T
    found = compare(operator, left, right) if operator.is_comparison else calculate(operator, left, right)
    assert found.tolist() == pytest.approx([fold(operator, *pair) for pair in drawn], rel=1e-12, abs=0, nan_ok=True)


@pytest.mark.parametrize(("operator", "value"), [(BinaryOperator.DIVIDE, "/"), (BinaryOperator.MODULO, "%")])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_nothing_is_divided_by_zero(operator: BinaryOperator, value: str, zero: float) -> None:
    assert operator.value == value
    assert np.isnan(calculate(operator, np.array([1.0, -1.0, 0.0, math.inf]), zero)).all()
