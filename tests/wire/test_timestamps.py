"""The column of timestamps: any mixture of forms is read exactly, what cannot be read is named by its row."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logpulse.batch import Int64Array
from logpulse.errors import InvalidRequestError
from logpulse.limits import NEWEST_NS, SECOND_NS
from logpulse.units import parse_rfc3339
from logpulse.wire import timestamps
from logpulse.wire.timestamps import TimeValue, decode_nanoseconds, decode_times

from ..strategies import NOON

NOW = NOON + 1
nanoseconds = st.integers(-NEWEST_NS, NEWEST_NS)


@st.composite
def rfc3339(draw: st.DrawFn) -> tuple[str, int]:
    """Draw a time as text with any offset and up to nine digits, with its nanoseconds."""
    moment = draw(st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1))).replace(microsecond=0)
    minutes = draw(st.one_of(st.none(), st.integers(-23 * 60, 23 * 60)))
    digits = draw(st.text("0123456789", max_size=9))
    zone = timezone(timedelta(minutes=minutes or 0))
    offset = "Z" if minutes is None else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{digits}" if digits else "") + offset
    seconds = int((moment.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return text, seconds * SECOND_NS + int(digits.ljust(9, "0") or 0)


times: st.SearchStrategy[tuple[TimeValue, int]] = st.one_of(
    rfc3339(),
    nanoseconds.map(lambda value: (value, value)),
    nanoseconds.map(lambda value: (str(value), value)),
    st.integers(-(2**53), 2**53).map(lambda value: (float(value), value)),
    st.just((None, NOW)),
)
unreadable = st.sampled_from(
    ["", "x", " 5", "5 ", "+5", "1e9", "0x1F", "0X1f", "\N{FULLWIDTH DIGIT ONE}", "9" * 30, "now", "2026-01-15"]
) | st.sampled_from(
    [
        "2026-13-01T00:00:00Z",
        "2026-01-15T10:30:00",
        "2026-01-15T25:00:00Z",
        "2026-01-15T10:30:00.1234567890Z",
        "2026-01-15T10:30:00+99:99",
        "2500-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        *(1.5, 1e300, float("inf"), 2**63, 2**64, 10**30, -(2**64)),
    ]
)


@given(st.lists(st.one_of(times, unreadable.map(lambda value: (value, None))), max_size=6))
@settings(max_examples=300)
def test_any_mixture_is_read_row_by_row(column: list[tuple[TimeValue, int | None]]) -> None:
    found, problems = decode_times([value for value, _ in column], NOW)
    assert found.tolist() == [wanted or 0 for _, wanted in column]
    assert [row for row, _ in problems] == [row for row, (_, wanted) in enumerate(column) if wanted is None]
    assert all(reason.startswith("ts: must be RFC 3339 with an offset") for _, reason in problems)


@given(st.lists(rfc3339(), min_size=1, max_size=5))
def test_a_column_of_texts_is_read_as_one_is(column: list[tuple[str, int]]) -> None:
    found, problems = decode_times([text for text, _ in column], NOW)
    assert found.tolist() == [parse_rfc3339(text) for text, _ in column] == [wanted for _, wanted in column]
    assert not problems


@st.composite
def nearly_rfc3339(draw: st.DrawFn) -> str:
    """Draw a time as text with some characters changed, taken out or put in."""
    text = list(draw(st.one_of(rfc3339().map(lambda each: each[0]), st.sampled_from(EDGES))))
    for _ in range(draw(st.integers(0, 3))):
        place, sign = draw(st.integers(0, len(text) - 1)), draw(st.sampled_from("0123456789-:.TtZz+ x"))
        text[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from(["", sign]))
        text = text or ["0"]
    return "".join(text)


EDGES = [
    "2026-01-15 10:30:00Z",
    "2026-01-15T10:30Z",
    "2026-01-15T10Z",
    "2026-01-15T10:30:00+0100",
    "2026-01-15T10:30:00+01",
    "2026-01-15T10:30:00+24:00",
    "2026-01-15t10:30:00z",
    "2024-02-29T23:59:60Z",
    "2262-04-11T23:47:16.854775807Z",
    "2262-04-12T01:47:16.9+02:00",
    "1677-09-20T23:12:44-01:00",
]


@given(nearly_rfc3339())
@settings(max_examples=1000)
def test_text_is_a_time_for_a_push_exactly_when_it_is_one_for_a_query(text: str) -> None:
    assume(re.fullmatch("-?[0-9]+", text) is None)
    try:
        wanted = parse_rfc3339(text)
    except InvalidRequestError:
        wanted = None
    for column, row in (([text], 0), (["2026-01-15T10:30:00Z", text], 1), ([None, text], 1)):
        times, problems = decode_times(column, NOW)
        assert (None if problems else times[row]) == wanted


@pytest.mark.parametrize("decode", [lambda column: decode_times(column, NOW), decode_nanoseconds])
def test_a_few_unreadable_values_of_many_are_found_in_their_rows(
    decode: Callable[[list[str]], tuple[Int64Array, list[tuple[int, str]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_singly = 0

    def count(value: TimeValue) -> int | None:
        nonlocal read_singly
        read_singly += 1
        return number(value)

    number = timestamps._number
    monkeypatch.setattr(timestamps, "_number", count)
    column = [str(value) for value in range(100_000)]
    bad = [0, 50_000, 99_999]
    for row in bad:
        column[row] = "x"
    times, problems = decode(column)
    assert [row for row, _ in problems] == bad
    assert times.tolist() == [0 if value in bad else value for value in range(100_000)]
    assert read_singly < 100_000 // 4


@pytest.mark.parametrize("edge", [0, 1, -1, NEWEST_NS, -NEWEST_NS, 2**53 + 1])
def test_nanoseconds_are_exact_at_the_edges(edge: int) -> None:
    assert decode_times([edge, str(edge)], NOW)[0].tolist() == [edge, edge]
