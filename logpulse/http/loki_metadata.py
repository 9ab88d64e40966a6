"""Loki's routes for metadata: labels, series, volumes, and the fields that lines have."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from quart import Blueprint, Response

from logpulse.http.bodies import read_parameters, read_repeated_parameters
from logpulse.http.context import Services
from logpulse.http.loki_answers import matrix_answer, vector_answer
from logpulse.http.loki_metadata_answers import (
    detected_fields_answer,
    detected_labels_answer,
    field_values_answer,
    index_stats_answer,
    list_answer,
)
from logpulse.http.loki_metadata_parameters import (
    FieldsRequest,
    read_fields_request,
    read_labels_request,
    read_series_request,
    read_stats_request,
    read_volume_range_request,
    read_volume_request,
)
from logpulse.http.loki_parameters import Parameters
from logpulse.http.loki_problems import answer_in_text
from logpulse.http.loki_stats import loki_stats
from logpulse.http.query_response import parsed, query_response
from logpulse.limits import DETECTED_FIELDS
from logpulse.logql.record import Record
from logpulse.query.detected_fields import detect_fields, field_values
from logpulse.query.interrupt import Interrupt
from logpulse.query.inventory import Inventory
from logpulse.query.volume import VolumeRequest

_T = TypeVar("_T")
_API: Final = "/loki/api/v1"
_BOTH: Final = ["GET", "POST"]


def loki_metadata(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("loki_metadata", __name__)
    answer_in_text(routes)
    _add_labels(routes, services)
    _add_sizes(routes, services)
    _add_fields(routes, services)
    return routes


def _add_labels(routes: Blueprint, services: Services) -> None:
    @routes.route(f"{_API}/labels", methods=_BOTH)
    @routes.route(f"{_API}/label", methods=_BOTH)
    async def labels() -> Response:
        asked = await _read(lambda parameters: read_labels_request(parameters, services.now_ns()))

        def answer(_: Interrupt) -> bytes:
            return list_answer(services.engine.label_names(asked.selector, asked.start, asked.end + 1))

        return await query_response(services, "labels", answer)

    @routes.route(f"{_API}/label/<name>/values", methods=_BOTH)
    async def label_values(name: str) -> Response:
        asked = await _read(lambda parameters: read_labels_request(parameters, services.now_ns()))

        def answer(_: Interrupt) -> bytes:
            return list_answer(services.engine.label_values(name, asked.selector, asked.start, asked.end + 1))

        return await query_response(services, "labels", answer)

    @routes.route(f"{_API}/series", methods=_BOTH)
    async def series() -> Response:
        pairs = await read_repeated_parameters()
        texts = "".join(value for _, value in pairs)
        asked = await parsed(texts, lambda: read_series_request(pairs, services.now_ns()))

        def answer(interrupt: Interrupt) -> bytes:
            found = services.inventory.series(asked.selectors, asked.start, asked.end, interrupt)
            return list_answer([labels.as_dict() for labels in found])

        return await query_response(services, "labels", answer)

    @routes.route(f"{_API}/detected_labels", methods=_BOTH)
    async def detected_labels() -> Response:
        asked = await _read(lambda parameters: read_labels_request(parameters, services.now_ns()))

        def answer(_: Interrupt) -> bytes:
            return detected_labels_answer(services.inventory.detected_labels(asked.selector, asked.start, asked.end))

        return await query_response(services, "labels", answer)


def _add_sizes(routes: Blueprint, services: Services) -> None:
    config, now_ns = services.config.query, services.now_ns

    @routes.route(f"{_API}/index/stats", methods=_BOTH)
    async def index_stats() -> Response:
        asked = await _read(lambda parameters: read_stats_request(parameters, config, now_ns()))

        def answer(interrupt: Interrupt) -> bytes:
            return index_stats_answer(services.inventory.index_stats(asked.selector, asked.start, asked.end, interrupt))

        return await query_response(services, "volume", answer)

    @routes.route(f"{_API}/index/volume", methods=_BOTH)
    async def volume() -> Response:
        asked = await _read(lambda parameters: read_volume_request(parameters, now_ns()))
        return await query_response(services, "volume", partial(_volumes_answer, services.inventory, asked))

    @routes.route(f"{_API}/index/volume_range", methods=_BOTH)
    async def volume_range() -> Response:
        asked = await _read(lambda parameters: read_volume_range_request(parameters, config, now_ns()))
        return await query_response(services, "volume", partial(_volumes_answer, services.inventory, asked))


def _add_fields(routes: Blueprint, services: Services) -> None:
    config, now_ns = services.config.query, services.now_ns

    @routes.route(f"{_API}/detected_fields", methods=_BOTH)
    async def detected_fields() -> Response:
        asked = await _read(lambda parameters: read_fields_request(parameters, config, now_ns()))

        def answer(interrupt: Interrupt) -> bytes:
            records = _records(services, asked, interrupt)
            fields = detect_fields(records, min(asked.limit, DETECTED_FIELDS), interrupt)
            return detected_fields_answer(fields, asked.limit)

        return await query_response(services, "fields", answer, asked.lines.query)

    @routes.route(f"{_API}/detected_field/<name>/values", methods=_BOTH)
    async def detected_field_values(name: str) -> Response:
        asked = await _read(lambda parameters: read_fields_request(parameters, config, now_ns()))

        def answer(interrupt: Interrupt) -> bytes:
            values = field_values(_records(services, asked, interrupt), name, asked.limit, interrupt)
            return field_values_answer(values, asked.limit)

        return await query_response(services, "fields", answer, asked.lines.query)


async def _read(read: Callable[[Parameters], _T]) -> _T:
    parameters = await read_parameters()
    return await parsed(parameters.get("query", ""), lambda: read(parameters))


def _records(services: Services, asked: FieldsRequest, interrupt: Interrupt) -> list[Record]:
    return [entry.record for entry in services.engine.logs(asked.lines, interrupt).entries]


def _volumes_answer(inventory: Inventory, asked: VolumeRequest, interrupt: Interrupt) -> bytes:
    began = time.perf_counter()
    found = inventory.volumes(asked, interrupt)
    stats = loki_stats(found.stats, time.perf_counter() - began, len(found.volumes.labels))
    # As Loki does: single points are a vector, whatever was asked for.
    if (found.volumes.present.sum(axis=1) <= 1).all():
        return vector_answer(found.volumes, stats)
    return matrix_answer(found.volumes, stats)
