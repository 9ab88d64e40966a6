"""The literals of LogQL: numbers, durations and byte sizes, and strings, whose rules are in `model/quoted.py`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from logpulse.errors import InvalidRequestError
from logpulse.model.quoted import LiteralError, quote, unquote
from logpulse.units import parse_byte_size, parse_duration

__all__ = [
    "LiteralError",
    "format_number",
    "format_query_bytes",
    "format_query_duration",
    "format_range",
    "parse_number",
    "parse_query_bytes",
    "parse_query_duration",
    "parse_range",
    "quote",
    "shortened",
    "unquote",
]

_PROMETHEUS_DURATION: Final = re.compile(r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?", re.ASCII)
_GO_DURATION: Final = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_MICROSECOND_NS: Final = 1_000
_MILLISECOND_NS: Final = 1_000_000
_SECOND_NS: Final = 1_000_000_000
_RANGE_UNITS: Final = (  # Prometheus writes a year, week or day only when nothing smaller is left over
    ("y", 31_536_000 * _SECOND_NS, True),
    ("w", 604_800 * _SECOND_NS, True),
    ("d", 86_400 * _SECOND_NS, True),
    ("h", 3_600 * _SECOND_NS, False),
    ("m", 60 * _SECOND_NS, False),
    ("s", _SECOND_NS, False),
    ("ms", _MILLISECOND_NS, False),
)
_MOST_BYTES: Final = 2**63 - 1  # what int64 columns hold


def shortened(text: str, longest: int = 40) -> str:
    """Cut a text that an error shows after `longest` characters."""
    return text if len(text) <= longest else f"{text[:longest]}…"


# -- numbers ----------------------------------------------------------------------------------------------------------


def parse_number(text: str) -> float:
    """Read an unsigned decimal number.

    Raises:
        LiteralError: it is beyond what a 64-bit float holds.
    """
    value = float(text)
    if math.isinf(value):
        raise LiteralError("the number is out of range", 0, len(text))
    return value


def format_number(value: float) -> str:
    """Write a number in the fewest digits that give it back, without exponent.

    What has no literal is written as the operation that yields it: `(0 / 0)` is NaN, `(9 ^ 999)` infinity.
    """
    if math.isnan(value):
        return "(0 / 0)"
    if math.isinf(value):
        return "(9 ^ 999)" if value > 0 else "(-9 ^ 999)"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


# -- durations --------------------------------------------------------------------------------------------------------


def parse_query_duration(text: str) -> int:
    """Read a duration as nanoseconds: first by Prometheus's rules (`1d12h`), then by Go's (`1.5h`); `-` may lead.

    Raises:
        LiteralError: it is neither, or longer than 292 years.
    """
    unsigned = text.removeprefix("-")
    if _PROMETHEUS_DURATION.fullmatch(unsigned) is None and _GO_DURATION.fullmatch(unsigned) is None:
        raise LiteralError(
            f"`{shortened(text)}` is not a duration",
            0,
            len(text),
            "`y`, `w` and `d` take whole numbers and stand before `h`, `m`, `s` and `ms`, as in `1d12h`",
        )
    return _nanoseconds(text)


def parse_range(text: str) -> int:
    """Read a range with its brackets, `[5m]`, as nanoseconds: a Prometheus duration longer than zero.

    Raises:
        LiteralError: it is none, has blanks or a sign, or is longer than 292 years.
    """
    inner = text[1:-1]
    if not inner or _PROMETHEUS_DURATION.fullmatch(inner) is None:
        raise LiteralError(f"`{shortened(text)}` is not a range", 0, len(text), _range_hint(inner))
    nanoseconds = _nanoseconds(inner)
    if nanoseconds == 0:
        raise LiteralError("a range must be longer than zero", 0, len(text))
    return nanoseconds


def _range_hint(text: str) -> str:
    if ":" in text:
        return "LogQL has no subqueries; write one duration such as `[5m]`"
    if text.strip().isdecimal():
        return f"a range needs a unit, as in `[{text.strip()}s]`"
    if text != text.strip():
        return f"write it without blanks: `[{text.strip()}]`"
    return "whole numbers with the units `y`, `w`, `d`, `h`, `m`, `s` and `ms`, the largest first, as in `[1h30m]`"


def _nanoseconds(text: str) -> int:
    try:
        return parse_duration(text)
    except InvalidRequestError as error:
        raise LiteralError(f"`{shortened(text)}` is not a duration: it {error.reason}", 0, len(text)) from None


def format_range(nanoseconds: int) -> str:
    """Write a range as Prometheus does: `1h30m`, `7d` as `1w`, but `36h` as it is."""
    parts, rest = [], nanoseconds
    for unit, scale, only_exact in _RANGE_UNITS:
        if only_exact and rest % scale:
            continue
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_query_duration(nanoseconds: int) -> str:
    """Write a duration as Go does: `1h0m0s`, `1.5s`, `250ms`, `-10s`, `0s`."""
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < _SECOND_NS:
        if rest < _MICROSECOND_NS:
            return f"{sign}{rest}ns" if rest else "0s"
        unit, scale = ("µs", _MICROSECOND_NS) if rest < _MILLISECOND_NS else ("ms", _MILLISECOND_NS)
        return f"{sign}{_decimal(rest, scale)}{unit}"
    minutes, rest = divmod(rest, 60 * _SECOND_NS)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{text}{_decimal(rest, _SECOND_NS)}s"


def _decimal(value: int, scale: int) -> str:
    whole, fraction = divmod(value, scale)
    digits = str(fraction).zfill(len(str(scale)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


# -- byte sizes -------------------------------------------------------------------------------------------------------


def parse_query_bytes(text: str) -> int:
    """Read a byte size, rounded down: `42MB` and `kB` are powers of 1000, `1.5KiB` is one of 1024.

    Raises:
        LiteralError: it is beyond 8 EiB.
    """
    try:
        size = parse_byte_size(text)
    except InvalidRequestError as error:
        raise LiteralError(f"`{shortened(text)}` is not a byte size: it {error.reason}", 0, len(text)) from None
    if size > _MOST_BYTES:
        raise LiteralError("the byte size is out of range", 0, len(text))
    return size


def format_query_bytes(size: int) -> str:
    """Write a byte size in the largest unit that gives it back with one decimal: `3.0kB`, `12MB`, `1234567B`."""
    for unit, scale in (("PB", 10**15), ("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale and size * 10 % scale == 0:
            tenths = size * 10 // scale
            whole, tenth = divmod(tenths, 10)
            return f"{whole}{unit}" if whole >= 10 and tenth == 0 else f"{whole}.{tenth}{unit}"
    return f"{size}B"
