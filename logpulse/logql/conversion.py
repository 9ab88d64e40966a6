"""What label values mean as numbers, durations and byte sizes, by the rules of Go's libraries, which Loki uses."""

from __future__ import annotations

import math
import re
from typing import Final

import attrs

from logpulse.errors import LogPulseError, shorten
from logpulse.limits import SECOND_NS

_DIGITS: Final = r"[0-9](?:_?[0-9])*+"
_DECIMAL: Final = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEXADECIMAL: Final = re.compile(
    rf"[+-]?0[xX](?=[._]?[0-9a-fA-F])(?:_?[0-9a-fA-F])*+(?:\.(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*+)?)?[pP][+-]?{_DIGITS}"
)
_SPECIAL: Final = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)

_DURATION_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NS,
    "m": 60 * SECOND_NS,
    "h": 3_600 * SECOND_NS,
}
_DURATION_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MOST_NS: Final = 2**63 - 1

_BYTES: Final = {
    "": 1,
    "b": 1,
    **{f"{prefix}{unit}": 1000**power for power, prefix in enumerate("kmgtpe", 1) for unit in ("", "b")},
    **{f"{prefix}i{unit}": 1024**power for power, prefix in enumerate("kmgtpe", 1) for unit in ("", "b")},
}
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_BYTE_SIZE: Final = re.compile(r"([0-9.,]*)(.*)", re.DOTALL)
_MOST_BYTES: Final = 2**64


@attrs.define(eq=False, slots=False)
class ConversionError(LogPulseError):
    """Say why a text is not what it was taken for; the text of `__error_details__`."""

    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reason}: {shorten(self.text)}"


def parse_float(text: str) -> float:
    """Read a number: decimal with `_` between digits, hexadecimal with an exponent (`0x1p4`), `Inf`, `NaN`.

    Raises:
        ConversionError: it is none of these, or beyond what a 64-bit float holds.
    """
    if _DECIMAL.fullmatch(text) is not None:
        value = float(text)
        if math.isinf(value):
            raise ConversionError(text, "a number out of range")
        return value
    if _SPECIAL.fullmatch(text) is not None:
        return float(text)
    if _HEXADECIMAL.fullmatch(text) is not None:
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            raise ConversionError(text, "a number out of range") from None
    raise ConversionError(text, "not a number")


def parse_go_duration(text: str) -> int:
    """Read a duration such as `1h15m30.918s` or `-5s` as nanoseconds; the longest unit is `h`. `0` needs no unit.

    Raises:
        ConversionError: it is malformed or longer than 292 years.
    """
    sign, rest = (-1, text[1:]) if text[:1] == "-" else (1, text[1:] if text[:1] == "+" else text)
    if rest == "0":
        return 0
    total, position = 0, 0
    while position < len(rest):
        part = _DURATION_PART.match(rest, position)
        whole, fraction, unit = part.groups(default="") if part is not None else ("", "", "")
        if not whole and not fraction:
            raise ConversionError(text, "not a duration")
        scale = _DURATION_NS.get(unit)
        if scale is None:
            raise ConversionError(text, "not a duration, as a unit is missing or unknown")
        # Go reads no more digits than an int64 holds, and multiplies the fraction as a float.
        digits = fraction[:18]
        total += _whole(whole, text) * scale + int(int(digits or "0") * (scale / 10.0 ** len(digits)))
        if total > _MOST_NS + (sign < 0):
            raise ConversionError(text, "a duration out of range")
        position = part.end() if part is not None else len(rest)
    if not rest:
        raise ConversionError(text, "not a duration")
    return sign * total


def _whole(digits: str, text: str) -> int:
    significant = digits.lstrip("0")
    if len(significant) > 19:  # Python refuses to read thousands of digits
        raise ConversionError(text, "a duration out of range")
    return int(significant or "0")


def parse_seconds(text: str) -> float:
    """Read a duration, as `parse_go_duration` does, as seconds."""
    duration = parse_go_duration(text)
    seconds, nanoseconds = divmod(abs(duration), SECOND_NS)
    value = seconds + nanoseconds / SECOND_NS
    return -value if duration < 0 else value


def parse_bytes(text: str) -> int:
    """Read a byte size: `1KB` is 1000, `1KiB` and `1ki` 1024, `2,048` and `1.5B` (which gives 1) are sizes as well.

    Raises:
        ConversionError: the number or the unit is malformed, or the size beyond 16 EiB.
    """
    match = _BYTE_SIZE.match(text)
    number, unit = match.groups() if match is not None else ("", "")
    scale = _BYTES.get(unit.strip().lower())
    try:
        value = parse_float(number.replace(",", ""))
    except ConversionError:
        raise ConversionError(text, "not a byte size") from None
    if scale is None:
        raise ConversionError(text, "not a byte size, as its unit is unknown")
    if value * scale >= _MOST_BYTES:
        raise ConversionError(text, "a byte size out of range")
    return int(value * scale)


def as_loki_hands_on(size: int) -> int:
    """Round a byte size of a query as Loki does, which writes it with two or three digits between its processes.

    `1KiB` in a query is thus 1000 bytes (recorded), and so is 1049; 1050 is 1100.
    """
    scale = 1
    while size >= scale * 1000 and scale < 1000**6:
        scale *= 1000
    if scale == 1:
        return size
    tenths = math.floor(size / scale * 10 + 0.5)
    return tenths * scale // 10 if tenths < 100 else round(tenths / 10) * scale


def write_bytes(size: int) -> str:
    """Write a byte size as Loki shows it, in decimal units with two or three digits: `12kB`, `1.6MB`, `7B`.

    What is read back is what `as_loki_hands_on` gives.
    """
    power, rounded = 0, as_loki_hands_on(size)
    while power < len(_UNITS) - 1 and size >= 1000 ** (power + 1):
        power += 1
    tenths = rounded * 10 // 1000**power
    if power == 0 or tenths >= 100:
        return f"{tenths // 10}{_UNITS[power]}"
    return f"{tenths // 10}.{tenths % 10}{_UNITS[power]}"
