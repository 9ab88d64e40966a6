"""Points in time, places and durations in templates: what Go's time package makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from logpulse.limits import SECOND_NS
from logpulse.logql.lexical import format_query_duration
from logpulse.logql.template_types import GoType, wrap64

_DAY_SECONDS: Final = 86_400
_EPOCH_DAY: Final = 719_468  # days from 0000-03-01 to 1970-01-01
_FIRST_SECOND: Final = -62_135_510_400  # what zones are asked about: a day inside of what datetime holds
_LAST_SECOND: Final = 253_402_214_400
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_LONGEST_NAME: Final = 100  # characters; those of the database have 32 at most
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Month(int):
    """Be a month from 1, printed as its English name."""

    __slots__ = ()
    go_type = GoType.MONTH

    def __str__(self) -> str:
        return _MONTHS[self - 1]


class Weekday(int):
    """Be a day of the week, Sunday 0, printed as its English name."""

    __slots__ = ()
    go_type = GoType.WEEKDAY

    def __str__(self) -> str:
        return _WEEKDAYS[self]


class Duration(int):
    """Be a duration in nanoseconds, printed as `1h0m0.5s`."""

    __slots__ = ()
    go_type = GoType.DURATION

    def __str__(self) -> str:
        return format_query_duration(int(self))


@attrs.frozen
class Offset:
    """Hold what a clock somewhere shows at some time: the zone's short name, seconds east of UTC, and summer time."""

    name: str
    seconds: int
    summer: bool = False


@attrs.frozen
class Location:
    """Be a place: UTC, a fixed offset, or a zone of the IANA database."""

    name: str
    fixed: Offset | None
    zone: ZoneInfo | None = attrs.field(default=None, eq=False)
    go_type = GoType.LOCATION

    def __str__(self) -> str:
        return self.name

    def offset(self, seconds: int) -> Offset:
        """Give the offset at a time, in unix seconds."""
        if self.zone is None or self.fixed is not None:
            return self.fixed or _UTC_OFFSET
        local = (_EPOCH + timedelta(seconds=min(max(seconds, _FIRST_SECOND), _LAST_SECOND))).astimezone(self.zone)
        return Offset(local.tzname() or "", int((local.utcoffset() or timedelta()).total_seconds()), bool(local.dst()))


_UTC_OFFSET: Final = Offset("UTC", 0)
UTC_LOCATION: Final = Location("UTC", _UTC_OFFSET)


def fixed_location(name: str, seconds: int) -> Location:
    """Give a place without a name in the database, `seconds` east of UTC."""
    return Location(name, Offset(name, seconds))


def load_location(name: str) -> Location:
    """Find a place by its name, such as `Europe/Berlin`; an unknown one is UTC, as is the server's own, `Local`."""
    return UTC_LOCATION if name in ("", "UTC", "Local") or len(name) > _LONGEST_NAME else _zone(name)


@lru_cache(maxsize=64)
def _zone(name: str) -> Location:
    try:
        return Location(name, None, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no path inside of the database, a folder in it
        return UTC_LOCATION


@attrs.frozen
class Clock:
    """Hold what a calendar and a clock show."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    yearday: int
    offset: Offset


@attrs.frozen(eq=False)
class GoTime:
    """Be a point in time, in nanoseconds since 1970 and of any size, as seen at a place."""

    nanoseconds: int
    location: Location = UTC_LOCATION
    go_type = GoType.TIME

    @property
    def seconds(self) -> int:
        """Give unix seconds."""
        return self.nanoseconds // SECOND_NS

    def clock(self) -> Clock:
        """Read calendar and clock at the place."""
        whole, nanosecond = divmod(self.nanoseconds, SECOND_NS)
        offset = self.location.offset(whole)
        days, rest = divmod(whole + offset.seconds, _DAY_SECONDS)
        year, month, day = date_of(days)
        hour, rest = divmod(rest, 3600)
        minute, second = divmod(rest, 60)
        yearday = days - days_of(year, 1, 1) + 1
        return Clock(year, month, day, hour, minute, second, nanosecond, (days + 4) % 7, yearday, offset)

    def go_string(self) -> str:
        """Write the time as Go source."""
        now = self.clock()
        numbers = f"{now.day}, {now.hour}, {now.minute}, {now.second}, {now.nanosecond}"
        place = "time.UTC" if self.location is UTC_LOCATION else f'time.Location("{self.location}")'
        return f"time.Date({now.year}, time.{Month(now.month)}, {numbers}, {place})"

    def __str__(self) -> str:
        now = self.clock()
        fraction = f".{now.nanosecond:09d}".rstrip("0") if now.nanosecond else ""
        minutes = abs(now.offset.seconds) // 60
        zone = f"{'-' if now.offset.seconds < 0 and minutes else '+'}{minutes // 60:02d}{minutes % 60:02d}"
        return (
            f"{year_text(now.year)}-{now.month:02d}-{now.day:02d} {now.hour:02d}:{now.minute:02d}:{now.second:02d}"
            f"{fraction} {zone} {now.offset.name or zone}"
        )


ZERO_TIME: Final = GoTime(-62_135_596_800 * SECOND_NS)  # year 1, what Go gives when it cannot read a time


def year_text(year: int) -> str:
    """Write a year in four digits or more."""
    return f"{year:04d}" if year >= 0 else f"-{-year:04d}"


def unix_nano(time: GoTime) -> int:
    """Give the nanoseconds since 1970 as far as an int64 holds them."""
    return wrap64(time.nanoseconds)


# -- the calendar -----------------------------------------------------------------------------------------------------


def days_of(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 to a date; months and days may lie outside of their ranges."""
    years, months = divmod(month - 1, 12)
    # Years begin in March here, so that the leap day is the last one.
    year, month = (year + years, months - 2) if months >= 2 else (year + years - 1, months + 10)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - _EPOCH_DAY


def date_of(days: int) -> tuple[int, int, int]:
    """Give the year, month and day that lie some days after 1970-01-01."""
    era, day_of_era = divmod(days + _EPOCH_DAY, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = 400 * era + year_of_era + (month <= 2)
    return year, month, day_of_year - (153 * shifted + 2) // 5 + 1


def days_in(year: int, month: int) -> int:
    """Count the days of a month."""
    return days_of(year, month + 1, 1) - days_of(year, month, 1)


def at(days: int, seconds: int, nanosecond: int, location: Location) -> GoTime:
    """Give the time at which the clocks of a place show a day, counted from 1970, and seconds of that day."""
    unix = days * _DAY_SECONDS + seconds
    guess = location.offset(unix).seconds
    if guess:
        # Near a change of the clocks the offset of the result counts, not the one that the guess began with.
        unix -= location.offset(unix - guess).seconds
    return GoTime(unix * SECOND_NS + nanosecond, location)
