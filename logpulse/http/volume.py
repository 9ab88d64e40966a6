"""/volume: how many entries a log query finds over time, by level. Its names are a contract; see docs/api.md."""

from __future__ import annotations

import time
from typing import Final

import msgspec
from quart import Blueprint, Response

from logpulse.http.bodies import read_single_parameters
from logpulse.http.context import Services
from logpulse.http.query_json import QueryStatsJson, stats_json
from logpulse.http.query_parameters import Parameters, read_log_query, read_number, read_stored_range
from logpulse.http.query_response import parsed, query_response
from logpulse.limits import HISTOGRAM_BUCKETS
from logpulse.query.histogram import Histogram, HistogramRequest
from logpulse.query.interrupt import Interrupt
from logpulse.units import format_duration, format_time

_BUCKETS: Final = 60


class LevelJson(msgspec.Struct):
    """The entries of one level in each bucket, and in all."""

    level: str
    counts: list[int]
    total: int


class VolumeJson(msgspec.Struct):
    """Buckets, `step` wide and dated by their begin, over the range from `start` up to `end`."""

    start: str
    end: str
    step: str
    times: list[str]
    levels: list[LevelJson]
    total: int
    estimated: bool
    stats: QueryStatsJson


def volume(services: Services) -> Blueprint:
    """Make the route."""
    routes = Blueprint("volume", __name__)

    @routes.route("/volume", methods=["GET", "POST"])
    async def count() -> Response:
        parameters = await read_single_parameters()
        asked = await parsed(parameters.get("query", ""), lambda: _read(parameters, services))

        def answer(interrupt: Interrupt) -> bytes:
            began = time.perf_counter()
            found = services.engine.histogram(asked, services.level_rule, interrupt)
            return _volume_json(found, asked, time.perf_counter() - began)

        return await query_response(services, "volume", answer, asked.query)

    return routes


def _read(parameters: Parameters, services: Services) -> HistogramRequest:
    query = read_log_query(parameters, services.config.query)
    start, end = read_stored_range(parameters, services.store.view, services.now_ns())
    return HistogramRequest(query, start, end, read_number(parameters, "buckets", _BUCKETS, 1, HISTOGRAM_BUCKETS))


def _volume_json(found: Histogram, asked: HistogramRequest, seconds: float) -> bytes:
    return msgspec.json.encode(
        VolumeJson(
            start=format_time(asked.start),
            end=format_time(asked.end),
            step=format_duration(found.step),
            times=[format_time(begin) for begin in found.times],
            levels=[LevelJson(each.level, each.counts.tolist(), int(each.counts.sum())) for each in found.levels],
            total=found.total,
            estimated=found.is_estimated,
            stats=stats_json(found.stats, seconds),
        )
    )
