"""/fields: labels and fields of what a query finds, with counts. Their names are a contract; see docs/api.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Final

import attrs
import msgspec
from quart import Blueprint, Response

from logpulse.http.bodies import read_single_parameters
from logpulse.http.context import Services
from logpulse.http.query_parameters import Parameters, read_log_query, read_number, read_time_range
from logpulse.http.query_response import parsed, query_response
from logpulse.limits import DETECTED_FIELDS, FIELD_SAMPLE_LINES, FIELD_VALUES
from logpulse.logql.ast import LogQuery
from logpulse.query.detected_fields import DetectedField, detect_fields
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.label_counts import LabelCounts
from logpulse.query.result import LogsPage

_BOTH: Final = ["GET", "POST"]
_LIMIT: Final = 100
_VALUES: Final = 10
_VALUES_OF_ONE: Final = 200


class ValueJson(msgspec.Struct):
    """A value and the number of entries that have it."""

    value: str
    count: int


class LabelJson(msgspec.Struct):
    """A label: how many values it has, and the most frequent ones."""

    name: str
    cardinality: int
    values: list[ValueJson]


class FieldJson(msgspec.Struct):
    """A field likewise, in the lines of a sample; estimated says that there are more lines than those.

    `parsers` find it in lines; metadata that no line has needs none.
    """

    name: str
    type: str
    cardinality: int
    cardinality_is_estimated: bool = msgspec.field(name="cardinalityIsEstimated")
    parsers: list[str]
    values: list[ValueJson]


class FieldsJson(msgspec.Struct, rename="camel"):
    """Labels of the streams that a query selects, and fields of the newest lines that it finds."""

    labels: list[LabelJson]
    fields: list[FieldJson]
    sampled_lines: int


class ValuesJson(msgspec.Struct):
    """Values of one label or field, the most frequent first; whether there are more than those."""

    values: list[ValueJson]
    more: bool


@attrs.frozen
class FieldsRequest:
    """Ask about what `query` finds in [start, end), unix nanoseconds."""

    query: LogQuery
    start: int
    end: int


def fields(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("fields", __name__)

    @routes.route("/fields", methods=_BOTH)
    async def list_fields() -> Response:
        parameters = await read_single_parameters()
        asked = await parsed(parameters.get("query", ""), lambda: _read(parameters, services))
        limit = read_number(parameters, "limit", _LIMIT, 1, DETECTED_FIELDS)
        values = read_number(parameters, "values", _VALUES, 0, FIELD_VALUES)

        def answer(interrupt: Interrupt) -> bytes:
            counts = _label_counts(services, asked, interrupt)
            page = _sample(services, asked, interrupt)
            found = detect_fields((entry.record for entry in page.entries), limit, interrupt)
            return _fields_json(dict(sorted(counts.items())[:limit]), found, page, values)

        return await query_response(services, "fields", answer, asked.query)

    @routes.route("/fields/<name>/values", methods=_BOTH)
    async def list_values(name: str) -> Response:
        parameters = await read_single_parameters()
        asked = await parsed(parameters.get("query", ""), lambda: _read(parameters, services))
        limit = read_number(parameters, "limit", _VALUES_OF_ONE, 1, FIELD_VALUES)
        prefix = parameters.get("prefix", "")

        def answer(interrupt: Interrupt) -> bytes:
            counts = _label_counts(services, asked, interrupt).get(name)
            if counts is None:
                records = (entry.record for entry in _sample(services, asked, interrupt).entries)
                found = detect_fields(records, DETECTED_FIELDS, interrupt)
                counts = next((each.values for each in found if each.label == name), {})
            matching = {value: count for value, count in counts.items() if value.startswith(prefix)}
            return msgspec.json.encode(ValuesJson(_top(matching, limit), len(matching) > limit))

        return await query_response(services, "fields", answer, asked.query)

    return routes


def _read(parameters: Parameters, services: Services) -> FieldsRequest:
    query = read_log_query(parameters, services.config.query)
    # What an answer would leave out or add is no part of what a query finds.
    return FieldsRequest(attrs.evolve(query, dedup=None, context=None), *read_time_range(parameters))


def _label_counts(services: Services, asked: FieldsRequest, interrupt: Interrupt) -> LabelCounts:
    return services.inventory.label_counts(asked.query.selector, asked.start, asked.end - 1, interrupt)


def _sample(services: Services, asked: FieldsRequest, interrupt: Interrupt) -> LogsPage:
    return services.engine.logs(LogsRequest(asked.query, asked.start, asked.end, FIELD_SAMPLE_LINES), interrupt)


def _fields_json(labels: LabelCounts, found: Iterable[DetectedField], page: LogsPage, values: int) -> bytes:
    estimated = page.next is not None
    return msgspec.json.encode(
        FieldsJson(
            [LabelJson(name, len(counts), _top(counts, values)) for name, counts in labels.items()],
            [
                FieldJson(
                    each.label,
                    each.type.value,
                    each.cardinality,
                    estimated,
                    list(each.parsers),
                    _top(each.values, values),
                )
                for each in found
            ],
            len(page.entries),
        )
    )


def _top(counts: Mapping[str, int], most: int) -> list[ValueJson]:
    """Give the most frequent values, equal ones by name."""
    chosen = nsmallest(most, counts.items(), key=lambda each: (-each[1], each[0]))
    return [ValueJson(value, count) for value, count in chosen]
