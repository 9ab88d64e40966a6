"""Values of labels as numbers, durations and byte sizes."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import LINE_BYTES
from logpulse.logql.conversion import (
    ConversionError,
    as_loki_hands_on,
    parse_bytes,
    parse_float,
    parse_go_duration,
    parse_seconds,
)
from logpulse.logql.lexical import format_query_duration


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0), ("-0", 0.0), ("007", 7.0), ("5.", 5.0), (".5", 0.5), ("+3", 3.0), ("1e3", 1000.0),
        ("1E-3", 0.001), ("1_000", 1000.0), ("1_0.0_1e1_0", 10.01e10), ("1e-400", 0.0), ("Inf", math.inf),
        ("-inf", -math.inf), ("+Infinity", math.inf), ("0x1p4", 16.0), ("-0X_A.8p-1", -5.25), ("0x.8P1", 1.0),
        ("12345678901234567890", 12345678901234567890.0),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    assert parse_float(text) == value


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_float("NaN"))


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1 ", " 1", "3 4", "1,000", "0x10", "0xp1", "0b1", "1e", "e1", ".", "1__0", "_1", "1_", "1_.5",
     "+nan", "infin", "1e400", "-1e400", "0x1p2000", "\uff19", "1.2.3", "--1", "1\n"],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_float(text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0), ("+0", 0), ("-0", 0), ("1ns", 1), ("250us", 250_000), ("250µs", 250_000), ("250μs", 250_000),
        ("1.5ms", 1_500_000), ("1h15m30.918s", 4_530_918_000_000), ("-5s", -5_000_000_000), ("+5s", 5_000_000_000),
        (".5h", 1_800_000_000_000), ("1.s", 1_000_000_000), ("1s1h", 3_601_000_000_000), ("0.5ns", 0),
        ("9223372036854775807ns", 2**63 - 1), ("-9223372036854775808ns", -(2**63)),
        ("000000000000000000000001s", 10**9), ("0.1234567890123456789s", 123_456_789),
    ],
)  # fmt: skip
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_go_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", "-", "abc", "10", "1d", "1w", "1y", "s", ".s", "1_000ms", "1 s", "1s ", "1S", "9223372036854775808ns",
     "300y", "9999999h", "1e3s"],
)  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_go_duration(text)


@given(st.integers(-(2**62), 2**62))
def test_a_written_duration_is_read(nanoseconds: int) -> None:
    text = format_query_duration(nanoseconds)
    assert abs(parse_go_duration(text) - nanoseconds) <= 1, "the fraction goes through a float, as in Go"
    assert math.isclose(parse_seconds(text), nanoseconds / 10**9, rel_tol=1e-12, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("100", 100), ("1B", 1), ("1.5B", 1), ("1KB", 1000), ("1kb", 1000), ("1k", 1000), ("1KiB", 1024),
        ("1ki", 1024), ("12 MB", 12_000_000), ("1,024B", 1024), ("2,048", 2048), ("1.5GiB", 3 * 2**29), ("1TB", 10**12),
        ("1PiB", 2**50), ("15EB", 15 * 10**18), ("1 eib ", 2**60),
    ],
)  # fmt: skip
def test_byte_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text", ["", "B", "xMB", "-1KB", "+1KB", "1XB", "1e3B", "1.2.3B", "16EiB", "1KBB", "\uff19B", " 1B"]
)
def test_what_is_no_byte_size(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "handed_on"),
    [
        (0, 0), (999, 999), (1000, 1000), (1024, 1000), (1049, 1000), (1050, 1100), (1536, 1500), (9_949, 9_900),
        (9_950, 10_000), (10_240, 10_000), (999_449, 999_000), (999_999, 1_000_000), (10_485_760, 10_000_000),
    ],
)  # fmt: skip
def test_byte_sizes_of_queries(size: int, handed_on: int) -> None:
    assert as_loki_hands_on(size) == handed_on


@given(st.integers(0, 2**63 - 1))
def test_a_byte_size_is_handed_on_once(size: int) -> None:
    handed_on = as_loki_hands_on(size)
    assert as_loki_hands_on(handed_on) == handed_on
    assert abs(handed_on - size) <= size / 19


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((parse_float, text) for text in ("9", "1.", "1_", "0x", " ")),
        *((parse_go_duration, text) for text in ("9", "0", ".", "99h", "9.")),
        *((parse_bytes, text) for text in ("9", "1.", "B", "1B", " ")),
    ],
)
def test_the_longest_values_are_refused(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(ConversionError) as raised:
        parse(text * (LINE_BYTES // len(text)))
    assert len(str(raised.value)) < 300


def test_the_longest_values_that_can_be_read() -> None:
    assert parse_float("0" * LINE_BYTES) == parse_bytes("0," * (LINE_BYTES // 2)) == 0
    assert parse_go_duration("1s" * (LINE_BYTES // 2)) == LINE_BYTES // 2 * 10**9
