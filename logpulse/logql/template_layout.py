"""Layouts of Go's time package: a reference time such as `2006-01-02 15:04:05` says how a time is written and read."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from logpulse.limits import TEMPLATE_KEPT_CHARACTERS
from logpulse.logql.template_time import Clock, GoTime, Month, Weekday, year_text

# In the order in which Go looks for them. A fraction of a second is one only where no digit follows.
_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm"
    r"|[-Z]070000|[-Z]07:00:00|[-Z]0700|[-Z]07:00|[-Z]07|[.,](?:0+|9+)(?![0-9])"
)
_FORMS: Final[dict[str, Callable[[Clock], str]]] = {
    "January": lambda now: str(Month(now.month)),
    "Jan": lambda now: str(Month(now.month))[:3],
    "1": lambda now: str(now.month),
    "01": lambda now: f"{now.month:02d}",
    "Monday": lambda now: str(Weekday(now.weekday)),
    "Mon": lambda now: str(Weekday(now.weekday))[:3],
    "2": lambda now: str(now.day),
    "_2": lambda now: f"{now.day:2d}",
    "02": lambda now: f"{now.day:02d}",
    "__2": lambda now: f"{now.yearday:3d}",
    "002": lambda now: f"{now.yearday:03d}",
    "15": lambda now: f"{now.hour:02d}",
    "3": lambda now: str(now.hour % 12 or 12),
    "03": lambda now: f"{now.hour % 12 or 12:02d}",
    "4": lambda now: str(now.minute),
    "04": lambda now: f"{now.minute:02d}",
    "5": lambda now: str(now.second),
    "05": lambda now: f"{now.second:02d}",
    "2006": lambda now: year_text(now.year),
    "06": lambda now: f"{now.year % 100:02d}",
    "PM": lambda now: "PM" if now.hour >= 12 else "AM",
    "pm": lambda now: "pm" if now.hour >= 12 else "am",
    "MST": lambda now: now.offset.name or _offset_text("-0700", now.offset.seconds),
}


def split_layout(layout: str) -> tuple[tuple[str, str], ...]:
    """Cut a layout into pairs of text and the element that follows it; the last element is empty."""
    return _split(layout) if len(layout) <= TEMPLATE_KEPT_CHARACTERS else _split.__wrapped__(layout)


@lru_cache(maxsize=256)
def _split(layout: str) -> tuple[tuple[str, str], ...]:
    parts = []
    end = 0
    for match in _ELEMENT.finditer(layout):
        parts.append((layout[end : match.start()], match[0]))
        end = match.end()
    return (*parts, (layout[end:], ""))


def format_time(time: GoTime, layout: str) -> str:
    """Write a time in a layout."""
    now = time.clock()
    parts = _compiled(layout) if len(layout) <= TEMPLATE_KEPT_CHARACTERS else _compiled.__wrapped__(layout)
    return "".join([text + form(now) if form else text for text, form in parts])


@lru_cache(maxsize=256)
def _compiled(layout: str) -> tuple[tuple[str, Callable[[Clock], str] | None], ...]:
    return tuple((text, _form(element) if element else None) for text, element in split_layout(layout))


def _form(element: str) -> Callable[[Clock], str]:
    if element[0] in ".,":
        return lambda now: _fraction(element, now.nanosecond)
    if element[0] in "-Z":
        return lambda now: _offset_text(element, now.offset.seconds)
    return _FORMS[element]


def _fraction(element: str, nanosecond: int) -> str:
    digits = f"{nanosecond:09d}".ljust(len(element) - 1, "0")[: len(element) - 1]
    if element[1] == "9":
        digits = digits.rstrip("0")
        return element[0] + digits if digits else ""
    return element[0] + digits


def _offset_text(element: str, offset: int) -> str:
    """Write an offset as `-0700`, `-07:00`, `-07`, with seconds or without; a `Z` stands for zero if it may."""
    if element[0] == "Z" and offset == 0:
        return "Z"
    minutes = abs(offset) // 60
    sign = "-" if offset < 0 and minutes else "+"
    colon = ":" if ":" in element else ""
    text = f"{sign}{minutes // 60:02d}"
    if len(element) > 3:
        text += f"{colon}{minutes % 60:02d}"
    if len(element) in (7, 9):
        text += f"{colon}{abs(offset) % 60:02d}"
    return text
