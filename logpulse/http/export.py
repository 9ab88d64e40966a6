"""/export: everything that a log query finds, as a file. Its forms are a contract; see docs/api.md."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

import attrs
import trio
from quart import Blueprint, Response, request

from logpulse.errors import InvalidRequestError, LogPulseError, OverloadedError, UnavailableError
from logpulse.http.bodies import read_single_parameters
from logpulse.http.context import Services
from logpulse.http.entry_json import entry_json
from logpulse.http.export_format import ExportFormat, read_export_format
from logpulse.http.query_parameters import Parameters, read_log_query, read_logs_request, read_stored_range
from logpulse.http.query_response import parsed
from logpulse.limits import (
    EXPORT_BUSY_SECONDS,
    EXPORT_PAGE_ENTRIES,
    EXPORTS,
    SECOND_NS,
    SEND_PIECE_BYTES,
)
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Cursor

_LOG: Final = logging.getLogger("logpulse.http")


@attrs.frozen
class ExportRequest:
    """Ask for all that `page` begins, in a form."""

    page: LogsRequest
    form: ExportFormat


@attrs.frozen
class WrittenPage:
    """Hold the text of a page and where the next one begins; None after the last."""

    text: bytes
    next: Cursor | None


def export(services: Services) -> Blueprint:
    """Make the route."""
    routes = Blueprint("export", __name__)
    exports = trio.CapacityLimiter(EXPORTS)

    @routes.route("/export", methods=["GET", "POST"])
    async def export_all() -> Response:
        parameters = await read_single_parameters()
        asked = await parsed(parameters.get("query", ""), lambda: read_export_request(parameters, services))
        running = exports.borrowed_tokens
        if running >= EXPORTS:
            raise OverloadedError("concurrent exports", EXPORTS, running + 1, retry_after=5)
        # What is wrong with a query shows at its first page, while there still is a status to say so.
        first = await _read_page(services, asked)
        pieces = b"" if request.method == "HEAD" else _pieces(services, asked, first, exports)
        response = Response(pieces, content_type=asked.form.content_type)
        response.headers["Content-Disposition"] = f"attachment; filename={_file_name(services, asked.form)}"
        return response

    return routes


def read_export_request(parameters: Parameters, services: Services) -> ExportRequest:
    """Read the parameters. An export ends at what is stored when it begins, or it might never.

    Raises:
        InvalidRequestError: one makes no sense, or the query has an ending: those choose among the entries of one page.
        QuerySyntaxError, LimitExceededError: from the parser.
    """
    config = services.config.query
    if not parameters.get("query"):
        raise InvalidRequestError("query", "", 'must be a log query such as {service="api"}; `{}` exports everything')
    query = read_log_query(parameters, config)
    if query.endings:
        ending = query.endings[0]
        raise InvalidRequestError("query", parameters["query"], f"must not end in `{ending}`; leave that out")
    start, end = read_stored_range(parameters, services.store.view, services.now_ns())
    given = {name: value for name, value in parameters.items() if name in ("direction", "start", "end")}
    page = attrs.evolve(read_logs_request(query, given, config), start=start, end=end, limit=EXPORT_PAGE_ENTRIES)
    return ExportRequest(page, read_export_format(parameters.get("format", "")))


async def _pieces(
    services: Services, asked: ExportRequest, page: WrittenPage, exports: trio.CapacityLimiter
) -> AsyncGenerator[bytes, None]:
    # A generator may be closed by another task than the one that began it.
    borrower = object()
    await exports.acquire_on_behalf_of(borrower)
    try:
        yield asked.form.head
        while True:
            for begin in range(0, len(page.text), SEND_PIECE_BYTES):
                yield page.text[begin : begin + SEND_PIECE_BYTES]
            if page.next is None:
                return
            page = await _next_page(services, attrs.evolve(asked, page=attrs.evolve(asked.page, cursor=page.next)))
    except LogPulseError as error:
        # Without the end of its body, so that the client takes the file for what it is: a part.
        _LOG.error("an export was cut off: %s", error)
        raise
    finally:
        exports.release_on_behalf_of(borrower)


async def _next_page(services: Services, asked: ExportRequest) -> WrittenPage:
    """Read a page of an export that has begun, and be patient where others are first."""
    patience = trio.current_time() + EXPORT_BUSY_SECONDS
    while True:
        if services.lifecycle.is_stopping:
            raise UnavailableError("the server is stopping")
        try:
            return await _read_page(services, asked)
        except OverloadedError as error:
            if trio.current_time() > patience:
                raise
            await trio.sleep(error.retry_after)


async def _read_page(services: Services, asked: ExportRequest) -> WrittenPage:
    # Each page has a turn of its own: an export takes as long as its client, and queries wait no longer than a page.
    def work(interrupt: Interrupt) -> WrittenPage:
        page = services.engine.logs(asked.page, interrupt)
        level_of = services.level_of
        return WrittenPage(asked.form.written(entry_json(entry, level_of) for entry in page.entries), page.next)

    return await services.queries.run("export", work, asked.page.query)


def _file_name(services: Services, form: ExportFormat) -> str:
    now = datetime.fromtimestamp(services.now_ns() // SECOND_NS, UTC)
    return f"logpulse-{now:%Y%m%dT%H%M%SZ}.{form.extension}"
