"""The parameters of LogPulse's own query routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from logpulse.config import QueryConfig
from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LogQuery, Query, Selector
from logpulse.logql.parser import parse, parse_unrestricted
from logpulse.query.engine import LogsRequest, MetricsRequest
from logpulse.query.planner import ALL_TIMES
from logpulse.query.result import Cursor, Direction
from logpulse.query.steps import aligned, check_range, check_step, default_step
from logpulse.storage.view import View
from logpulse.units import parse_duration, parse_time

Parameters = Mapping[str, str]

_COUNT: Final = re.compile(r"[0-9]{1,18}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_METRIC_RANGE_NS: Final = 3600 * SECOND_NS


def read_query(parameters: Parameters, config: QueryConfig) -> Query:
    """Read `query`, which may choose every stream unless the settings forbid that.

    Raises:
        InvalidRequestError: it is missing.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    text = parameters.get("query", "")
    if not text:
        raise InvalidRequestError("query", text, 'must be LogQL such as {service="api"}')
    return parse_unrestricted(text) if config.allow_broad_selectors else parse(text)


def read_log_query(parameters: Parameters, config: QueryConfig) -> LogQuery:
    """Read `query` likewise, which must be a log query, and is `{}` by default.

    Raises:
        InvalidRequestError: it is a metric query.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    if not parameters.get("query"):
        return LogQuery(Selector(()))
    query = read_query(parameters, config)
    if not isinstance(query, LogQuery):
        raise InvalidRequestError(
            "query", parameters["query"], 'must be a log query such as {service="api"} |= "error"'
        )
    return query


def read_number(parameters: Parameters, name: str, default: int, least: int, most: int) -> int:
    """Read a whole number from `least` to `most`.

    Raises:
        InvalidRequestError: it is something else.
    """
    text = parameters.get(name, "")
    if not text:
        return default
    number = int(text) if _COUNT.fullmatch(text) else -1
    if not least <= number <= most:
        raise InvalidRequestError(name, text, f"must be a whole number from {least} to {most}")
    return number


def read_logs_request(query: LogQuery, parameters: Parameters, config: QueryConfig) -> LogsRequest:
    """Read what a log query asks for; by default everything that is stored, newest first.

    Raises:
        InvalidRequestError, LimitExceededError: a parameter makes no sense, or asks for too much.
    """
    start, end = read_time_range(parameters)
    direction = parameters.get("direction", "").lower() or Direction.BACKWARD.value
    if direction not in {each.value for each in Direction}:
        raise InvalidRequestError("direction", direction, "must be backward or forward")
    cursor = parameters.get("cursor", "")
    return LogsRequest(
        query=query,
        start=start,
        end=end,
        limit=_limit(parameters.get("limit", ""), config.max_entries),
        direction=Direction(direction),
        cursor=Cursor.parse(cursor) if cursor else None,
    )


def read_metrics_request(query: Query, parameters: Parameters, config: QueryConfig, now_ns: int) -> MetricsRequest:
    """Read what a metric query asks for; by default the hour before `end`, in about 250 steps, up to now.

    One point, at `end`, is asked for by an equal `start`.

    Raises:
        InvalidRequestError, LimitExceededError: a parameter makes no sense, or asks for too much.
    """
    assert not isinstance(query, LogQuery)
    texts = {name: parameters.get(name, "") for name in ("start", "end", "step")}
    end = parse_time(texts["end"], field="end") if texts["end"] else now_ns
    start = parse_time(texts["start"], field="start") if texts["start"] else end - _METRIC_RANGE_NS
    check_range(start, end, config.max_range)
    step = _step(texts["step"]) if texts["step"] else default_step(start, end)
    check_step(start, end, step, config.max_points)
    if start < end:
        start, end = aligned(start, end, step)
    return MetricsRequest(query, start, end, step)


def read_time_range(parameters: Parameters) -> tuple[int, int]:
    """Read `start` and `end`, by default everything.

    Raises:
        InvalidRequestError: one is no time, or they stand in the wrong order.
    """
    start, end = (parameters.get(name, "") for name in ("start", "end"))
    first = parse_time(start, field="start") if start else ALL_TIMES[0]
    last = parse_time(end, field="end") if end else ALL_TIMES[1]
    if last < first:
        raise InvalidRequestError("end", end, "must not be before start")
    return first, last


def read_stored_range(parameters: Parameters, view: View, now_ns: int) -> tuple[int, int]:
    """Read `start` and `end`; each that is left out is where the entries of `view` begin or end.

    Without entries there that is now. No time is before 1970.

    Raises:
        InvalidRequestError: as from `read_time_range`.
    """
    start, end = read_time_range(parameters)
    oldest, newest = view.time_range or (now_ns, now_ns - 1)
    if not parameters.get("start"):
        start = min(oldest, end)
    if not parameters.get("end"):
        end = max(start, min(newest + 1, ALL_TIMES[1]))
    return max(start, 0), max(end, 0)


def _limit(text: str, most: int) -> int:
    if not text:
        return 100
    number = int(text) if _COUNT.fullmatch(text) else 0
    if number == 0:
        raise InvalidRequestError("limit", text, "must be a positive whole number")
    if number > most:
        raise LimitExceededError("limit", most, number, "query.max_entries")
    return number


def _step(text: str) -> int:
    if _SECONDS.fullmatch(text):
        return round(float(text) * SECOND_NS)
    return parse_duration(text, field="step")
