"""Do the work of query routes in the right place: long queries are parsed in threads, and all answers made in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio
from quart import Response

from logpulse.http.compressed_answer import AnswerBody, accepts_gzip
from logpulse.http.context import Services
from logpulse.http.problems import JSON
from logpulse.limits import PARSE_IN_THREAD_CHARACTERS
from logpulse.logql.ast import Query
from logpulse.query.interrupt import Interrupt

_T = TypeVar("_T")


async def parsed(text: str, read: Callable[[], _T]) -> _T:
    """Give what `read` makes of the query `text`."""
    if len(text) > PARSE_IN_THREAD_CHARACTERS:
        return await trio.to_thread.run_sync(read)
    return read()


async def query_response(
    services: Services, kind: str, answer: Callable[[Interrupt], bytes], query: Query | None = None
) -> Response:
    """Respond with the JSON that `answer` writes to `query`, made and compressed in the query's own thread.

    Raises:
        OverloadedError, QueryTimeoutError: from `QueryRunner.run`.
    """
    if accepts_gzip():
        body = await services.queries.run(kind, lambda interrupt: AnswerBody(answer(interrupt)).compressed(), query)
    else:
        body = await services.queries.run(kind, lambda interrupt: AnswerBody(answer(interrupt)), query)
    return body.response(JSON)
