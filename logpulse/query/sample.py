"""The newest entries that a pipeline keeps, as a sample of what a query finds."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from logpulse.limits import PAGE_TEXT_BYTES, SAMPLE_PAGE
from logpulse.logql.ast import LogQuery
from logpulse.logql.pipeline import Pipeline, line_filters, without_line_filters
from logpulse.query.engine import LogsRequest
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Entry, LogsPage


def newest_entries(logs: Callable[[LogsRequest], LogsPage], request: LogsRequest, interrupt: Interrupt) -> list[Entry]:
    """Give what `request` asks for, fewer if the lines are very long; each record is as its pipeline leaves it.

    `logs` has to run only those line filters that stand before a stage which changes the line.

    Raises:
        QueryCancelledError: the interrupt was pulled.
    """
    stages = request.query.stages
    pipeline = Pipeline(without_line_filters(stages))
    stored = LogQuery(request.query.selector, line_filters(stages))
    is_decided = len(stored.stages) == len(stages)
    pending = attrs.evolve(request, query=stored, limit=request.limit if is_decided else SAMPLE_PAGE)
    found: list[Entry] = []
    text_bytes = 0
    while True:
        page = logs(pending)
        interrupt.check()
        for entry in page.entries:
            if pipeline.run(entry.record):
                found.append(entry)
                text_bytes += len(entry.line)
                if len(found) == request.limit or text_bytes > PAGE_TEXT_BYTES:
                    return found
        if page.next is None:
            return found
        pending = attrs.evolve(pending, cursor=page.next)
