"""Errors as Loki answers them: plain text, in the words that its clients know where they look for them."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from quart import Blueprint, Response
from werkzeug.exceptions import HTTPException

from logpulse.errors import (
    ForeignTextError,
    LogPulseError,
    NoStreamsError,
    OverloadedError,
    QueryCancelledError,
    QuerySyntaxError,
    QueryTimeoutError,
    ScanLimitError,
    SeriesLimitError,
    UnavailableError,
    UnsupportedMediaError,
)
from logpulse.http.problems import log_problem, status_of

_LOG: Final = logging.getLogger("logpulse.http")
_TEXT: Final = "text/plain; charset=utf-8"
_PREFIXES: Final = ("/loki/", "/api/prom/")
# The first class that fits decides; LogPulse's own statuses hold for the rest.
_STATUSES: Final[tuple[tuple[type[LogPulseError], int], ...]] = (
    (NoStreamsError, 422),
    (UnsupportedMediaError, 400),
    (QueryCancelledError, 499),
)
_EMPTY_QUERY: Final = "parse error : syntax error: unexpected $end"
_TOO_SLOW: Final = "request timed out, decrease the duration of the request or add more label matchers"


def is_loki_path(path: str) -> bool:
    """Tell whether a request is meant for Loki, so that also what is no route is answered as Loki would."""
    return path.startswith(_PREFIXES)


def loki_status(error: LogPulseError) -> int:
    """Give the HTTP status of an error on Loki's routes."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), status_of(error))


def loki_text(error: LogPulseError) -> str:
    """Write an error for Loki's clients."""
    match error:
        case QuerySyntaxError():
            return _parse_error(error)
        case QueryTimeoutError():
            return f"{_TOO_SLOW} (query.timeout is {error.seconds:g}s)"
        case QueryCancelledError():
            return "the request was cancelled by the client"
        case SeriesLimitError():
            return str(ForeignTextError(f"maximum of series ({error.value}) reached for a single query", error.setting))
        case ScanLimitError():
            text = f"the query would read too many bytes (query: {error.sent}, limit: {error.value}); {error.advice}"
            return str(ForeignTextError(text, error.setting))
        case UnsupportedMediaError(header="Content-Encoding"):
            return f'Content-Encoding "{error.value}" not supported'
    return str(error)


def _parse_error(error: QuerySyntaxError) -> str:
    if error.reason == "the query is empty":
        return _EMPTY_QUERY
    if error.reason.startswith("queries require"):
        return f"parse error : {error.reason}"
    return f"parse error at line {error.position.line}, col {error.position.column}: {error.explanation}"


def text_response(text: str, status: int) -> Response:
    """Answer with plain text."""
    return Response(text, status, content_type=_TEXT)


def answer_in_text(routes: Blueprint, end: str = "") -> None:
    """Make every error of some routes a plain text, with `end` behind it."""
    routes.register_error_handler(LogPulseError, partial(_refuse, end))
    routes.register_error_handler(Exception, partial(_confess, end))


def no_loki_route(error: HTTPException) -> Response:
    """Answer a request for which Loki has no route, or no such method on it."""
    if error.code != 405:
        return text_response("404 page not found", 404)
    response = Response("", 405, headers=dict(each for each in error.get_headers() if each[0].lower() == "allow"))
    del response.headers["Content-Type"]
    return response


async def _refuse(end: str, error: LogPulseError) -> Response:
    response = text_response(loki_text(error) + end, loki_status(error))
    if isinstance(error, OverloadedError | UnavailableError):
        response.headers["Retry-After"] = str(error.retry_after)
    log_problem(error, response.status_code)
    return response


async def _confess(end: str, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return text_response(f"{error.description}{end}", error.code or 500)
    _LOG.exception("a request failed", exc_info=error)
    return text_response(f"internal error; the server's log has the details{end}", 500)
