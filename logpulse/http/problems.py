"""The one place where errors become HTTP statuses and bodies."""

from __future__ import annotations

import logging
from typing import Final

import msgspec
from quart import Response, request

from logpulse.errors import (
    BodyFormatError,
    BodyTooLargeError,
    ForeignTextError,
    InvalidRequestError,
    LimitExceededError,
    LogPulseError,
    OverloadedError,
    PipelineError,
    QuerySyntaxError,
    QueryTimeoutError,
    SeriesConflictError,
    StoppingError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaError,
)
from logpulse.model.pattern import PatternError
from logpulse.storage.index import StreamCollisionError

_LOG: Final = logging.getLogger("logpulse.http")
JSON: Final = "application/json; charset=utf-8"

# The first class that fits decides, so subclasses stand before their parents.
_STATUSES: Final[tuple[tuple[type[LogPulseError], int], ...]] = (
    (BodyTooLargeError, 413),
    (OverloadedError, 429),
    (LimitExceededError, 400),
    (InvalidRequestError, 400),
    (BodyFormatError, 400),
    (ForeignTextError, 400),
    (QuerySyntaxError, 400),
    (PatternError, 400),
    (PipelineError, 400),
    (SeriesConflictError, 400),
    (StreamCollisionError, 400),
    (UnsupportedMediaError, 415),
    (UnauthorizedError, 401),
    (UnavailableError, 503),
    (QueryTimeoutError, 504),
)


def status_of(error: LogPulseError) -> int:
    """Give the HTTP status of an error; 500 for what no request should cause."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem_body(error: LogPulseError) -> dict[str, object]:
    """Write an error with all it carries."""
    body: dict[str, object] = {"error": str(error)}
    if isinstance(error, LimitExceededError):
        body |= {"limit": error.limit, "value": error.value, "sent": error.sent}
    elif isinstance(error, QuerySyntaxError):
        position = error.position
        body["position"] = {
            "offset": position.offset,
            "line": position.line,
            "column": position.column,
            "length": position.length,
        }
        body["expected"] = error.expected
        if error.hint:
            body["hint"] = error.hint
    elif isinstance(error, InvalidRequestError):
        body["field"] = error.field
    return body


def problem_response(error: LogPulseError) -> Response:
    """Answer a request that ended in `error`."""
    response = json_response(problem_body(error), status_of(error))
    if isinstance(error, OverloadedError | UnavailableError):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = 'Bearer realm="logpulse"'
    return response


def log_problem(error: LogPulseError, status: int) -> None:
    """Tell the operator of the request at hand, which was answered with `status`, if the server could not do it."""
    if status >= 500:
        level = logging.INFO if isinstance(error, StoppingError) else logging.ERROR
        _LOG.log(level, "%s %s: %s", request.method, request.path, error)


def json_response(body: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(body), status, content_type=JSON)
