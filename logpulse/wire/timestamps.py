"""Read the timestamps of a push, a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Int64Array, text_column
from logpulse.errors import shorten
from logpulse.limits import NEWEST_NS

TimeValue = str | int | float | None
_UNREADABLE = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError)  # the last for numbers beyond 64 bits
_WANTED = "ts: must be RFC 3339 with an offset, such as 2026-01-15T10:30:00.123Z, or unix nanoseconds"


def decode_times(values: Sequence[TimeValue], now_ns: int) -> tuple[Int64Array, list[tuple[int, str]]]:
    """Read RFC 3339 text, unix nanoseconds as text or number, or nothing, which means `now_ns`.

    Returns the unix nanoseconds (0 where unreadable) and (row, reason) for each unreadable value.
    """
    try:
        return _rfc3339(values), []
    except _UNREADABLE:
        pass
    try:
        return _nanoseconds(values), []
    except _UNREADABLE:
        pass
    times = np.zeros(len(values), dtype=np.int64)
    problems = []
    for row, value in enumerate(values):
        one = now_ns if value is None else _one(value)
        if one is None:
            problems.append((row, f"{_WANTED}, got {shorten(value)}"))
        else:
            times[row] = one
    return times, problems


def decode_nanoseconds(values: Sequence[str]) -> tuple[Int64Array, list[tuple[int, str]]]:
    """Read unix nanoseconds as text and nothing else; returns what `decode_times` returns."""
    try:
        return _nanosecond_text(text_column(values)), []
    except _UNREADABLE:
        pass
    times = np.zeros(len(values), dtype=np.int64)
    problems = []
    for row, value in enumerate(values):
        try:
            times[row] = _nanosecond_text(text_column([value]))[0]
        except _UNREADABLE:
            problems.append((row, f"ts: must be unix nanoseconds as text, got {shorten(value)}"))
    return times, problems


def _rfc3339(values: Sequence[TimeValue]) -> Int64Array:
    try:
        text = text_column(cast("Sequence[str]", values))
    except TypeError:
        raise pa.ArrowInvalid("not all are text") from None
    column: Int64Array = text.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    return column


def _nanoseconds(values: Sequence[TimeValue]) -> Int64Array:
    text = pa.array(values)
    if text.null_count or not (pa.types.is_string(text.type) or pa.types.is_int64(text.type)):
        raise pa.ArrowInvalid("not all are unix nanoseconds")
    return _nanosecond_text(text) if pa.types.is_string(text.type) else _numbers(text)


def _nanosecond_text(text: pa.Array) -> Int64Array:
    # Arrow would read 0x10 as well.
    if pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py():
        raise pa.ArrowInvalid("hexadecimal")
    return _numbers(text)


def _numbers(column: pa.Array) -> Int64Array:
    numbers: Int64Array = column.cast(pa.int64()).to_numpy()
    return numbers


def _one(value: str | int | float) -> int | None:
    if isinstance(value, str):
        for read in (_rfc3339, _nanoseconds):
            try:
                return int(read([value])[0])
            except _UNREADABLE:
                continue
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if abs(value) <= NEWEST_NS else None
