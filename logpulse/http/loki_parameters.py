"""The parameters of Loki's query routes: their forms, defaults and limits, each refused in Loki's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.config import QueryConfig
from logpulse.errors import ForeignTextError, InvalidRequestError
from logpulse.limits import DAY_NS, DEFAULT_STEPS, NEWEST_NS, QUERY_CHARACTERS, SECOND_NS
from logpulse.logql.ast import LogQuery, MetricExpression, Query
from logpulse.logql.lexical import format_query_duration
from logpulse.logql.parser import parse
from logpulse.model.quoted import quote
from logpulse.query.result import Direction
from logpulse.units import format_duration, parse_duration, parse_time

Parameters = Mapping[str, str]

_SINCE_NS: Final = 3600 * SECOND_NS
_LIMIT: Final = 100
_MOST_LIMIT: Final = 2**32 - 1
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DURATION: Final = re.compile(
    r"(?=[0-9])(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?", re.ASCII
)
_LONGEST: Final = 100  # characters of a duration


@attrs.frozen
class RangeBounds:
    """Hold the parameters of a range without its query. Times and durations are nanoseconds, `interval` may be 0."""

    start: int
    end: int
    step: int
    interval: int
    limit: int
    direction: Direction


@attrs.frozen
class RangeQuery:
    """Hold what `query_range` asks for. Times and durations are nanoseconds; the end of a log query is exclusive.

    `interval` is 0 for all entries, otherwise the least time between two of them.
    """

    query: Query
    start: int
    end: int
    step: int
    interval: int
    limit: int
    direction: Direction

    @property
    def aligned(self) -> tuple[int, int]:
        """The first and the last point of a metric query: whole steps since 1970, outside of the range if need be."""
        return self.start // self.step * self.step, -(-self.end // self.step) * self.step

    @property
    def times(self) -> Int64Array:
        """The points of a metric query, as far as a timestamp can reach."""
        first, last = self.aligned
        return np.arange(first, min(last, NEWEST_NS) + 1, self.step, dtype=np.int64)


@attrs.frozen
class InstantQuery:
    """Hold what `query` asks for at `time` (unix nanoseconds)."""

    query: MetricExpression
    time: int


def read_range_query(parameters: Parameters, config: QueryConfig, now_ns: int) -> RangeQuery:
    """Read the parameters of `query_range`.

    Raises:
        ForeignTextError: one is malformed or beyond a limit.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    bounds = read_range_bounds(parameters, config, now_ns)
    query = read_query(parameters)
    check_range(bounds.start, bounds.end, config)
    if isinstance(query, LogQuery):
        check_entries(bounds.limit, config)
        if bounds.interval and (query.dedup or query.context):
            raise ForeignTextError("interval goes with neither dedup nor context; leave one of them out")
    return RangeQuery(query, bounds.start, bounds.end, bounds.step, bounds.interval, bounds.limit, bounds.direction)


def read_range_bounds(parameters: Parameters, config: QueryConfig, now_ns: int) -> RangeBounds:
    """Read the parameters of a range, in the order in which Loki judges them.

    Raises:
        ForeignTextError: one is malformed or beyond a limit.
    """
    start, end = read_time_range(parameters, now_ns)
    limit = read_limit(parameters)
    direction = read_direction(parameters)
    step = read_step(parameters, start, end)
    check_points(start, end, step, config)
    interval = _seconds_or_duration(parameters.get("interval", "") or "0")
    if interval < 0:
        raise ForeignTextError("interval must be >= 0")
    return RangeBounds(start, end, step, interval, limit, direction)


def check_points(start: int, end: int, step: int, config: QueryConfig) -> None:
    """Raise ForeignTextError if a range has more steps than a series may have points."""
    if (end - start) // step > config.max_points:
        raise ForeignTextError(
            f"exceeded maximum resolution of {config.max_points:,} points per time series. "
            "Try increasing the value of the step parameter"
        )


def check_range(start: int, end: int, config: QueryConfig) -> None:
    """Raise ForeignTextError if a range is longer than a query may look back."""
    if end - start > config.max_range:
        length, most = format_query_duration(end - start), days_and_less(config.max_range)
        text = f"the query time range exceeds the limit (query length: {length}, limit: {most})"
        raise ForeignTextError(text, "query.max_range")


def check_entries(limit: int, config: QueryConfig) -> None:
    """Raise ForeignTextError if more entries are asked for than one answer may have."""
    if limit > config.max_entries:
        most_entries = f"({limit} > {config.max_entries})"
        text = f"max entries limit per query exceeded, limit > max_entries_limit_per_query {most_entries}"
        raise ForeignTextError(text, "query.max_entries")


