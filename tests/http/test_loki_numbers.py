"""Numbers as Loki writes them: Go's shortest form without exponent."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logpulse.http.loki_numbers import milliseconds, number_texts, seconds_text

from ..strategies import NOON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (137.95, "137.95"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1 / 3, "0.3333333333333333"),
        (1e6, "1000000"),
        (1e15, "1000000000000000"),
        (1e21, "1000000000000000000000"),
        (12345678901234567890.0, "12345678901234567000"),
        (1162523670191533200000000.0, "1162523670191533200000000"),
        (1e-6, "0.000001"),
        (1.5e-7, "0.00000015"),
        (5e-324, "0." + "0" * 323 + "5"),
        (1.7976931348623157e308, "17976931348623157" + "0" * 292),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_values(value: float, text: str) -> None:
    assert number_texts(np.array([value])).to_pylist() == [text]
    assert number_texts(np.array([2.5, value, value, 2.5])).to_pylist() == ["2.5", text, text, "2.5"]


@given(st.lists(st.floats(), max_size=8))
@example([])
def test_every_value_comes_back_and_none_has_an_exponent(values: list[float]) -> None:
    texts = number_texts(np.array(values, dtype=np.float64)).to_pylist()
    for value, text in zip(values, texts, strict=True):
        read = float(text.replace("Inf", "inf"))
        assert (math.isnan(read) and math.isnan(value)) or (read, str(read)) == (value, str(value))
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?|NaN|[+-]Inf", text)


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (NOON, "1768478400"),
        (NOON + 500_000_000, "1768478400.5"),
        (NOON + 123_456_789, "1768478400.123"),
        (NOON + 999_999, "1768478400"),
        (NOON + 10_000_000, "1768478400.01"),
        (0, "0"),
        (1_000_000, "0.001"),
        (-1_000_000, "-0.001"),
        (-1_500_000_000, "-1.5"),
        (10 * 10**9, "10"),
    ],
)
def test_times(time_ns: int, text: str) -> None:
    assert seconds_text(time_ns) == text
    assert milliseconds(time_ns) == int(float(text) * 1000)
