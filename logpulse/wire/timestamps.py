"""Read the timestamps of a push, a column at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logpulse.batch import Int64Array, text_column
from logpulse.errors import InvalidRequestError, shorten
from logpulse.limits import NEWEST_NS
from logpulse.units import parse_rfc3339

TimeValue = str | int | float | None
Problems = list[tuple[int, str]]
ReadColumn = Callable[[Sequence[TimeValue]], Int64Array | None]

_UNREADABLE: Final = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)  # the last for numbers beyond 64 bits
_WANTED: Final = "ts: must be RFC 3339 with an offset, such as 2026-01-15T10:30:00.123Z, or unix nanoseconds"
_NANOSECONDS: Final = "ts: must be unix nanoseconds as text"
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}")
_PIECE: Final = 4096  # values read together where not all can be; where one of them is wrong, one by one
# Where the signs of RFC 3339 stand; between them are digits, which the conversion checks.
_SIGNS: Final = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))
_SECONDS_END: Final = 19
_SHORTEST: Final = _SECONDS_END + 1
_OFFSET: Final = len("+01:00")


def decode_times(values: Sequence[TimeValue], now_ns: int) -> tuple[Int64Array, Problems]:
    """Read RFC 3339 text as `parse_rfc3339` does, unix nanoseconds as text or number, or nothing: that is `now_ns`.

    Returns the unix nanoseconds (0 where unreadable) and (row, reason) for each unreadable value.
    """
    return _decode(values, _any_column, lambda value: _any_form(value, now_ns), _WANTED)


def decode_nanoseconds(values: Sequence[str]) -> tuple[Int64Array, Problems]:
    """Read unix nanoseconds as text and nothing else; returns what `decode_times` returns."""
    return _decode(values, _nanosecond_column, _number, _NANOSECONDS)


def _decode(
    values: Sequence[TimeValue], read_column: ReadColumn, read: Callable[[TimeValue], int | None], wanted: str
) -> tuple[Int64Array, Problems]:
    times = read_column(values)
    if times is not None:
        return times, []
    if len(values) <= _PIECE:
        return _one_by_one(values, read, wanted)
    pieces, problems = [], Problems()
    for start in range(0, len(values), _PIECE):
        piece, bad = _decode(values[start : start + _PIECE], read_column, read, wanted)
        pieces.append(piece)
        problems += [(start + row, reason) for row, reason in bad]
    return np.concatenate(pieces), problems


def _any_column(values: Sequence[TimeValue]) -> Int64Array | None:
    texts = _texts(values)
    if texts is None:
        return _numbers(values)
    for convert in (_rfc3339, _nanosecond_text):
        try:
            return convert(texts)
        except _UNREADABLE:
            pass
    return None


def _nanosecond_column(values: Sequence[TimeValue]) -> Int64Array | None:
    texts = _texts(values)
    try:
        return None if texts is None else _nanosecond_text(texts)
    except _UNREADABLE:
        return None


def _texts(values: Sequence[TimeValue]) -> pa.Array | None:
    try:
        return text_column(cast("Sequence[str]", values))
    except TypeError:
        return None


def _numbers(values: Sequence[TimeValue]) -> Int64Array | None:
    try:
        column = pa.array(values)
    except _UNREADABLE:
        return None
    if column.null_count or not pa.types.is_int64(column.type):
        return None
    numbers: Int64Array = column.to_numpy()
    return numbers


def _rfc3339(texts: pa.Array) -> Int64Array:
    """Convert texts of the usual form: capital letters, and what `parse_rfc3339` takes; Arrow alone takes more."""
    data, ends = _characters(texts)
    starts = ends[:-1]
    ends = ends[1:]
    if not bool(np.all(ends - starts >= _SHORTEST)):
        raise pa.ArrowInvalid("too short")
    usual = np.ones(len(starts), dtype=np.bool_)
    for place, sign in _SIGNS:
        usual &= data[starts + place] == ord(sign)
    is_utc = data[ends - 1] == ord("Z")
    zone = np.where(is_utc, ends - 1, ends - _OFFSET)
    fraction = zone - starts - _SECONDS_END  # with its point
    usual &= (fraction == 0) | ((data[starts + _SECONDS_END] == ord(".")) & (fraction > 1) & (fraction <= 10))
    if not bool(np.all(is_utc)):
        usual &= is_utc | _is_offset(data, ends - _OFFSET)
    if not bool(np.all(usual)):
        raise pa.ArrowInvalid("not all are of the usual form")
    column: Int64Array = texts.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    return column


def _is_offset(data: npt.NDArray[np.uint8], at: Int64Array) -> npt.NDArray[np.bool_]:
    sign, tens, ones, colon, sixth = (data[at + place] for place in range(5))
    hours = (tens < ord("2")) | ((tens == ord("2")) & (ones < ord("4")))
    found: npt.NDArray[np.bool_] = (
        ((sign == ord("+")) | (sign == ord("-"))) & hours & (colon == ord(":")) & (sixth < ord("6"))
    )
    return found


def _nanosecond_text(texts: pa.Array) -> Int64Array:
    data, _ = _characters(texts)
    if bool(np.any((data | 0x20) == ord("x"))):  # Arrow would read 0x10 as well
        raise pa.ArrowInvalid("hexadecimal")
    numbers: Int64Array = texts.cast(pa.int64()).to_numpy()
    return numbers


def _characters(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], Int64Array]:
    """Give the bytes of a column of texts, and where each text begins and the last one ends."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[: len(texts) + 1].astype(np.int64)
    return np.frombuffer(data or b"", dtype=np.uint8), ends


def _one_by_one(
    values: Sequence[TimeValue], read: Callable[[TimeValue], int | None], wanted: str
) -> tuple[Int64Array, Problems]:
    times = np.zeros(len(values), dtype=np.int64)
    problems: Problems = []
    for row, value in enumerate(values):
        time = read(value)
        if time is None:
            problems.append((row, f"{wanted}, got {shorten(value)}"))
        else:
            times[row] = time
    return times, problems


def _any_form(value: TimeValue, now_ns: int) -> int | None:
    if value is None:
        return now_ns
    if isinstance(value, str):
        number = _number(value)
        return _moment(value) if number is None else number
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if abs(value) <= NEWEST_NS else None


def _moment(text: str) -> int | None:
    try:
        return parse_rfc3339(text)
    except InvalidRequestError:
        return None


def _number(value: TimeValue) -> int | None:
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        return None
    number = int(value)
    return number if abs(number) <= NEWEST_NS else None
