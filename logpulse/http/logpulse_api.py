"""LogPulse's own routes: push, query, labels. Their shapes are a contract; see docs/api.md."""

from __future__ import annotations

import time
from functools import partial

from quart import Blueprint, Response

from logpulse.http.bodies import incoming_json, read_single_parameters
from logpulse.http.context import Services
from logpulse.http.explanation_json import explanation_json
from logpulse.http.problems import JSON, json_response
from logpulse.http.query_json import logs_json, series_json
from logpulse.http.query_parameters import read_logs_request, read_metrics_request, read_query, read_time_range
from logpulse.http.query_response import parsed
from logpulse.logql.ast import LogQuery, Selector
from logpulse.logql.parser import parse_selector
from logpulse.query.engine import LogsRequest, MetricsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.steps import points
from logpulse.wire.push import Push


def logpulse_api(services: Services) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("logpulse_api", __name__)

    @routes.post("/ingest")
    async def ingest() -> Response:
        body = incoming_json()
        push = await services.intake.take(body, lambda text: services.decoder.decode(text, services.now_ns()))
        return _ingest_answer(services, push)

    @routes.route("/query", methods=["GET", "POST"])
    async def query() -> Response:
        asked = await _read_request(services)
        if isinstance(asked, LogsRequest):
            body = await services.queries.run("logs", partial(_logs_answer, services, asked), asked.query)
        else:
            body = await services.queries.run("metrics", partial(_series_answer, services, asked), asked.query)
        return Response(body, content_type=JSON)

    @routes.route("/explain", methods=["GET", "POST"])
    async def explain() -> Response:
        asked = await _read_request(services)
        body = await services.queries.run("explain", partial(_explain_answer, services, asked), asked.query)
        return Response(body, content_type=JSON)

    @routes.get("/labels")
    async def labels() -> Response:
        return json_response(await _list_labels(services, None))

    @routes.get("/labels/<name>/values")
    async def label_values(name: str) -> Response:
        return json_response(await _list_labels(services, name))

    return routes


async def _read_request(services: Services) -> LogsRequest | MetricsRequest:
    parameters, config = await read_single_parameters(), services.config.query
    query = await parsed(parameters.get("query", ""), lambda: read_query(parameters, config))
    if isinstance(query, LogQuery):
        return read_logs_request(query, parameters, config)
    return read_metrics_request(query, parameters, config, services.now_ns())


def _ingest_answer(services: Services, push: Push) -> Response:
    if not push.rejected_count:
        return json_response({"accepted": push.batch.rows})
    services.metrics.rejected_lines.labels("invalid").inc(push.rejected_count)
    return json_response(
        {
            "error": f"{push.rejected_count} entries were refused, the first because of {push.rejected[0].reason}",
            "accepted": push.batch.rows,
            "rejected": [{"stream": r.stream, "entry": r.entry, "reason": r.reason} for r in push.rejected],
            "rejectedCount": push.rejected_count,
        },
        400,
    )


def _logs_answer(services: Services, asked: LogsRequest, interrupt: Interrupt) -> bytes:
    began = time.perf_counter()
    page = services.engine.logs(asked, interrupt)
    return logs_json(page, services.level_of, time.perf_counter() - began)


def _series_answer(services: Services, asked: MetricsRequest, interrupt: Interrupt) -> bytes:
    began = time.perf_counter()
    answer = services.engine.metrics(asked, interrupt)
    times = points(asked.start, asked.end, asked.step).tolist()
    return series_json(answer, times, asked.step, time.perf_counter() - began, interrupt)


def _explain_answer(services: Services, asked: LogsRequest | MetricsRequest, interrupt: Interrupt) -> bytes:
    return explanation_json(services.engine.explain(asked, interrupt))


async def _list_labels(services: Services, name: str | None) -> list[str]:
    parameters = await read_single_parameters()
    start, end = read_time_range(parameters)
    text = parameters.get("query", "")
    selector = await parsed(text, lambda: parse_selector(text)) if text else Selector(())

    def work(_: Interrupt) -> list[str]:
        if name is None:
            return services.engine.label_names(selector, start, end)
        return services.engine.label_values(name, selector, start, end)

    return await services.queries.run("labels", work)
