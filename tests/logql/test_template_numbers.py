"""Functions of templates that compute: what counts as a number, and how results are rounded and printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.template_numbers import parse_float, parse_go_duration, to_float, to_integer
from logpulse.logql.template_time import Duration
from logpulse.logql.template_types import NO_VALUE, Int64
from tests.logql.rendering import reason, render

INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("value", "integer", "number"),
    [
        ("", 0, 0.0),
        ("12", 12, 12.0),
        ("+3", 3, 3.0),
        ("-1", -1, -1.0),
        ("12.9", 12, 12.9),
        ("-12.9", -12, -12.9),
        (".5", 0, 0.5),
        ("5.", 5, 5.0),
        ("-.5", 0, -0.5),
        ("1e3", 0, 1000.0),
        ("1.5e3", 0, 1500.0),
        ("0x10", 16, 0.0),
        ("0x10p1", 0, 32.0),
        ("010", 8, 10.0),
        ("007", 7, 7.0),
        ("08", 0, 8.0),
        ("0o17", 15, 0.0),
        ("0b11", 3, 0.0),
        ("1_000", 1000, 1000.0),
        ("1__0", 0, 0.0),
        ("_1", 0, 0.0),
        ("1_", 0, 0.0),
        (" 1", 0, 0.0),
        ("1 ", 0, 0.0),
        ("\uff11", 0, 0.0),
        ("abc", 0, 0.0),
        ("Inf", 0, math.inf),
        ("-infinity", 0, -math.inf),
        ("1e400", 0, 0.0),
        ("9223372036854775807", 2**63 - 1, 2.0**63),
        ("9223372036854775808", 0, 2.0**63),
        ("9" * 5000, 0, 0.0),
        (1.9, 1, 1.9),
        (-1.9, -1, -1.9),
        (1e300, 0, 1e300),
        (True, 1, 1.0),
        (None, 0, 0.0),
        (NO_VALUE, 0, 0.0),
        (Int64(7), 7, 7.0),
        (Duration(7), 7, 7.0),
        ([1], 0, 0.0),
    ],
)
def test_what_counts_as_a_number(value: object, integer: int, number: float) -> None:
    assert to_integer(value) == integer
    assert to_float(value) == number


def test_nan_is_a_float_and_no_integer() -> None:
    assert math.isnan(to_float("nan"))
    assert to_integer(math.nan) == 0
    assert to_float("+nan") == 0
    assert math.copysign(1, to_float("-0")) == -1


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("int .x", "12"),
        ("float64 .x", "12.75"),
        ("add", "0"),
        ("add 1 .x 2.9 true", "16"),
        ("add 9223372036854775807 1", "-9223372036854775808"),
        ("sub 1 3", "-2"),
        ("mul 2 3 4", "24"),
        ("mul 9223372036854775807 2", "-2"),
        ("div 7 2", "3"),
        ("div -7 2", "-3"),
        ("mod 7 2", "1"),
        ("mod -7 2", "-1"),
        ("mod 7 -2", "1"),
        ("div -9223372036854775808 -1", "-9223372036854775808"),
        ("max 1 9 3", "9"),
        ("max 5", "5"),
        ("min 4 2 8", "2"),
        ("addf 1.5 .x", "14.25"),
        ("addf 0.1 0.2", "0.3"),
        ("addf", "0"),
        ("subf 10 0.1 0.2", "9.7"),
        ("mulf 1.1 1.1", "1.21"),
        ("mulf -1 0", "0"),
        ("mulf 1e300 1e300", "+Inf"),
        ("divf 1 3", "0.3333333333333333"),
        ("divf 2 3", "0.6666666666666667"),
        ("divf -2 3", "-0.6666666666666667"),
        ("divf 10 4 2", "1.25"),
        ("divf 1 1e20", "0"),
        ("maxf 1.5 2.5", "2.5"),
        ("minf 1.5 -2.5", "-2.5"),
        ('maxf 1 "nan"', "NaN"),
        ('maxf "inf" "nan"', "+Inf"),
        ('minf "-inf" "nan"', "-Inf"),
        ("ceil 1.2", "2"),
        ("ceil -0.2", "-0"),
        ("floor -1.2", "-2"),
        ('floor "inf"', "+Inf"),
        ("round 123.5555 3", "123.556"),
        ("round 123.4 0", "123"),
        ("round 0.5 0", "1"),
        ("round -2.5 0", "-3"),
        ("round 123 -1", "120"),
        ("round 123.5 0 0.6", "123"),
        ("round 1 400", "NaN"),
        ('bytes "1.5MiB"', "1.572864e+06"),
        ('bytes "24KB"', "24000"),
        ('bytes "2,048"', "2048"),
        ('bytes "12 MB"', "1.2e+07"),
        ('bytes "1.5B"', "1"),
        ('bytes "7gib"', "7.516192768e+09"),
        ('bytes "1Ki"', "1024"),
        ('bytes "1e"', "1e+18"),
        ('duration "1h15m30.918s"', "4530.918"),
        ('duration "250us"', "0.00025"),
        ('duration "1µs"', "1e-06"),
        ('duration "-1.5h"', "-5400"),
        ('duration ".5s"', "0.5"),
        ('duration "0"', "0"),
        ('duration_seconds "79ms"', "0.079"),
    ],
)
def test_results(expression: str, text: str) -> None:
    assert render(f"{{{{{expression}}}}}", x="12.75") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("div 1 0", "error calling div: runtime error: integer divide by zero"),
        ("mod 1 0", "error calling mod: runtime error: integer divide by zero"),
        ("divf 1 0", "error calling divf: decimal division by 0"),
        ('addf "nan"', "error calling addf: Cannot create a Decimal from NaN"),
        ('mulf 1 "-inf"', "error calling mulf: Cannot create a Decimal from -Inf"),
        ('bytes ""', 'error calling bytes: strconv.ParseFloat: parsing "": invalid syntax'),
        ('bytes "-1KB"', 'error calling bytes: strconv.ParseFloat: parsing "": invalid syntax'),
        ('bytes "1.2.3KB"', 'error calling bytes: strconv.ParseFloat: parsing "1.2.3": invalid syntax'),
        ('bytes "5 parsecs"', "error calling bytes: unhandled size name: parsecs"),
        ('bytes "99EB"', "error calling bytes: too large: 99EB"),
        ('duration ""', 'error calling duration: time: invalid duration ""'),
        ('duration "-"', 'error calling duration: time: invalid duration "-"'),
        ('duration "abc"', 'error calling duration: time: invalid duration "abc"'),
        ('duration "10"', 'error calling duration: time: missing unit in duration "10"'),
        ('duration "1d"', 'error calling duration: time: unknown unit "d" in duration "1d"'),
        ('duration "300000h1000000000h"', 'error calling duration: time: invalid duration "300000h1000000000h"'),
        ("round 1 1.5", "expected integer; found 1.5"),
        ("round 1 .x", "wrong type for value; expected int; got string"),
    ],
)
def test_failures(expression: str, text: str) -> None:
    assert reason(f"{{{{{expression}}}}}", x="1") == text


@given(INT64, INT64)
def test_division_gives_what_multiplication_takes(left: int, right: int) -> None:
    if right == 0:
        return
    quotient, rest = render(f"{{{{div {left} {right}}}}} {{{{mod {left} {right}}}}}").split()
    assert render(f"{{{{add (mul {quotient} {right}) {rest}}}}}") == str(left)
    assert abs(int(rest)) < abs(right)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_as_they_are_written(number: float) -> None:
    assert parse_float(repr(number)) == number
    assert to_float(render("{{float64 .x}}", x=repr(number))) == number


@given(st.integers(0, 10**15))
def test_durations_are_read_as_they_are_written(nanoseconds: int) -> None:
    assert parse_go_duration(str(Duration(nanoseconds))) == pytest.approx(nanoseconds / 1e9, rel=1e-12, abs=2e-9)
