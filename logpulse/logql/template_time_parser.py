"""Read times in layouts of Go's time package."""

from __future__ import annotations

import re
from typing import Final

import attrs

from logpulse.logql.template_layout import split_layout
from logpulse.logql.template_time import (
    UTC_LOCATION,
    GoTime,
    Location,
    Month,
    Weekday,
    at,
    date_of,
    days_in,
    days_of,
    fixed_location,
)

_NANOSECOND_DIGITS: Final = 9
_MONTH_NAMES: Final = {str(Month(number)).lower(): number for number in range(1, 13)}
_SHORT_MONTH_NAMES: Final = {name[:3]: number for name, number in _MONTH_NAMES.items()}
_WEEKDAY_NAMES: Final = {str(Weekday(number)).lower(): number for number in range(7)}
_SHORT_WEEKDAY_NAMES: Final = {name[:3]: number for name, number in _WEEKDAY_NAMES.items()}
_NAMES: Final = {
    "January": _MONTH_NAMES,
    "Jan": _SHORT_MONTH_NAMES,
    "Monday": _WEEKDAY_NAMES,
    "Mon": _SHORT_WEEKDAY_NAMES,
}
# The field of what was read, the pattern of its digits, and its range; the range of days depends on the month.
_NUMBERS: Final = {
    "2006": ("year", re.compile("[0-9]{4}"), (0, 9999)),
    "1": ("month", re.compile("[0-9]{1,2}"), (1, 12)),
    "01": ("month", re.compile("[0-9]{2}"), (1, 12)),
    "2": ("day", re.compile("[0-9]{1,2}"), (0, 99)),
    "_2": ("day", re.compile(" ?[0-9]{1,2}"), (0, 99)),
    "02": ("day", re.compile("[0-9]{2}"), (0, 99)),
    "__2": ("yearday", re.compile(" {0,2}[0-9]{1,3}"), (1, 366)),
    "002": ("yearday", re.compile("[0-9]{3}"), (1, 366)),
    "15": ("hour", re.compile("[0-9]{1,2}"), (0, 23)),
    "3": ("hour", re.compile("[0-9]{1,2}"), (0, 12)),
    "03": ("hour", re.compile("[0-9]{2}"), (0, 12)),
    "4": ("minute", re.compile("[0-9]{1,2}"), (0, 59)),
    "04": ("minute", re.compile("[0-9]{2}"), (0, 59)),
    "5": ("second", re.compile("[0-9]{1,2}"), (0, 59)),
    "05": ("second", re.compile("[0-9]{2}"), (0, 59)),
}
_FRACTION: Final = re.compile("[.,]([0-9]+)")
_OFFSETS: Final = {
    "0700": re.compile("([+-])([0-9]{2})([0-9]{2})()"),
    "07:00": re.compile("([+-])([0-9]{2}):([0-9]{2})()"),
    "07": re.compile("([+-])([0-9]{2})()()"),
    "070000": re.compile("([+-])([0-9]{2})([0-9]{2})([0-9]{2})"),
    "07:00:00": re.compile("([+-])([0-9]{2}):([0-9]{2}):([0-9]{2})"),
}
_LARGEST_OFFSET: Final = (24, 60, 60)  # one more than clocks show, as in Go
_ZONE_NAME: Final = re.compile(
    r"ChST|MeST|GMT(?:[+-](?:2[0-3]|[01]?[0-9])(?![0-9]))?|[+-](?:2[0-3]|[01]?[0-9])(?![0-9])"
    r"|(?:[A-Z]{4}T|[A-Z]{3}T|WITA|[A-Z]{3})(?![A-Z])"
)


@attrs.define
class _Reading:
    """Collect what the elements of a layout say; None is not said."""

    location: Location
    year: int = 0
    month: int | None = None
    day: int | None = None
    yearday: int | None = None
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    afternoon: bool | None = None
    utc: bool = False
    offset: int | None = None
    zone_name: str = ""


def parse_time(layout: str, text: str, location: Location) -> GoTime | None:
    """Read `text` as a time in `layout`, at `location` if it names no zone; None if it is none."""
    reading = _Reading(location)
    parts = split_layout(layout)
    for number, (literal, element) in enumerate(parts):
        rest = _skip(text, literal)
        if rest is None:
            return None
        if not element:
            return _time(reading) if not rest else None
        read = _read(reading, element, rest)
        if read is None:
            return None
        text = read
        if element in ("5", "05") and not _is_fraction(parts[number + 1]):
            # Digits after the seconds are read though the layout has none.
            text = _read_any_fraction(reading, text)
    return None


def _is_fraction(part: tuple[str, str]) -> bool:
    # Whatever text stands between them, as in Go, which looks at the next element alone.
    return part[1].startswith((".", ","))


def _skip(text: str, literal: str) -> str | None:
    """Skip the text between two elements; one blank in the layout stands for any number of them."""
    position = 0
    while position < len(literal):
        if literal[position] == " ":
            if text and text[0] != " ":
                return None
            text = text.lstrip(" ")
            position += len(literal[position:]) - len(literal[position:].lstrip(" "))
        elif text[:1] == literal[position]:
            text, position = text[1:], position + 1
        else:
            return None
    return text


