"""Times in templates: layouts, reading and writing, zones, and the methods of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import SECOND_NS
from logpulse.logql.record import Base, Record
from logpulse.logql.template import compile_template
from logpulse.logql.template_layout import format_time
from logpulse.logql.template_time import (
    UTC_LOCATION,
    ZERO_TIME,
    GoTime,
    date_of,
    days_in,
    days_of,
    fixed_location,
    load_location,
)
from logpulse.logql.template_time_parser import parse_time
from tests.logql.rendering import MOMENT, reason, render

BERLIN = load_location("Europe/Berlin")
AFTERNOON = GoTime(1_783_951_509_000_000_000, BERLIN)  # 2026-07-13T16:05:09+02:00, a Monday
TIMES = st.integers(0, 4_000_000_000 * SECOND_NS)
ZERO_TEXT = "0001-01-01 00:00:00 +0000 UTC"


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", "2026-07-13T16:05:09+02:00"),
        ("Mon Jan _2 15:04:05 2006", "Mon Jul 13 16:05:09 2026"),
        ("Monday, 02-Jan-06 15:04:05 MST", "Monday, 13-Jul-26 16:05:09 CEST"),
        ("3:04PM 03:4:5pm", "4:05PM 04:5:9pm"),
        ("January 1 01 2 02 _2", "July 7 07 13 13 13"),
        ("002 __2", "194 194"),
        ("-0700 -07:00 -07 -070000 -07:00:00", "+0200 +02:00 +02 +020000 +02:00:00"),
        ("Z0700 Z07:00 Z07", "+0200 +02:00 +02"),
        ("Janet Monk Januarys", "Janet Monk Julys"),
        (".000 .999 ,000", ".000  ,000"),
        ("2006 _2006 20060102150405", "2026 _2026 20260713160509"),
        ("no elements: x", "no elements: x"),
        ("", ""),
    ],
)
def test_layouts(layout: str, text: str) -> None:
    assert format_time(AFTERNOON, layout) == text


@pytest.mark.parametrize(
    ("nanosecond", "layout", "text"),
    [
        (120_000_000, "05.000", "00.120"),
        (120_000_000, "05.999", "00.12"),
        (120_000_000, "05,999999", "00,12"),
        (120_000_000, "05.00000000000", "00.12000000000"),
        (0, "05.999", "00"),
        (5, "05.000000000", "00.000000005"),
        (5, "05.999", "00"),
        (0, "05.0x", "00.0x"),
        (0, "05.05", "00.00"),
    ],
)
def test_fractions(nanosecond: int, layout: str, text: str) -> None:
    assert format_time(GoTime(nanosecond), layout) == text


@pytest.mark.parametrize(
    ("time", "layout", "text"),
    [
        (GoTime(0), "Z07:00 Z0700 Z07 Z070000", "Z Z Z Z"),
        (GoTime(0), "3PM 15 03", "12AM 00 12"),
        (GoTime(0), "_2 __2 002", " 1   1 001"),
        (GoTime(0, fixed_location("", -5400)), "-07:00 MST", "-01:30 -0130"),
        (GoTime(0, fixed_location("", -30)), "-0700", "+0000"),
        (ZERO_TIME, "2006-01-02 Monday", "0001-01-01 Monday"),
        (GoTime(-1), "2006-01-02 15:04:05.000000000", "1969-12-31 23:59:59.999999999"),
    ],
)
def test_unusual_times(time: GoTime, layout: str, text: str) -> None:
    assert format_time(time, layout) == text


@pytest.mark.parametrize(
    ("layout", "text", "shown"),
    [
        ("2006-01-02", "2026-03-04", "2026-03-04 00:00:00 +0000 UTC"),
        ("2006-01-02T15:04:05Z07:00", "2026-03-04T05:06:07Z", "2026-03-04 05:06:07 +0000 UTC"),
        ("2006-01-02T15:04:05Z07:00", "2026-03-04T05:06:07.5-01:30", "2026-03-04 05:06:07.5 -0130 -0130"),
        ("2006-01-02 15:04:05", "2026-03-04 05:06:07,123", "2026-03-04 05:06:07.123 +0000 UTC"),
        ("15:04:05.000", "05:06:07.123", "0000-01-01 05:06:07.123 +0000 UTC"),
        ("15:04:05.999", "05:06:07", "0000-01-01 05:06:07 +0000 UTC"),
        ("05.999999999", "07.12345678987", "0000-01-01 00:00:07.123456789 +0000 UTC"),
        ("Jan _2 2006 3:04PM", "mar  4 2026 5:06PM", "2026-03-04 17:06:00 +0000 UTC"),
        ("Monday January 2 2006", "FRIDAY march 4 2026", "2026-03-04 00:00:00 +0000 UTC"),
        ("02/Jan/2006:15:04:05 -0700", "04/Mar/2026:05:06:07 +0100", "2026-03-04 05:06:07 +0100 +0100"),
        ("2/1/06", "4/3/68", "2068-03-04 00:00:00 +0000 UTC"),
        ("2/1/06", "4/3/69", "1969-03-04 00:00:00 +0000 UTC"),
        ("2006-002", "2026-063", "2026-03-04 00:00:00 +0000 UTC"),
        ("2006 __2", "2024  60", "2024-02-29 00:00:00 +0000 UTC"),
        ("3PM", "12AM", "0000-01-01 00:00:00 +0000 UTC"),
        ("3pm", "12pm", "0000-01-01 12:00:00 +0000 UTC"),
        ("15:04 MST", "05:06 UTC", "0000-01-01 05:06:00 +0000 UTC"),
        ("2006-01-02 15:04 MST", "2026-03-04 05:06 PST", "2026-03-04 05:06:00 +0000 PST"),
        ("2006-01-02 15:04 MST", "2026-03-04 05:06 GMT+3", "2026-03-04 08:06:00 +0300 GMT+3"),
        ("2006 01", "2026    03", "2026-03-01 00:00:00 +0000 UTC"),
        ("-070000", "-010203", "0000-01-01 00:00:00 -0102 -0102"),
        ("2006-01-02", "2024-02-29", "2024-02-29 00:00:00 +0000 UTC"),
        # what is no time is the first one there is
        ("2006-01-02", "2026-02-29", ZERO_TEXT),
        ("2006-01-02", "2026-13-01", ZERO_TEXT),
        ("2006-01-02", "2026-3-04", ZERO_TEXT),
        ("2006-01-02", "2026-03-00", ZERO_TEXT),
        ("2006-01-02", "2026-03-04x", ZERO_TEXT),
        ("2006-01-02", " 2026-03-04", ZERO_TEXT),
        ("2006-01-02", "", ZERO_TEXT),
        ("2006-01-02", "\uff12026-03-04", ZERO_TEXT),
        ("15:04", "24:00", ZERO_TEXT),
        ("15:04:05", "05:06:60", ZERO_TEXT),
        ("3PM", "13PM", ZERO_TEXT),
        ("3PM", "1XM", ZERO_TEXT),
        ("Jan", "Foo", ZERO_TEXT),
        ("Z07:00", "+25:00", ZERO_TEXT),
        ("MST", "x", ZERO_TEXT),
        ("05.000", "07.12", ZERO_TEXT),
        ("2006-002", "2026-366", ZERO_TEXT),
        ("2006-01-002", "2026-03-062", "2026-03-03 00:00:00 +0000 UTC"),
        ("2006-01-002", "2026-04-062", ZERO_TEXT),
    ],
)
def test_reading(layout: str, text: str, shown: str) -> None:
    assert render("{{toDate .layout .text}}", layout=layout, text=text) == shown


@pytest.mark.parametrize(
    ("zone", "text", "shown"),
    [
        ("Europe/Berlin", "2026-03-04 05:06", "2026-03-04 05:06:00 +0100 CET"),
        ("Europe/Berlin", "2026-07-04 05:06", "2026-07-04 05:06:00 +0200 CEST"),
        ("Asia/Kolkata", "2026-07-04 05:06", "2026-07-04 05:06:00 +0530 IST"),
        ("", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
        ("Local", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
        ("Nowhere/Land", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
        ("../etc/passwd", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
        ("America", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
        ("\0", "2026-03-04 05:06", "2026-03-04 05:06:00 +0000 UTC"),
    ],
)
def test_zones(zone: str, text: str, shown: str) -> None:
    assert render('{{toDateInZone "2006-01-02 15:04" .zone .text}}', zone=zone, text=text) == shown


def test_a_named_zone_is_one_of_the_place() -> None:
    time = parse_time("2006-01-02 15:04 MST", "2026-07-04 05:06 CEST", BERLIN)
    assert time is not None
    assert (str(time), time.location) == ("2026-07-04 05:06:00 +0200 CEST", BERLIN)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("__timestamp__", "2026-03-04 05:06:07.012345678 +0000 UTC"),
        ("now", "2026-03-04 05:06:07.012345678 +0000 UTC"),
        ("__timestamp__ | unixEpoch", "1772600767"),
        ("unixEpochMillis __timestamp__", "1772600767012"),
        ("unixEpochNanos __timestamp__", "1772600767012345678"),
        ('date "2006-01-02" __timestamp__', "2026-03-04"),
        ('date "15:04:05" 1772600767', "05:06:07"),
        ('date "15:04:05" (add 1772600767 1)', "05:06:08"),
        ('date "2006" "no time is now"', "2026"),
        ('date "2006" nil', "2026"),
        ('unixToTime "20758"', "2026-11-01 00:00:00 +0000 UTC"),
        ('unixToTime "1793491200"', "2026-11-01 00:00:00 +0000 UTC"),
        ('unixToTime "1793491200123"', "2026-11-01 00:00:00.123 +0000 UTC"),
        ('unixToTime "1793491200123456"', "2026-11-01 00:00:00.123456 +0000 UTC"),
        ('unixToTime "1793491200123456789"', "2026-11-01 00:00:00.123456789 +0000 UTC"),
        ('unixEpoch (toDate "" "x")', "-62135596800"),
        ('unixEpochNanos (toDate "" "x")', "-6795364578871345152"),
        ("__timestamp__.Year", "2026"),
        ("__timestamp__.Month", "March"),
        ('printf "%d" __timestamp__.Month', "3"),
        ("__timestamp__.Day", "4"),
        ("__timestamp__.Hour", "5"),
        ("__timestamp__.Minute", "6"),
        ("__timestamp__.Second", "7"),
        ("__timestamp__.Nanosecond", "12345678"),
        ("__timestamp__.Weekday", "Wednesday"),
        ("__timestamp__.YearDay", "63"),
        ("__timestamp__.Unix", "1772600767"),
        ("__timestamp__.UnixMilli", "1772600767012"),
        ("__timestamp__.UnixMicro", "1772600767012345"),
        ("__timestamp__.UnixNano", "1772600767012345678"),
        ("__timestamp__.Location", "UTC"),
        ("__timestamp__.IsZero", "false"),
        ("__timestamp__.IsDST", "false"),
        ("__timestamp__.String", "2026-03-04 05:06:07.012345678 +0000 UTC"),
        ("__timestamp__.UTC.Local.Year", "2026"),
        ('__timestamp__.Format "Jan _2"', "Mar  4"),
        ('"15:04" | __timestamp__.Format', "05:06"),
        ("(__timestamp__.Add 1000000000).Second", "8"),
        ("__timestamp__.AddDate 1 -2 30", "2027-02-03 05:06:07.012345678 +0000 UTC"),
        ('__timestamp__.Sub (unixToTime "1772600767")', "12.345678ms"),
        ("__timestamp__.Truncate 3600000000000", "2026-03-04 05:00:00 +0000 UTC"),
        ("__timestamp__.Round 3600000000000", "2026-03-04 05:00:00 +0000 UTC"),
        ('__timestamp__.Before (unixToTime "1772600768")', "true"),
        ("__timestamp__.After __timestamp__", "false"),
        ("__timestamp__.Equal now", "true"),
        ("__timestamp__.Compare now", "0"),
        ('(__timestamp__.Sub (unixToTime "1772600760")).Seconds', "7.012345678"),
        ('(__timestamp__.Sub (unixToTime "1772600760")).Milliseconds', "7012"),
        ('((unixToTime "1772600760").Sub __timestamp__).Milliseconds', "-7012"),
        ('((unixToTime "1772600760").Sub __timestamp__).Abs', "7.012345678s"),
        ('(__timestamp__.Sub (unixToTime "1772600760")).Round 1000000', "7.012s"),
        (
            '((toDateInZone "2006" "Europe/Berlin" "2026").Location) | __timestamp__.In',
            "2026-03-04 06:06:07.012345678 +0100 CET",
        ),
        ("eq __timestamp__ now", "true"),
        ('printf "%s" __timestamp__.Weekday', "Wednesday"),
        ("eq __timestamp__.Month 3", "true"),
    ],
)
def test_functions_and_methods(expression: str, text: str) -> None:
    assert render(f"{{{{{expression}}}}}") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('unixToTime "12345678"', "error calling unixToTime: unable to parse time '12345678': %!w(<nil>)"),
        (
            'unixToTime "x"',
            "error calling unixToTime: unable to parse time 'x': strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        ("unixToTime 5", "expected string; found 5"),
        ("unixEpoch 5", "can't handle 5 for arg of type time.Time"),
        ("unixEpoch .x", "wrong type for value; expected time.Time; got string"),
        ("__timestamp__.Foo", "can't evaluate field Foo in type time.Time"),
        ("__timestamp__.Date", "function Date has 3 return values; should be 1 or 2"),
        ("__timestamp__.Year 1", "wrong number of args for Year: want 0 got 1"),
        ("__timestamp__.Format", "wrong number of args for Format: want 1 got 0"),
        ("__timestamp__.Format 5", "wrong type for value; expected string; got int"),
        ("lt __timestamp__ now", "error calling lt: invalid type for comparison"),
    ],
)
def test_failures(expression: str, text: str) -> None:
    assert reason(f"{{{{{expression}}}}}", x="1") == text


def test_the_clock_is_the_entrys_not_the_servers() -> None:
    template = compile_template("{{__timestamp__.Unix}} {{now.Unix}}", now=lambda: MOMENT)
    assert template.render(Record(5 * SECOND_NS, "", Base({}))) == f"5 {MOMENT // SECOND_NS}"


@given(st.integers(-5_000_000, 5_000_000))
def test_days_are_counted_both_ways(days: int) -> None:
    year, month, day = date_of(days)
    assert days_of(year, month, day) == days
    assert 1 <= day <= days_in(year, month)


@given(st.integers(0, 4_000_000_000))
def test_the_calendar_is_pythons(seconds: int) -> None:
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    text = format_time(GoTime(seconds * SECOND_NS), "2006-01-02 15:04:05 Monday January 002 03PM")
    assert text == expected.strftime("%Y-%m-%d %H:%M:%S %A %B %j %I%p")


@given(
    TIMES,
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Tokyo"]),
    st.sampled_from(
        [
            "2006-01-02T15:04:05.999999999Z07:00",
            "Mon Jan _2 2006 03:04:05.000000000PM -0700",
            "Monday, 2 January 2006 15h04 05,000000000 Z070000",
            "002 2006 15:4:5.999999999 -07:00:00",
        ]
    ),
)
def test_what_a_layout_writes_it_reads(nanoseconds: int, zone: str, layout: str) -> None:
    location = load_location(zone)
    read = parse_time(layout, format_time(GoTime(nanoseconds, location), layout), location)
    assert read is not None
    assert read.nanoseconds == nanoseconds


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_layout(layout: str, text: str) -> None:
    written = format_time(GoTime(MOMENT), layout)
    parse_time(layout, written, UTC_LOCATION)
    parse_time(layout, text, UTC_LOCATION)
