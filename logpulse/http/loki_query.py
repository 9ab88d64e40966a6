"""Loki's routes for queries: over a range, at one time, and what its clients ask besides."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from quart import Blueprint, Response, request

from logpulse.errors import ForeignTextError, LimitExceededError, QuerySyntaxError
from logpulse.http.bodies import read_parameters
from logpulse.http.context import Services
from logpulse.http.loki_answers import (
    constant_matrix,
    marked_record,
    matrix_answer,
    scalar_answer,
    streams_answer,
    vector_answer,
)
from logpulse.http.loki_parameters import (
    InstantQuery,
    RangeQuery,
    read_instant_query,
    read_query,
    read_range_query,
)
from logpulse.http.loki_problems import answer_in_text, loki_text
from logpulse.http.loki_stats import loki_stats
from logpulse.http.problems import json_response
from logpulse.http.query_response import parsed, query_response
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LogQuery, MetricExpression
from logpulse.query.engine import Engine, LogsRequest, MetricsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.spacing import spaced_logs

_FLAGS: Final = "X-Loki-Response-Encoding-Flags"
_BOTH: Final = ["GET", "POST"]


def loki_query(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("loki_query", __name__)
    answer_in_text(routes)

    @routes.route("/loki/api/v1/query_range", methods=_BOTH)
    async def query_range() -> Response:
        parameters = await read_parameters()
        asked = await parsed(
            parameters.get("query", ""),
            lambda: read_range_query(parameters, services.config.query, services.now_ns()),
        )
        if isinstance(asked.query, LogQuery):
            flags = request.headers.get(_FLAGS, "")
            answer = partial(_log_answer, services.engine, asked, asked.query, tuple(filter(None, flags.split(","))))
            return await query_response(services, "logs", answer, asked.query)
        answer = partial(_range_answer, services.engine, asked, asked.query)
        return await query_response(services, "metrics", answer, asked.query)

    @routes.route("/loki/api/v1/query", methods=_BOTH)
    async def query() -> Response:
        parameters = await read_parameters()
        text = parameters.get("query", "")
        asked = await parsed(text, lambda: read_instant_query(parameters, services.now_ns()))
        answer = partial(_instant_answer, services.engine, asked)
        return await query_response(services, "metrics", answer, asked.query)

    @routes.route("/loki/api/v1/format_query", methods=_BOTH)
    async def format_query() -> Response:
        parameters = await read_parameters()
        try:
            canonical = await parsed(parameters.get("query", ""), lambda: read_query(parameters))
        except (QuerySyntaxError, LimitExceededError, ForeignTextError) as error:
            return json_response({"status": "invalid-query", "error": loki_text(error)}, 400)
        return json_response({"status": "success", "data": str(canonical)})

    return routes


def _log_answer(
    engine: Engine, asked: RangeQuery, query: LogQuery, flags: tuple[str, ...], interrupt: Interrupt
) -> bytes:
    began = time.perf_counter()
    plain = LogsRequest(query, asked.start, asked.end, asked.limit, asked.direction)
    if asked.interval:
        page = spaced_logs(lambda each: engine.logs(each, interrupt), plain, asked.interval)
    else:
        page = engine.logs(plain, interrupt)
    stats = loki_stats(page.stats, time.perf_counter() - began, len(page.entries))
    warnings = []
    # A page with context ends before the match that does not fit: the limit as it is meant.
    if page.next is not None and len(page.entries) < asked.limit and query.context is None:
        warnings.append("the answer ends early, as it would be too large; ask for less at a time, or a shorter range")
    return streams_answer([marked_record(entry) for entry in page.entries], flags, stats, warnings)


def _range_answer(engine: Engine, asked: RangeQuery, query: MetricExpression, interrupt: Interrupt) -> bytes:
    began = time.perf_counter()
    start, end = asked.aligned
    answer = engine.metrics(MetricsRequest(query, start, end, asked.step), interrupt)
    matrix = answer.result
    if isinstance(matrix, float):
        matrix = constant_matrix(asked.times, matrix)
    stats = loki_stats(answer.stats, time.perf_counter() - began, len(matrix.labels))
    return matrix_answer(matrix, stats)


def _instant_answer(engine: Engine, asked: InstantQuery, interrupt: Interrupt) -> bytes:
    began = time.perf_counter()
    answer = engine.metrics(MetricsRequest(asked.query, asked.time, asked.time, SECOND_NS), interrupt)
    result = answer.result
    count = 1 if isinstance(result, float) else len(result.labels)
    stats = loki_stats(answer.stats, time.perf_counter() - began, count)
    if isinstance(result, float):
        return scalar_answer(asked.time, result, stats)
    return vector_answer(result, stats)
