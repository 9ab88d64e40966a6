"""Numbers for people."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client.figures import format_count, format_distinct, format_si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (12.0, "12"),
        (100.0, "100"),
        (0.25, "0.25"),
        (0.001, "0.001"),
        (0.00034, "340µ"),
        (999.4, "999"),
        (999.9, "1k"),
        (1234.0, "1.23k"),
        (-1250.0, "-1.25k"),
        (123_456_789.0, "123M"),
        (1e9, "1G"),
        (2.5e18, "2.5E"),
        (1e21, "1e+21"),
        (1e-13, "1e-13"),
        (5e-324, "4.94e-324"),
        (1.7976931348623157e308, "1.8e+308"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_si(value: float, text: str) -> None:
    assert format_si(value) == text


_FACTORS = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(3, 12))
def test_si_is_near_the_number_and_short(value: float, digits: int) -> None:
    text = format_si(value, digits)
    factor = _FACTORS.get(text[-1], 1.0)
    read = float(text.rstrip("".join(_FACTORS))) * factor
    # A power of ten away from overflow the rounded number may be infinite.
    assert math.isinf(read) or math.isclose(read, value, rel_tol=0.51 * 10 ** (1 - digits), abs_tol=1e-320)
    assert len(text) <= digits + 7


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 500.0, 1000.0], ["0", "500", "1k"]),
        ([1_000_000.0, 1_000_001.0, 1_000_002.0], ["1M", "1.000001M", "1.000002M"]),
        ([1.0, 1.0], ["1", "1"]),
        ([1.0, 1.0 + 1e-15], ["1", "1"]),
        ([], []),
    ],
)
def test_distinct_numbers_have_distinct_texts(values: list[float], texts: list[str]) -> None:
    assert format_distinct(values) == texts


def test_counts() -> None:
    assert [format_count(number, "stream") for number in (0, 1, 1200)] == ["0 streams", "1 stream", "1,200 streams"]
    assert format_count(2, "entry", "entries") == "2 entries"
