"""The parameters of Loki's routes for metadata, each refused in Loki's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from logpulse.config import QueryConfig
from logpulse.errors import ForeignTextError, LimitExceededError
from logpulse.http.loki_parameters import (
    Parameters,
    check_entries,
    check_points,
    check_range,
    read_direction,
    read_limit,
    read_query,
    read_range_bounds,
    read_step,
    read_time_range,
)
from logpulse.limits import SELECTORS
from logpulse.logql.ast import LogQuery, Selector
from logpulse.query.buckets import Buckets
from logpulse.query.engine import LogsRequest
from logpulse.query.volume import Aggregation, VolumeRequest

EVERYTHING: Final = Selector(())
"""The selector of every stream."""

_FIELDS: Final = 1_000
_EVERYTHING_TEXT: Final = "{}"
_MATCHES: Final = ("match", "match[]")


@attrs.frozen
class SelectedRange:
    """Hold a selector and a range with both ends inclusive, in unix nanoseconds."""

    selector: Selector
    start: int
    end: int


@attrs.frozen
class SeriesRequest:
    """Hold the selectors of `series` and a range with both ends inclusive, in unix nanoseconds."""

    selectors: Sequence[Selector]
    start: int
    end: int


@attrs.frozen
class FieldsRequest:
    """Hold the entries in which fields are looked for, and how many fields, or values of one, the answer may have."""

    lines: LogsRequest
    limit: int


def read_labels_request(parameters: Parameters, now_ns: int) -> SelectedRange:
    """Read the parameters of `labels`, `label/…/values` and `detected_labels`; without `query` they are of all streams.

    Raises:
        ForeignTextError: one is malformed, or `query` is more than a selector.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    start, end = read_time_range(parameters, now_ns)
    selector = _read_selector(parameters) if parameters.get("query") else EVERYTHING
    return SelectedRange(selector, start, end)


def read_stats_request(parameters: Parameters, config: QueryConfig, now_ns: int) -> SelectedRange:
    """Read the parameters of `index/stats`. As in Loki those of a whole range query are checked.

    Raises:
        ForeignTextError, QuerySyntaxError, LimitExceededError: as from `read_labels_request`.
    """
    bounds = read_range_bounds(parameters, config, now_ns)
    return SelectedRange(_read_selector(parameters), bounds.start, bounds.end)


def read_series_request(pairs: Sequence[tuple[str, str]], now_ns: int) -> SeriesRequest:
    """Read the parameters of `series`, of which `match[]` and `match` may come several times, and `{}` alone.

    Raises:
        ForeignTextError, QuerySyntaxError, LimitExceededError: as from `read_labels_request`.
    """
    start, end = read_time_range(dict(reversed(pairs)), now_ns)
    texts = [value for each in _MATCHES for name, value in pairs if name == each and value]
    if len(texts) > SELECTORS:
        raise LimitExceededError("selectors of series", SELECTORS, len(texts))
    if not texts or (len(texts) == 1 and _is_everything(texts[0])):
        return SeriesRequest((EVERYTHING,), start, end)
    for text in texts:
        if _is_everything(text):
            raise ForeignTextError(f"0 matchers in group: {_EVERYTHING_TEXT}")
    return SeriesRequest([_read_selector({"query": text}) for text in texts], start, end)


def read_volume_request(parameters: Parameters, now_ns: int) -> VolumeRequest:
    """Read the parameters of `index/volume`.

    Raises:
        ForeignTextError, QuerySyntaxError, LimitExceededError: as from `read_labels_request`.
    """
    limit = _volume_limit(parameters)
    read_direction(parameters)
    aggregation = _aggregation(parameters)
    start, end = read_time_range(parameters, now_ns)
    return _volume_request(parameters, aggregation, limit, Buckets.whole(start, end))


def read_volume_range_request(parameters: Parameters, config: QueryConfig, now_ns: int) -> VolumeRequest:
    """Read the parameters of `index/volume_range`; without `step` the whole range is one.

    Raises:
        ForeignTextError, QuerySyntaxError, LimitExceededError: as from `read_labels_request`.
    """
    limit = _volume_limit(parameters)
    bounds = read_range_bounds({**parameters, "limit": str(limit)}, config, now_ns)
    aggregation = _aggregation(parameters)
    if parameters.get("step"):
        return _volume_request(parameters, aggregation, limit, Buckets.aligned(bounds.start, bounds.end, bounds.step))
    return _volume_request(parameters, aggregation, limit, Buckets.whole(bounds.start, bounds.end))


def read_fields_request(parameters: Parameters, config: QueryConfig, now_ns: int) -> FieldsRequest:
    """Read the parameters of `detected_fields` and `detected_field/…/values`.

    Raises:
        ForeignTextError: one is malformed or beyond a limit, or `query` is a metric query.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    start, end = read_time_range(parameters, now_ns)
    lines = read_limit(parameters, "line_limit")
    limit = read_limit(parameters, "limit", 0) or read_limit(parameters, "field_limit", _FIELDS)
    check_points(start, end, read_step(parameters, start, end), config)
    query = read_query(parameters)
    if not isinstance(query, LogQuery):
        raise ForeignTextError("only log selector is supported")
    check_entries(lines, config)
    check_range(start, end, config)
    found = attrs.evolve(query, context=None)  # context is no part of what a query finds
    return FieldsRequest(LogsRequest(found, start, end, lines), limit)


def _volume_request(parameters: Parameters, aggregation: Aggregation, limit: int, buckets: Buckets) -> VolumeRequest:
    text = parameters.get("query", "")
    selector = EVERYTHING if _is_everything(text) else _read_selector(parameters)
    targets = tuple(dict.fromkeys(filter(None, parameters.get("targetLabels", "").split(","))))
    return VolumeRequest(selector, targets, aggregation, limit, buckets)


def _volume_limit(parameters: Parameters) -> int:
    return read_limit({} if parameters.get("limit") == "0" else parameters)


def _aggregation(parameters: Parameters) -> Aggregation:
    try:
        return Aggregation(parameters.get("aggregateBy", "") or Aggregation.SERIES.value)
    except ValueError:
        raise ForeignTextError("invalid aggregation option") from None


def _read_selector(parameters: Parameters) -> Selector:
    query = read_query(parameters)
    if not isinstance(query, LogQuery) or not query.is_selector:
        raise ForeignTextError("only label matchers are supported")
    return query.selector


def _is_everything(text: str) -> bool:
    return "".join(text.split()) == _EVERYTHING_TEXT
