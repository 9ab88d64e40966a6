"""Durations, byte sizes and times: what is written is read back exactly, what makes no sense is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import InvalidRequestError
from logpulse.limits import DAY_NS, KIB, MIB, NEWEST_NS, SECOND_NS
from logpulse.units import (
    format_byte_size,
    format_duration,
    format_time,
    parse_byte_size,
    parse_duration,
    parse_rfc3339,
    parse_time,
)

from .strategies import NOON

HUGE = "9" * 5000
"""More digits than Python turns into a number."""

times = st.integers(-NEWEST_NS, NEWEST_NS)


@given(st.integers(-NEWEST_NS, NEWEST_NS))
def test_durations_come_back(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30 * SECOND_NS),
        ("1h30m", 5400 * SECOND_NS),
        ("1.5s", SECOND_NS * 3 // 2),
        (".5ms", 500_000),
        ("1.ms", 1_000_000),
        ("7d", 7 * DAY_NS),
        ("1w", 7 * DAY_NS),
        ("1y", 365 * DAY_NS),
        ("-5m", -300 * SECOND_NS),
        ("3us", 3000),
        ("3µs", 3000),
        ("3\N{GREEK SMALL LETTER MU}s", 3000),
        ("1.0000000019s", SECOND_NS + 1),
        ("1s1s", 2 * SECOND_NS),
        ("0.1s", SECOND_NS // 10),
    ],
)
def test_durations_are_read(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "s",
        "1h 30m",
        "1h30",
        "5x",
        "5S",
        "--5s",
        "+5s",
        "1e3s",
        "1,5s",
        ".s",
        "\u0661s",
        " 5s",
        f"{HUGE}s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^since: must be a duration such as 30s, 5m or 1h30m, got "):
        parse_duration(text, field="since")


@pytest.mark.parametrize("text", ["293y", "9223372037s", "1000000w", "-300y"])
def test_durations_beyond_64_bits_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="must be at most 292 years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (5400 * SECOND_NS, "1h30m"),
        (250_000_000, "250ms"),
        (-90 * SECOND_NS, "-1m30s"),
        (8 * DAY_NS, "1w1d"),
        (1, "1ns"),
    ],
)
def test_durations_are_written_short(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", MIB),
        ("64MiB", 64 * MIB),
        ("64 mib", 64 * MIB),
        ("1.5MB", 1_500_000),
        ("1kb", 1000),
        ("1KiB", KIB),
        ("17B", 17),
        (" 1GiB ", 1 << 30),
        ("2TiB", 2 << 40),
        ("1PB", 10**15),
        ("0.1KiB", 102),
    ],
)
def test_byte_sizes_are_read(text: str, size: int) -> None:
    assert parse_byte_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "5ib", "5i", "5X", "-1", "+1", "1e3", "1,5MB", "1.MB", "5KiBB", HUGE])
def test_what_is_no_byte_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^limit: must be a number of bytes such as 1048576 or 64MiB, got "):
        parse_byte_size(text, field="limit")


@given(st.integers(0, 1 << 60))
def test_byte_sizes_come_back_as_well_as_one_decimal_allows(size: int) -> None:
    text = format_byte_size(size)
    assert abs(parse_byte_size(text) - size) <= size / 20
    assert size >= KIB or parse_byte_size(text) == size
    assert len(text) <= 9


@given(st.integers(1, 1023), st.sampled_from([KIB, MIB, 1 << 30, 1 << 40, 1 << 50]))
def test_round_byte_sizes_come_back_exactly(count: int, unit: int) -> None:
    assert parse_byte_size(format_byte_size(count * unit)) == count * unit


@given(times)
def test_times_come_back_to_the_nanosecond(time_ns: int) -> None:
    text = format_time(time_ns)
    assert parse_rfc3339(text) == time_ns
    assert parse_time(text, field="start") == time_ns
    assert "." not in text or not text.endswith("0Z"), "no digit more than needed"


@given(times.filter(lambda value: abs(value) >= 10**10))
def test_nanoseconds_come_back_as_text(time_ns: int) -> None:
    assert parse_time(str(time_ns), field="start") == time_ns


@given(st.integers(-(10**6), NEWEST_NS // SECOND_NS - 1).filter(lambda value: abs(value) < 10**10))
def test_seconds_are_told_from_nanoseconds_by_their_digits(seconds: int) -> None:
    assert parse_time(str(seconds), field="start") == seconds * SECOND_NS


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15t12:00:00z", NOON),
        ("2026-01-15T12:00:00.000000001Z", NOON + 1),
        ("2026-01-15T12:00:00.5Z", NOON + SECOND_NS // 2),
        ("2026-01-15T17:30:00+05:30", NOON),
        ("2026-01-15T00:00:00-12:00", NOON),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29T00:00:00Z", int(datetime(2024, 2, 29, tzinfo=UTC).timestamp()) * SECOND_NS),
        ("2262-04-11T23:47:16.854775807Z", NEWEST_NS),
    ],
)
def test_rfc3339_is_read(text: str, time_ns: int) -> None:
    assert parse_rfc3339(text) == time_ns


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be RFC 3339"),
        ("2026-01-15", "must be RFC 3339"),
        ("2026-01-15T12:00:00", "must be RFC 3339"),
        ("2026-01-15 12:00:00Z", "must be RFC 3339"),
        ("2026-01-15T12:00:00.1234567890Z", "must be RFC 3339"),
        ("2026-01-15T12:00:00+24:00", "must be RFC 3339"),
        ("2026-01-15T12:00:00+00:60", "must be RFC 3339"),
        ("2026-01-15T12:00:00Z\n", "must be RFC 3339"),
        ("\u0662026-01-15T12:00:00Z", "must be RFC 3339"),
        ("2026-02-30T12:00:00Z", "must be a real point in time"),
        ("2026-01-15T24:00:00Z", "must be a real point in time"),
        ("2026-01-15T12:00:60Z", "must be a real point in time"),
        ("0000-01-15T12:00:00Z", "must be a real point in time"),
        ("2262-04-11T23:47:16.854775808Z", "must lie between the years 1678 and 2262"),
        ("9999-12-31T23:59:59Z", "must lie between the years 1678 and 2262"),
        ("0001-01-01T00:00:00+23:59", "must lie between the years 1678 and 2262"),
    ],
)
def test_what_is_no_time_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^ts: {reason}"):
        parse_rfc3339(text, field="ts")


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1768478400", NOON),
        ("1768478400.5", NOON + SECOND_NS // 2),
        ("1768478400.0004", NOON),
        ("1768478400.0006", NOON + 1_000_000),
        ("1.7684784e9", NOON),
        ("1768478400000000001", NOON + 1),
        ("-1", -SECOND_NS),
        ("0", 0),
        ("0.0", 0),
    ],
)
def test_request_times_follow_loki(text: str, time_ns: int) -> None:
    assert parse_time(text, field="start") == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "12:00",
        "nan",
        "inf",
        "1.0e999",
        "-inf",
        "1_000.5",
        "1_000",
        "0x10",
        "1e9",
        ".",
        HUGE,
        f"{HUGE}.0",
        "9" * 30,
    ],
)
def test_other_request_times_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^start: "):
        parse_time(text, field="start")


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    for read in (
        parse_duration,
        parse_byte_size,
        parse_rfc3339,
        lambda value: parse_time(value, field="start"),
    ):
        try:
            assert isinstance(read(text), int)
        except InvalidRequestError:
            continue
