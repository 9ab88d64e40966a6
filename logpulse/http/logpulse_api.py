"""LogPulse's own routes: push, query, labels. Their shapes are a contract; see docs/api.md."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Final

import msgspec
import trio
from quart import Blueprint, Response

from logpulse.errors import InvalidRequestError, LimitExceededError
from logpulse.http.bodies import incoming_json, read_parameters
from logpulse.http.context import Services
from logpulse.http.entry_json import entry_json
from logpulse.http.problems import JSON, json_response
from logpulse.limits import PARSE_IN_THREAD_CHARACTERS
from logpulse.logql.ast import Selector
from logpulse.logql.parser import parse_log_query, parse_selector
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.planner import ALL_TIMES
from logpulse.query.result import Cursor, Direction
from logpulse.units import parse_time
from logpulse.wire.push import Push

_COUNT: Final = re.compile(r"[0-9]{1,18}")


class QueryStatsJson(msgspec.Struct):
    """What a query cost; `executionTime` is in milliseconds."""

    queriedChunks: int  # noqa: N815 - the contract's names
    scannedLines: int  # noqa: N815
    scannedBytes: int  # noqa: N815
    executionTime: float  # noqa: N815


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
        parameters = await read_parameters()
        if len(parameters.get("query", "")) > PARSE_IN_THREAD_CHARACTERS:
            asked = await trio.to_thread.run_sync(_logs_request, services, parameters)
        else:
            asked = _logs_request(services, parameters)

        def answer(interrupt: Interrupt) -> bytes:
            began = time.perf_counter()
            page = services.engine.logs(asked, interrupt)
            logs = [entry_json(entry, services.level_of) for entry in page.entries]
            took = round((time.perf_counter() - began) * 1000, 3)
            stats = QueryStatsJson(page.stats.chunks, page.stats.rows, page.stats.text_bytes, took)
            following = None if page.next is None else str(page.next)
            return msgspec.json.encode({"logs": logs, "stats": stats, "next": following})

        return Response(await services.queries.run("logs", answer), content_type=JSON)

    @routes.get("/labels")
    async def labels() -> Response:
        return json_response(await _list_labels(services, None))

    @routes.get("/labels/<name>/values")
    async def label_values(name: str) -> Response:
        return json_response(await _list_labels(services, name))

    return routes


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


def _logs_request(services: Services, parameters: Mapping[str, str]) -> LogsRequest:
    text = parameters.get("query", "")
    if not text:
        raise InvalidRequestError("query", text, 'must be LogQL such as {service="api"}')
    start, end = _time_range(parameters)
    direction = parameters.get("direction", "").lower() or Direction.BACKWARD.value
    if direction not in {each.value for each in Direction}:
        raise InvalidRequestError("direction", direction, "must be backward or forward")
    cursor = parameters.get("cursor", "")
    return LogsRequest(
        query=parse_log_query(text),
        start=start,
        end=end,
        limit=_limit(parameters.get("limit", ""), services.config.query.max_entries),
        direction=Direction(direction),
        cursor=Cursor.parse(cursor) if cursor else None,
    )


def _limit(text: str, most: int) -> int:
    if not text:
        return 100
    number = int(text) if _COUNT.fullmatch(text) else 0
    if number == 0:
        raise InvalidRequestError("limit", text, "must be a positive whole number")
    if number > most:
        raise LimitExceededError("limit", most, number, "query.max_entries")
    return number


def _time_range(parameters: Mapping[str, str]) -> tuple[int, int]:
    start, end = (parameters.get(name, "") for name in ("start", "end"))
    first = parse_time(start, field="start") if start else ALL_TIMES[0]
    last = parse_time(end, field="end") if end else ALL_TIMES[1]
    if last < first:
        raise InvalidRequestError("end", end, "must not be before start")
    return first, last


async def _list_labels(services: Services, name: str | None) -> list[str]:
    parameters = await read_parameters()
    start, end = _time_range(parameters)
    text = parameters.get("query", "")
    selector = parse_selector(text) if text else Selector(())

    def work(_: Interrupt) -> list[str]:
        if name is None:
            return services.engine.label_names(selector, start, end)
        return services.engine.label_values(name, selector, start, end)

    return await services.queries.run("labels", work)