def _read(reading: _Reading, element: str, text: str) -> str | None:
    """Read one element and give what follows it; None if it is not there."""
    if element in _NUMBERS:
        field, pattern, (least, most) = _NUMBERS[element]
        match = pattern.match(text)
        if match is None or not least <= int(match[0]) <= most:
            return None
        setattr(reading, field, int(match[0]))
        return text[match.end() :]
    if element in _NAMES:
        for name, number in _NAMES[element].items():
            if text[: len(name)].lower() == name:
                if element in ("January", "Jan"):
                    reading.month = number
                return text[len(name) :]
        return None
    if element[0] in ".,":
        return _read_fraction(reading, text, element)
    if element[0] in "-Z":
        return _read_offset(reading, element, text)
    match element:
        case "06":
            if not (text[:2].isascii() and text[:2].isdecimal() and len(text) >= 2):
                return None
            reading.year = int(text[:2]) + (1900 if int(text[:2]) >= 69 else 2000)
            return text[2:]
        case "PM" | "pm":
            if text[:2] not in (("PM", "AM") if element == "PM" else ("pm", "am")):
                return None
            reading.afternoon = text[0] in "Pp"
            return text[2:]
    return _read_zone_name(reading, text)


def _read_fraction(reading: _Reading, text: str, element: str) -> str | None:
    if element[1] == "9":
        return _read_any_fraction(reading, text)
    digits = len(element) - 1
    match = _FRACTION.match(text)
    if match is None or len(match[1]) < digits:
        return None
    reading.nanosecond = _nanoseconds(match[1][:digits])
    return text[1 + digits :]


def _read_any_fraction(reading: _Reading, text: str) -> str:
    """Read a fraction of any length, or none."""
    match = _FRACTION.match(text)
    if match is None:
        return text
    reading.nanosecond = _nanoseconds(match[1])
    return text[match.end() :]


def _nanoseconds(digits: str) -> int:
    return int(digits[:_NANOSECOND_DIGITS].ljust(_NANOSECOND_DIGITS, "0"))


def _read_offset(reading: _Reading, element: str, text: str) -> str | None:
    if element[0] == "Z" and text[:1] == "Z":
        reading.utc = True
        return text[1:]
    match = _OFFSETS[element[1:]].match(text)
    if match is None:
        return None
    numbers = [int(digits or "0") for digits in match.groups()[1:]]
    if any(number > most for number, most in zip(numbers, _LARGEST_OFFSET, strict=True)):
        return None
    seconds = (numbers[0] * 60 + numbers[1]) * 60 + numbers[2]
    reading.offset = -seconds if match[1] == "-" else seconds
    return text[match.end() :]


def _read_zone_name(reading: _Reading, text: str) -> str | None:
    if text.startswith("UTC"):
        reading.utc = True
        return text[3:]
    match = _ZONE_NAME.match(text)
    if match is None:
        return None
    reading.zone_name = match[0]
    return text[match.end() :]


def _time(reading: _Reading) -> GoTime | None:
    """Put together what was read; None if there is no such day."""
    month, day = reading.month, reading.day
    if reading.yearday is not None:
        year, month_there, day_there = date_of(days_of(reading.year, 1, 1) + reading.yearday - 1)
        if year != reading.year or month not in (None, month_there) or day not in (None, day_there):
            return None
        month, day = month_there, day_there
    month, day = month or 1, 1 if day is None else day
    if not 1 <= day <= days_in(reading.year, month):
        return None
    hour = reading.hour
    if reading.afternoon is not None:
        hour = hour + 12 if reading.afternoon and hour < 12 else 0 if not reading.afternoon and hour == 12 else hour
    days, seconds = days_of(reading.year, month, day), (hour * 60 + reading.minute) * 60 + reading.second
    if reading.utc:
        return at(days, seconds, reading.nanosecond, UTC_LOCATION)
    if reading.offset is not None:
        return _at_offset(reading, days, seconds - reading.offset)
    if reading.zone_name:
        return _at_named_zone(reading, days, seconds)
    return at(days, seconds, reading.nanosecond, reading.location)


def _at_offset(reading: _Reading, days: int, seconds: int) -> GoTime:
    time = at(days, seconds, reading.nanosecond, UTC_LOCATION)
    there = reading.location.offset(time.seconds)
    if there.seconds == reading.offset and reading.zone_name in ("", there.name):
        return GoTime(time.nanoseconds, reading.location)
    return GoTime(time.nanoseconds, fixed_location(reading.zone_name, reading.offset or 0))


def _at_named_zone(reading: _Reading, days: int, seconds: int) -> GoTime:
    """Read `CET` by the place's own zones; with one that it has not, Go takes the clock to show UTC."""
    time = at(days, seconds, reading.nanosecond, reading.location)
    if reading.location.offset(time.seconds).name == reading.zone_name:
        return time
    hours = int(reading.zone_name[3:] or "0") if reading.zone_name.startswith("GMT") else 0
    unix = at(days, seconds, reading.nanosecond, UTC_LOCATION).nanoseconds
    return GoTime(unix, fixed_location(reading.zone_name, hours * 3600))
