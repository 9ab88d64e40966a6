"""Read and write durations, byte sizes and points in time. Durations and times are int nanoseconds."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from logpulse.errors import InvalidRequestError
from logpulse.limits import NEWEST_NS, SECOND_NS

_DURATION_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
    "d": 86_400 * SECOND_NS,
    "w": 604_800 * SECOND_NS,
    "y": 31_536_000 * SECOND_NS,
}
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w|y)")
_BYTES: Final = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "pb": 10**15,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "pib": 2**50,
}
_BYTE_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*((?:[kmgtp]i?)?b)?", re.IGNORECASE | re.ASCII)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST: Final = 200  # characters of a number with its unit; Python refuses to read numbers of thousands of digits


def parse_duration(text: str, *, field: str = "duration") -> int:
    """Read `1h30m`, `1.5s`, `250ms`, `7d` or `-5m` as nanoseconds.

    Raises:
        InvalidRequestError: `text` is no duration or beyond 292 years.
    """
    if len(text) > _LONGEST:
        raise InvalidRequestError(field, text, "must be a duration such as 30s, 5m or 1h30m")
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    total, position = Fraction(0), 0
    for part in _DURATION_PART.finditer(rest):
        if part.start() != position:
            break
        total += Fraction(part[1]) * _DURATION_NS[part[2]]
        position = part.end()
    if rest == "0":
        return 0
    if not rest or position != len(rest):
        raise InvalidRequestError(field, text, "must be a duration such as 30s, 5m or 1h30m")
    if total > NEWEST_NS:
        raise InvalidRequestError(field, text, "must be at most 292 years")
    return sign * int(total)


def format_duration(nanoseconds: int) -> str:
    """Write nanoseconds in the fewest units that lose nothing: `1h30m`, `250ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    parts, rest = [], abs(nanoseconds)
    for unit in ("w", "d", "h", "m", "s", "ms", "us", "ns"):
        count, rest = divmod(rest, _DURATION_NS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if nanoseconds < 0 else "") + "".join(parts)


def parse_byte_size(text: str, *, field: str = "size") -> int:
    """Read `1048576`, `64MiB` (powers of 1024) or `1.5MB` (powers of 1000) as bytes, rounded down.

    Raises:
        InvalidRequestError: `text` is no byte size.
    """
    match = _BYTE_SIZE.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST:
        raise InvalidRequestError(field, text, "must be a number of bytes such as 1048576 or 64MiB")
    return int(Fraction(match[1]) * _BYTES[(match[2] or "b").lower()])


def format_byte_size(size: int) -> str:
    """Write bytes for people, with one decimal: `64MiB`, `1.5GiB`, `17B`."""
    for unit in ("PiB", "TiB", "GiB", "MiB", "KiB"):
        scale = _BYTES[unit.lower()]
        if size >= scale:
            return f"{size / scale:.1f}".removesuffix(".0") + unit
    return f"{size}B"


def parse_rfc3339(text: str, *, field: str = "time") -> int:
    """Read an RFC 3339 time with any offset and up to nine fractional digits as unix nanoseconds.

    Raises:
        InvalidRequestError: `text` is no RFC 3339 time, or lies outside 1677..2262.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InvalidRequestError(field, text, "must be RFC 3339 such as 2026-01-15T10:30:00Z")
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise InvalidRequestError(field, text, f"must be a real point in time ({error})") from None
    seconds = int((moment - _EPOCH).total_seconds())
    if match[9]:
        offset = int(match[10]) * 3600 + int(match[11]) * 60
        seconds -= offset if match[9] == "+" else -offset
    time_ns = seconds * SECOND_NS + int((match[7] or "0").ljust(9, "0"))
    if abs(time_ns) > NEWEST_NS:
        raise InvalidRequestError(field, text, "must lie between the years 1678 and 2262")
    return time_ns


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, *, field: str) -> int:
    """Read a request's time as unix nanoseconds, by Loki's rules.

    With a dot: unix seconds rounded to milliseconds. An integer of at most ten digits: unix seconds. A longer one:
    unix nanoseconds. Anything else: RFC 3339.

    Raises:
        InvalidRequestError: `text` is none of these.
    """
    if len(text) <= _LONGEST and _INTEGER.fullmatch(text):
        number = int(text)
        time_ns = number * SECOND_NS if len(text.lstrip("+-")) <= 10 else number
    elif len(text) <= _LONGEST and _DECIMAL.fullmatch(text) and math.isfinite(float(text)):
        time_ns = round(float(text) * 1_000) * 1_000_000
    else:
        return parse_rfc3339(text, field=field)
    if abs(time_ns) > NEWEST_NS:
        raise InvalidRequestError(field, text, "must lie between the years 1678 and 2262")
    return time_ns


def format_time(time_ns: int) -> str:
    """Write unix nanoseconds as RFC 3339 in UTC with as many fractional digits as needed, none if whole seconds."""
    seconds, fraction = divmod(time_ns, SECOND_NS)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{moment}{digits}Z"
