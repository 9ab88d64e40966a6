"""Functions of templates about time, and the methods of time values: `__timestamp__.Year`, `.Format "15:04"`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from logpulse.limits import SECOND_NS
from logpulse.logql.template_failure import CallError
from logpulse.logql.template_layout import format_time
from logpulse.logql.template_time import (
    UTC_LOCATION,
    ZERO_TIME,
    Duration,
    GoTime,
    Location,
    Month,
    Weekday,
    at,
    days_of,
    load_location,
    unix_nano,
)
from logpulse.logql.template_time_parser import parse_time
from logpulse.logql.template_types import GoType, Int64, Signature, wrap64

_S: Final = GoType.STRING
_TIME: Final = GoType.TIME
_INT: Final = GoType.INT
_INT64: Final = GoType.INT64
_FLOAT: Final = GoType.FLOAT
_BOOL: Final = GoType.BOOL
_DURATION: Final = GoType.DURATION
_EPOCH_UNITS: Final = {5: 86_400 * SECOND_NS, 10: SECOND_NS, 13: 1_000_000, 16: 1_000, 19: 1}  # by the number of digits
_DAY_NS: Final = 86_400 * SECOND_NS


# -- functions --------------------------------------------------------------------------------------------------------


def clock_functions(now: Callable[[], int]) -> dict[str, Signature]:
    """Give the functions that may ask for the time: `now` gives unix nanoseconds."""

    def date(layout: str, when: object) -> str:
        if isinstance(when, GoTime):
            return format_time(GoTime(when.nanoseconds), layout)
        is_seconds = isinstance(when, int) and not isinstance(when, bool | Duration | Month | Weekday)
        return format_time(GoTime(when * SECOND_NS if is_seconds and isinstance(when, int) else now()), layout)

    return {
        "now": Signature(lambda: GoTime(now()), _TIME),
        "date": Signature(date, _S, (_S, GoType.ANY)),
    }


def _to_date(layout: str, text: str) -> GoTime:
    return parse_time(layout, text, UTC_LOCATION) or ZERO_TIME


def _to_date_in_zone(layout: str, zone: str, text: str) -> GoTime:
    return parse_time(layout, text, load_location(zone)) or ZERO_TIME


def _unix_to_time(text: str) -> GoTime:
    digits = text[1:] if text[:1] in ("+", "-") else text
    problem = f"unable to parse time '{text}': "
    if not (digits.isascii() and digits.isdecimal()):
        raise CallError(f'{problem}strconv.ParseInt: parsing "{text}": invalid syntax')
    if len(digits) > 4000 or not -(2**63) <= int(text) < 2**63:
        raise CallError(f'{problem}strconv.ParseInt: parsing "{text}": value out of range')
    unit = _EPOCH_UNITS.get(len(text))
    if unit is None:
        raise CallError(f"{problem}%!w(<nil>)")
    return GoTime(int(text) * unit)


DATE_FUNCTIONS: Final = {
    "toDate": Signature(_to_date, _TIME, (_S, _S)),
    "toDateInZone": Signature(_to_date_in_zone, _TIME, (_S, _S, _S)),
    "unixEpoch": Signature(lambda time: str(time.seconds), _S, (_TIME,)),
    "unixEpochMillis": Signature(lambda time: str(time.nanoseconds // 1_000_000), _S, (_TIME,)),
    "unixEpochNanos": Signature(lambda time: str(unix_nano(time)), _S, (_TIME,)),
    "unixToTime": Signature(_unix_to_time, _TIME, (_S,)),
}

# -- methods ----------------------------------------------------------------------------------------------------------


def _add_date(time: GoTime, years: int, months: int, days: int) -> GoTime:
    now = time.clock()
    whole = days_of(now.year + years, now.month + months, now.day) + days
    return at(whole, (now.hour * 60 + now.minute) * 60 + now.second, now.nanosecond, time.location)


def _cut(nanoseconds: int, step: int) -> int:
    """Give the multiple of `step` next to a number, towards zero."""
    return nanoseconds - (nanoseconds % step if nanoseconds >= 0 else -(-nanoseconds % step))


def _rounded(nanoseconds: int, step: int) -> int:
    """Give the nearest multiple of `step`, away from zero if two are as near."""
    size = (2 * abs(nanoseconds) + step) // (2 * step) * step
    return size if nanoseconds >= 0 else -size


def _truncate(time: GoTime, step: int) -> GoTime:
    return (
        time
        if step <= 0
        else GoTime(time.nanoseconds - (time.nanoseconds - ZERO_TIME.nanoseconds) % step, time.location)
    )


def _round(time: GoTime, step: int) -> GoTime:
    if step <= 0:
        return time
    rest = (time.nanoseconds - ZERO_TIME.nanoseconds) % step
    return GoTime(time.nanoseconds - rest + (step if rest * 2 >= step else 0), time.location)


def _difference(time: GoTime, other: GoTime) -> Duration:
    return Duration(min(max(time.nanoseconds - other.nanoseconds, -(2**63)), 2**63 - 1))


def _compare(time: GoTime, other: GoTime) -> int:
    return (time.nanoseconds > other.nanoseconds) - (time.nanoseconds < other.nanoseconds)


_TIME_METHODS: Final = {
    "Format": Signature(format_time, _S, (_S,)),
    "String": Signature(str, _S),
    "GoString": Signature(lambda time: time.go_string(), _S),
    "Year": Signature(lambda time: time.clock().year, _INT),
    "Month": Signature(lambda time: Month(time.clock().month), GoType.MONTH),
    "Day": Signature(lambda time: time.clock().day, _INT),
    "Hour": Signature(lambda time: time.clock().hour, _INT),
    "Minute": Signature(lambda time: time.clock().minute, _INT),
    "Second": Signature(lambda time: time.clock().second, _INT),
    "Nanosecond": Signature(lambda time: time.nanoseconds % SECOND_NS, _INT),
    "Weekday": Signature(lambda time: Weekday(time.clock().weekday), GoType.WEEKDAY),
    "YearDay": Signature(lambda time: time.clock().yearday, _INT),
    "Unix": Signature(lambda time: Int64(time.seconds), _INT64),
    "UnixMilli": Signature(lambda time: Int64(time.nanoseconds // 1_000_000), _INT64),
    "UnixMicro": Signature(lambda time: Int64(time.nanoseconds // 1_000), _INT64),
    "UnixNano": Signature(lambda time: Int64(unix_nano(time)), _INT64),
    "UTC": Signature(lambda time: GoTime(time.nanoseconds), _TIME),
    "Local": Signature(lambda time: GoTime(time.nanoseconds), _TIME),
    "In": Signature(lambda time, location: GoTime(time.nanoseconds, location), _TIME, (GoType.LOCATION,)),
    "Location": Signature(lambda time: time.location, GoType.LOCATION),
    "Add": Signature(lambda time, span: GoTime(time.nanoseconds + span, time.location), _TIME, (_DURATION,)),
    "AddDate": Signature(_add_date, _TIME, (_INT, _INT, _INT)),
    "Sub": Signature(_difference, _DURATION, (_TIME,)),
    "Truncate": Signature(_truncate, _TIME, (_DURATION,)),
    "Round": Signature(_round, _TIME, (_DURATION,)),
    "Before": Signature(lambda time, other: time.nanoseconds < other.nanoseconds, _BOOL, (_TIME,)),
    "After": Signature(lambda time, other: time.nanoseconds > other.nanoseconds, _BOOL, (_TIME,)),
    "Equal": Signature(lambda time, other: time.nanoseconds == other.nanoseconds, _BOOL, (_TIME,)),
    "Compare": Signature(_compare, _INT, (_TIME,)),
    "IsZero": Signature(lambda time: time.nanoseconds == ZERO_TIME.nanoseconds, _BOOL),
    "IsDST": Signature(lambda time: time.clock().offset.summer, _BOOL),
}


def _in_units(unit: int) -> Callable[[int], float]:
    def convert(span: int) -> float:
        whole, rest = divmod(abs(span), unit)
        return (-1 if span < 0 else 1) * (whole + rest / unit)

    return convert


_DURATION_METHODS: Final = {
    "String": Signature(str, _S),
    "Hours": Signature(_in_units(3600 * SECOND_NS), _FLOAT),
    "Minutes": Signature(_in_units(60 * SECOND_NS), _FLOAT),
    "Seconds": Signature(_in_units(SECOND_NS), _FLOAT),
    "Milliseconds": Signature(lambda span: Int64(_cut(span, 1_000_000) // 1_000_000), _INT64),
    "Microseconds": Signature(lambda span: Int64(_cut(span, 1_000) // 1_000), _INT64),
    "Nanoseconds": Signature(lambda span: Int64(span), _INT64),
    "Abs": Signature(lambda span: Duration(min(abs(span), 2**63 - 1)), _DURATION),
    "Truncate": Signature(lambda span, step: Duration(_cut(span, step) if step > 0 else span), _DURATION, (_DURATION,)),
    "Round": Signature(
        lambda span, step: Duration(wrap64(_rounded(span, step)) if step > 0 else span), _DURATION, (_DURATION,)
    ),
}

METHODS: Final[Mapping[type, Mapping[str, Signature]]] = {
    GoTime: _TIME_METHODS,
    Duration: _DURATION_METHODS,
    Month: {"String": Signature(str, _S)},
    Weekday: {"String": Signature(str, _S)},
    Location: {"String": Signature(str, _S)},
}
"""The methods of each class of values; `call` takes the value first, and `parameters` are those that follow it."""

SEVERAL_RESULTS: Final[Mapping[str, int]] = {"Date": 3, "Clock": 3, "ISOWeek": 2, "Zone": 2, "ZoneBounds": 2}
"""Methods of times that templates cannot call: they have more than one result."""
