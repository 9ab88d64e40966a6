"""The Quart application: routes, errors, headers, and the time each request took."""

from __future__ import annotations

import logging
import time
from typing import Final

from hypercorn.typing import ASGIFramework
from quart import Blueprint, Response, g, has_websocket_context, request, websocket
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

from logpulse.errors import LogPulseError
from logpulse.http.auth import OPEN_PATHS, Authenticated, LocalWithoutKey
from logpulse.http.context import Services
from logpulse.http.direct_body import DirectBody
from logpulse.http.entry_context import entry_context
from logpulse.http.export import export
from logpulse.http.fields import fields
from logpulse.http.logpulse_api import logpulse_api
from logpulse.http.loki_metadata import loki_metadata
from logpulse.http.loki_problems import is_loki_path, no_loki_route, text_response
from logpulse.http.loki_push import loki_push
from logpulse.http.loki_query import loki_query
from logpulse.http.loki_status import loki_status
from logpulse.http.middleware import harden
from logpulse.http.ops import ops
from logpulse.http.page import PAGE_FOLDER, Page, WithPage
from logpulse.http.problems import json_response, log_problem, problem_response
from logpulse.http.query_check import query_check
from logpulse.http.safe_headers import SAFE_HEADERS
from logpulse.http.session import session
from logpulse.http.stream import stream
from logpulse.http.volume import volume
from logpulse.http.web import web

_LOG: Final = logging.getLogger("logpulse.http")


def make_app(services: Services) -> ASGIFramework:
    """Make the whole edge: guards outside, then the key, then the page's files, then the routes.

    Raises:
        OSError: a file of the page cannot be read.
    """
    quart = QuartTrio(__name__, static_folder=None)
    quart.config["MAX_CONTENT_LENGTH"] = None  # the middleware bounds bodies, streamed ones too
    quart.config["BODY_TIMEOUT"] = None  # and their time
    quart.config["RESPONSE_TIMEOUT"] = None  # it would cut a long answer off in silence; the guard bounds each write
    quart.config["PROPAGATE_EXCEPTIONS"] = False
    for routes in all_routes(services):
        quart.register_blueprint(routes)
    _handle_errors(quart)
    _measure(quart, services)
    body_bytes = int(services.config.ingest.max_body_bytes)
    page = Page.read(PAGE_FOLDER)
    served = WithPage(DirectBody(quart), page)
    guarded: ASGIFramework = Authenticated(served, services.keyring, OPEN_PATHS | page.files.keys())
    if not services.config.server.allow_anonymous:
        guarded = LocalWithoutKey(guarded, services.keyring)
    return harden(guarded, body_bytes=body_bytes, stopping=services.lifecycle.stopping)


def all_routes(services: Services) -> list[Blueprint]:
    """Make every group of routes."""
    own = [logpulse_api(services), ops(services), web(), session(services), stream(services)]
    page = [volume(services), entry_context(services), fields(services), query_check(services), export(services)]
    return [*own, *page, loki_push(services), loki_query(services), loki_metadata(services), loki_status(services)]


def _handle_errors(quart: QuartTrio) -> None:
    @quart.errorhandler(LogPulseError)
    async def refuse(error: LogPulseError) -> Response:
        response = problem_response(error)
        log_problem(error, response.status_code)
        return response

    @quart.errorhandler(WebsocketMismatch)
    async def name_the_protocol(error: WebsocketMismatch) -> Response:
        if has_websocket_context():
            text = f"{websocket.path} is no WebSocket; ask with plain HTTP"
            return text_response(text, 400) if is_loki_path(websocket.path) else json_response({"error": text}, 400)
        response = json_response({"error": f"{request.path} is a WebSocket; connect with a WebSocket client"}, 426)
        response.headers["Upgrade"] = "websocket"
        return response

    @quart.errorhandler(HTTPException)
    async def explain(error: HTTPException) -> Response:
        if is_loki_path(websocket.path if has_websocket_context() else request.path):
            return no_loki_route(error)
        response = json_response({"error": f"{error.name}: {error.description}"}, error.code or 500)
        for name, value in error.get_headers():
            if name.lower() == "allow":
                response.headers["Allow"] = value
        return response

    @quart.errorhandler(Exception)
    async def confess(error: Exception) -> Response:
        _LOG.exception("a request failed", exc_info=error)
        return json_response({"error": "internal error; the server's log has the details"}, 500)


def _measure(quart: QuartTrio, services: Services) -> None:
    @quart.before_request
    async def start() -> None:
        g.began = time.perf_counter()

    @quart.after_request
    async def finish(response: Response) -> Response:
        for name, value in SAFE_HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        route = request.url_rule.rule if request.url_rule else "unknown"
        took = time.perf_counter() - g.began
        services.metrics.request_seconds.labels(route, str(response.status_code)).observe(took)
        return response
