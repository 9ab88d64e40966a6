"""The engine: from a request to its answer, over one view. Synchronous; runs in whatever thread calls it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import LogQuery, MetricExpression, RangeAggregation, Selector
from logpulse.logql.pipeline import Pipeline
from logpulse.query.allowance import Allowance
from logpulse.query.context import ContextReader
from logpulse.query.dedup import keys_of_answer
from logpulse.query.endurance import Endurance
from logpulse.query.entry_level import LevelRule
from logpulse.query.evaluation import check_points, evaluate, range_aggregations
from logpulse.query.executor import Executor, QueryMemoryError
from logpulse.query.explanation import Explanation, SelectorExplanation
from logpulse.query.histogram import Histogram, HistogramReader, HistogramRequest
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.logs import PageReader
from logpulse.query.logs_plan import plan_logs
from logpulse.query.meter import Meter, Phase
from logpulse.query.neighbours import NeighbourReader
from logpulse.query.ordered_rows import OrderedRows
from logpulse.query.partial_cache import PartialCache
from logpulse.query.planner import ALL_TIMES
from logpulse.query.range_plan import RangePlan, plan_range
from logpulse.query.range_reader import RangeReader
from logpulse.query.result import Cursor, Direction, LogsPage, MetricsAnswer
from logpulse.query.row_reader import RowReader
from logpulse.query.scan import RowOrder
from logpulse.query.steps import points
from logpulse.query.surroundings import EntryId, Surroundings, SurroundingsReader
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
    """Answer queries from a store, each within an allowance. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        allowance: Allowance | None = None,
        partials: PartialCache | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._allowance = Allowance() if allowance is None else allowance
        self._partials = PartialCache(0) if partials is None else partials
        self._endurance = Endurance(store)

    def logs(self, request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        """Answer a log query from the view of this moment.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            ScanLimitError: too much text may have to be looked at.
            LimitExceededError: the query needs more memory than allowed.
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        with self._store.reading() as view:
            return self.logs_of(view, request, interrupt)

    def logs_of(self, view: View, request: LogsRequest, interrupt: Interrupt) -> LogsPage:
        """Answer a log query from `view`, as `logs` does. Where memory is short the page is."""
        meter = Meter(view)
        with meter.phase(Phase.PLAN):
            plan = plan_logs(request.query, request.start, request.end, view)
            if not request.query.is_selector:
                self._allowance.check_scan([plan.scan])
            pipeline = Pipeline(plan.stages.exact, check=interrupt.check)
        order = RowOrder(request.direction)
        reader = RowReader(plan.scan, order, self._executor, self._endurance, interrupt)
        limit, context = request.limit, request.query.context
        while True:
            shown = keys_of_answer(request.query)
            rows = OrderedRows(plan.scan, order, reader.read, meter, shown.conditions)
            try:
                matches = PageReader(rows, pipeline, view.index.labels, interrupt, meter, shown)
                with meter.phase(Phase.EXACT):
                    if context is None:
                        return matches.read(limit, request.cursor)
                    near = NeighbourReader(plan.scan, context, self._executor, self._endurance, interrupt, meter)
                    return ContextReader(matches, near, order).read(limit, request.cursor)
            except QueryMemoryError:
                if limit == 1:
                    raise
                limit = max(1, limit // 4)  # a shorter page, whose cursor leads on

    def metrics(self, request: MetricsRequest, interrupt: Interrupt) -> MetricsAnswer:
        """Answer a metric query from the view of this moment.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            PipelineError, SeriesConflictError, InvalidRequestError: the query fails on what it found.
            ScanLimitError: too much text may have to be looked at.
            LimitExceededError: there are too many series or points, or the query needs more memory than allowed.
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        times = points(request.start, request.end, request.step)
        with self._store.reading() as view:
            meter = Meter(view)
            with meter.phase(Phase.PLAN):
                plans = list(_plan_ranges(request.query, times, view, interrupt))
                self._allowance.check_scan(plan.scan for _, plan in plans)
            reader = RangeReader(dict(plans), self._executor, self._endurance, interrupt, meter, self._partials)
            with meter.phase(Phase.EVALUATE):
                result = evaluate(request.query, times, reader.read, self._allowance.max_series, interrupt)
        return MetricsAnswer(result, meter.stats)

    def histogram(self, request: HistogramRequest, rule: LevelRule, interrupt: Interrupt) -> Histogram:
        """Count the entries that a log query finds over time, by the level that `rule` gives them.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            ScanLimitError: too much text may have to be looked at.
            LimitExceededError: the query needs more memory than allowed.
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        with self._store.reading() as view:
            meter = Meter(view)
            return HistogramReader(self._executor, self._endurance, self._allowance, interrupt, meter).read(
                request, rule
            )

    def surroundings(self, anchor: EntryId, before: int, after: int, interrupt: Interrupt) -> Surroundings:
        """Give what stands around an entry in its stream, in the view of this moment.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            LimitExceededError: it needs more memory than allowed.
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        with self._store.reading() as view:
            return SurroundingsReader(view, self._executor, self._endurance, interrupt).read(anchor, before, after)

    def explain(self, request: LogsRequest | MetricsRequest, interrupt: Interrupt) -> Explanation:
        """Tell how a query would be answered from the view of this moment, however much it would read. Scans nothing.

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            InvalidRequestError, LimitExceededError: the query has too many points.
        """
        with self._store.reading() as view:
            if isinstance(request, LogsRequest):
                plan = plan_logs(request.query, request.start, request.end, view)
                return Explanation(request.query, (SelectorExplanation.of(plan, view),))
            times = points(request.start, request.end, request.step)
            plans = _plan_ranges(request.query, times, view, interrupt)
            return Explanation(request.query, tuple(SelectorExplanation.of(plan, view) for _, plan in plans))

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


def _plan_ranges(
    query: MetricExpression, times: Int64Array, view: View, interrupt: Interrupt
) -> Iterator[tuple[RangeAggregation, RangePlan]]:
    """Plan all that a query reads, in reading order."""
    check_points(query, len(times))
    for aggregation in checked(range_aggregations(query), interrupt):
        yield aggregation, plan_range(aggregation, times, view)