def read_instant_query(parameters: Parameters, now_ns: int) -> InstantQuery:
    """Read the parameters of `query`. Those that only log queries could use are checked all the same.

    Raises:
        ForeignTextError: one is malformed, or the query is a log query.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    text = parameters.get("time", "")
    time = _time(text) if text else now_ns
    read_limit(parameters)
    read_direction(parameters)
    query = read_query(parameters)
    if isinstance(query, LogQuery):
        raise ForeignTextError(
            "log queries are not supported as an instant query type, please change your query to a range query type"
        )
    return InstantQuery(query, time)


def read_query(parameters: Parameters) -> Query:
    """Read the parameter `query`; one that is missing is an empty query, and that a syntax error.

    Raises:
        ForeignTextError: it is too long.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    text = parameters.get("query", "")
    size = len(text.encode("utf-8", "replace"))
    if size > QUERY_CHARACTERS:
        raise ForeignTextError(f"parse error : input size too long ({size} > {QUERY_CHARACTERS})")
    return parse(text)


def read_time_range(parameters: Parameters, now_ns: int) -> tuple[int, int]:
    """Read `start`, `end` and `since` as unix nanoseconds.

    Raises:
        ForeignTextError: one is malformed, or the end lies before the start.
    """
    end = _named_time(parameters, "end", now_ns)
    since = parameters.get("since", "")
    try:
        length = _seconds_or_duration(since) if since else _SINCE_NS
    except ForeignTextError:
        length = -1
    if length < 0:
        reason = f"not a valid duration string: {_quoted(since)}"
        raise ForeignTextError(f"could not parse 'since' parameter: {reason}")
    start = _named_time(parameters, "start", max(min(end, now_ns) - length, -NEWEST_NS))
    if end < start:
        raise ForeignTextError("end timestamp must not be before or equal to start time")
    return start, end


def read_step(parameters: Parameters, start: int, end: int) -> int:
    """Read `step`; by default a range has about DEFAULT_STEPS of them.

    Raises:
        ForeignTextError: it is malformed or not positive.
    """
    text = parameters.get("step", "")
    if not text:
        return max(1, (end - start) // (DEFAULT_STEPS * SECOND_NS)) * SECOND_NS
    step = _seconds_or_duration(text)
    if step <= 0:
        raise ForeignTextError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    return step


def read_limit(parameters: Parameters, name: str = "limit", default: int = _LIMIT) -> int:
    """Read `limit`, or a limit of another name.

    Raises:
        ForeignTextError: it is no integer, not positive, or beyond 32 bits.
    """
    text = parameters.get(name, "")
    if not text:
        return default
    if _INTEGER.fullmatch(text) is None:
        raise ForeignTextError(f"strconv.Atoi: parsing {_quoted(text)}: invalid syntax")
    limit = int(text)
    if abs(limit) > NEWEST_NS:
        raise ForeignTextError(f"strconv.Atoi: parsing {_quoted(text)}: value out of range")
    if limit <= 0:
        raise ForeignTextError("limit must be a positive value")
    if limit > _MOST_LIMIT:
        raise ForeignTextError(f"limit value {limit} is out of range [0, {_MOST_LIMIT}]")
    return limit


def read_direction(parameters: Parameters) -> Direction:
    """Read `direction`, in any case; backward by default.

    Raises:
        ForeignTextError: there is no such direction.
    """
    text = parameters.get("direction", "") or Direction.BACKWARD.value
    try:
        return Direction(text.lower())
    except ValueError:
        raise ForeignTextError(f"invalid direction '{_quoted(text)[1:-1]}'") from None


def _named_time(parameters: Parameters, name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    try:
        return _time(text)
    except ForeignTextError as error:
        raise ForeignTextError(f"could not parse '{name}' parameter: {error.text}") from None


def _time(text: str) -> int:
    try:
        return parse_time(text, field="time")
    except InvalidRequestError:
        reason = "value out of range" if _INTEGER.fullmatch(text) else "invalid syntax"
        raise ForeignTextError(f"strconv.ParseInt: parsing {_quoted(text)}: {reason}") from None


def _seconds_or_duration(text: str) -> int:
    if len(text) <= _LONGEST and _FLOAT.fullmatch(text):
        seconds = float(text)
        if abs(seconds) < NEWEST_NS / SECOND_NS:
            return int(seconds * SECOND_NS)
        raise ForeignTextError(f"cannot parse {_quoted(text)} to a valid duration. It overflows int64")
    try:
        if _DURATION.fullmatch(text):
            return parse_duration(text)
    except InvalidRequestError:
        pass
    raise ForeignTextError(f"cannot parse {_quoted(text)} to a valid duration")


def _quoted(text: str) -> str:
    return quote(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def days_and_less(duration: int) -> str:
    """Write nanoseconds as Loki does where it names a range: in days and what is left."""
    days, rest = divmod(duration, DAY_NS)
    return (f"{days}d" if days else "") + (format_duration(rest) if rest or not days else "")
