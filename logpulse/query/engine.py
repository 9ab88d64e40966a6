"""The engine: from a request to its answer, over one view. Synchronous; runs in whatever thread calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import StorageError, UnsupportedQueryError
from logpulse.logql.ast import LogQuery, MetricExpression, Selector
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.query.executor import Executor, QueryMemoryError, UnreadableSourceError
from logpulse.query.interrupt import Interrupt
from logpulse.query.logs import ReadSources, Row, read_page, source_reader
from logpulse.query.planner import ALL_TIMES, Source, plan_logs
from logpulse.query.result import Cursor, Direction, LogsPage, MetricsAnswer, ScanStats
from logpulse.storage.segment_reader import is_sound
from logpulse.storage.store import Store
from logpulse.storage.view import View


@attrs.frozen
class LogsRequest:
    """Ask for entries in [start, end) (unix nanoseconds), at most `limit` of them after `cursor`."""

    query: LogQuery
    start: int = ALL_TIMES[0]
    end: int = ALL_TIMES[1]
    limit: int = 100
    direction: Direction = Direction.BACKWARD
    cursor: Cursor | None = None


@attrs.frozen
class MetricsRequest:
    """Ask for the points at start, start + step, … up to `end`, all unix nanoseconds; an instant query has one.

    `start` and `end` are multiples of `step` already, except for an instant query, whose `step` does not matter.
    """

    query: MetricExpression
    start: int
    end: int
    step: int


class Engine:
    """Answer queries from a store. Safe to use from several threads."""

    def __init__(self, store: Store, executor: Executor) -> None:
        self._store = store
        self._executor = executor

    def logs(self, request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        """Answer a log query from the view of this moment.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            UnsupportedQueryError: the pipeline has a stage this version does not run.
            LimitExceededError: the query needs more memory than allowed.
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        with self._store.reading() as view:
            return self.logs_of(view, request, interrupt)

    def metrics(self, request: MetricsRequest, interrupt: Interrupt) -> MetricsAnswer:
        """Answer a metric query from the view of this moment.

        Raises:
            UnsupportedQueryError: this version runs none yet.
        """
        raise UnsupportedQueryError("a metric query")

    def logs_of(self, view: View, request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        """Answer a log query from `view`, as `logs` does. Where memory is short the page is."""
        plan = plan_logs(request.query, request.start, request.end, view, view.index)
        if not plan.sources or request.start >= request.end:
            return LogsPage((), None, ScanStats())
        read = self._enduring(source_reader(plan, request.direction, self._executor, interrupt))
        limit = request.limit
        while True:
            try:
                return read_page(plan, request.direction, limit, request.cursor, view.index.labels, read)
            except QueryMemoryError:
                if limit == 1:
                    raise
                limit = max(1, limit // 4)  # a shorter page, whose cursor leads on

    def label_names(self, selector: Selector, start: int, end: int) -> list[str]:
        """List the label names of the selected streams that may have entries in [start, end), sorted."""
        streams = self._streams(selector, start, end)
        return self._store.index.names(streams)

    def label_values(self, name: str, selector: Selector, start: int, end: int) -> list[str]:
        """List the values of label `name` likewise."""
        streams = self._streams(selector, start, end)
        return self._store.index.values(name, streams)

    def _streams(self, selector: Selector, start: int, end: int) -> Int64Array:
        selected = self._store.index.select(selector.matchers)
        if (start, end) == ALL_TIMES:
            return selected
        return np.intersect1d(selected, self._store.view.streams_between(start, end), assume_unique=True)

    def _enduring(self, read: ReadSources) -> ReadSources:
        """Read on without damaged segments: they are set aside and listed as a problem."""

        def read_what_is_sound(sources: Sequence[Source], bounds: Sequence[SqlPredicate], limit: int) -> list[Row]:
            try:
                return read(sources, bounds, limit)
            except UnreadableSourceError as error:
                sound = [source for source in sources if source.segment is None or is_sound(source.segment)]
                if len(sound) == len(sources):  # no checksum covers a Parquet footer
                    sound = [source for source in sources if _is_readable(partial(read, [source], bounds, limit))]
                if len(sound) == len(sources):
                    raise StorageError(self._store.folder.segments, error.reason) from error
                for source in sources:
                    if source.segment is not None and source not in sound:
                        self._store.set_aside(source.segment, error.reason)
                return read_what_is_sound(sound, bounds, limit) if sound else []

        return read_what_is_sound


def _is_readable(read: Callable[[], object]) -> bool:
    try:
        read()
    except UnreadableSourceError:
        return False
    return True
