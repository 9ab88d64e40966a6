"""Histograms: how many entries a log query finds in equal stretches of time, by the level that an answer shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.limits import HISTOGRAM_LEVELS
from logpulse.logql.ast import Grouping, GroupingMode, LogQuery, LogRange, RangeAggregation, RangeOperator
from logpulse.model.level_words import UNKNOWN
from logpulse.query.allowance import Allowance
from logpulse.query.class_reader import ShownEntriesReader
from logpulse.query.endurance import Endurance
from logpulse.query.entry_level import LevelRule
from logpulse.query.executor import Executor
from logpulse.query.gathering import Gathering
from logpulse.query.interrupt import Interrupt
from logpulse.query.level_reader import LevelReader
from logpulse.query.level_streams import level_streams
from logpulse.query.matrix import Float64Array
from logpulse.query.meter import Meter, Phase
from logpulse.query.partials import Intervals
from logpulse.query.planner import ScanPlan, plan_streams
from logpulse.query.range_plan import StreamClass, plan_classes, without_idle_stages
from logpulse.query.range_reader import gather_class
from logpulse.query.result import ScanStats
from logpulse.query.steps import aligned, nice_step

LEVEL_ORDER: Final = ("fatal", "critical", "error", "warn", "info", "debug", "trace")
"""The levels that entries are found to have, the most severe first."""

_OTHER: Final = "other"
_NEIGHBOURHOOD: Final = 64  # rows of the whole sample that count with those of each bucket, which may be few


@attrs.frozen
class HistogramRequest:
    """Ask for at most `most` buckets over [start, end), unix nanoseconds from 1970 on.

    Endings of `query` do not matter: all that it finds is counted.
    """

    query: LogQuery
    start: int
    end: int
    most: int


@attrs.frozen(eq=False)
class LevelCounts:
    """Hold the number of entries of one level, empty if unknown, in each bucket."""

    level: str
    counts: Int64Array


@attrs.frozen(eq=False)
class Histogram:
    """Hold buckets `step` nanoseconds wide that begin at `times`, and the levels that occur, the most severe first.

    When `is_estimated`, sums over all levels are exact, but what each level has of them is estimated.
    """

    times: tuple[int, ...]
    step: int
    levels: tuple[LevelCounts, ...]
    is_estimated: bool
    stats: ScanStats

    @property
    def total(self) -> int:
        """The number of entries in all."""
        return sum(int(each.counts.sum()) for each in self.levels)


@attrs.frozen(eq=False)
class HistogramReader:
    """Read histograms from the view that the meter counts for."""

    executor: Executor
    endurance: Endurance
    allowance: Allowance
    interrupt: Interrupt
    meter: Meter

    def read(self, request: HistogramRequest, rule: LevelRule) -> Histogram:
        """Count by the index and SQL where labels decide the level; else look at entries, of very many at a sample.

        Raises:
            QueryCancelledError, ScanLimitError, LimitExceededError, StorageError: as the engine's `metrics`.
        """
        step = nice_step(request.start, request.end, request.most)
        first, last = aligned(request.start, request.end, step)
        if request.start >= request.end:
            return Histogram((), step, (), False, self.meter.stats)
        counts = _Counts(first, step, (last - first) // step)
        view = self.meter.view
        with self.meter.phase(Phase.PLAN):
            query = request.query
            plan = plan_streams(view.index.select(query.selector.matchers), request.start, request.end, view)
            if query.stages:
                self.allowance.check_scan([plan])
            divided = level_streams(plan.streams, query.stages, rule, view.index)
        self.meter.scanned(plan, plan.sources)
        counter = _Counter(self, query, plan, counts)
        with self.meter.phase(Phase.SCAN):
            for settled in divided.settled:
                for found in counter.counted(settled.streams, settled.names):
                    counts.add(found, [rule.of_labels(dict(labels)) for labels in found.series.labels], self.interrupt)
            for part in counter.classes(divided.open, ()):
                counter.look_into(part, rule)
        return counts.histogram(self.meter.stats)


@attrs.define(eq=False)
class _Counts:
    """Sum up numbers of entries by level and bucket."""

    first: int
    step: int
    size: int
    is_estimated: bool = False
    _levels: dict[str, Int64Array] = attrs.field(factory=dict)

    def add(self, found: Gathering, levels: Sequence[str], interrupt: Interrupt) -> None:
        """Take in what was found of series, whose levels are given by number."""
        for level, counts in self.by_level(found, levels, interrupt).items():
            self.add_counts(level, counts)

    def add_counts(self, level: str, counts: Int64Array) -> None:
        """Take in a number for each bucket."""
        if counts.any():
            self._levels[level] = self._levels.get(level, 0) + counts

    def by_level(self, found: Gathering, levels: Sequence[str], interrupt: Interrupt) -> dict[str, Int64Array]:
        """Sum the numbers of series up by their levels."""
        rows = found.buckets(interrupt)
        names = sorted(set(levels))
        places = {name: number for number, name in enumerate(names)}
        level_of = np.array([places[level] for level in levels], dtype=np.int64)
        sums = np.zeros((len(names), self.size), dtype=np.int64)
        if len(rows.series):
            np.add.at(sums, (level_of[rows.series], (rows.ends - self.first) // self.step), rows.counts)
        return dict(zip(names, sums, strict=True))

    def histogram(self, stats: ScanStats) -> Histogram:
        """Give all of it. The smallest levels beyond HISTOGRAM_LEVELS become one."""
        ranked = sorted(self._levels, key=lambda level: -int(self._levels[level].sum()))
        for level in ranked[HISTOGRAM_LEVELS - 1 :] if len(ranked) > HISTOGRAM_LEVELS else ():
            if level not in ("", _OTHER):
                self.add_counts(_OTHER, self._levels.pop(level))
        levels = [LevelCounts(level, self._levels[level]) for level in sorted(self._levels, key=_severity)]
        times = tuple(self.first + number * self.step for number in range(self.size))
        return Histogram(times, self.step, tuple(levels), self.is_estimated, stats)


@attrs.frozen(eq=False)
class _Counter:
    """Count the entries of one query."""

    reader: HistogramReader
    query: LogQuery
    plan: ScanPlan
    counts: _Counts

    def classes(self, streams: Int64Array, names: tuple[str, ...]) -> Iterator[StreamClass]:
        """Divide streams by what SQL has to ask for each of their rows, to count them by the labels `names`."""
        if len(streams):
            classes = plan_classes(self._aggregation(names), streams, self.reader.meter.view.index)
            yield from (part for part in classes if len(part.streams))

    def counted(self, streams: Int64Array, names: tuple[str, ...]) -> Iterator[Gathering]:
        """Count the entries of streams by the values of labels that the pipeline leaves alone."""
        for part in self.classes(streams, names):
            yield self._count(part, names)

    def look_into(self, part: StreamClass, rule: LevelRule) -> None:
        """Count the entries of streams by what metadata and lines say, estimated where there are too many."""
        reader, pipeline, sources = self._levels_of(part, rule), part.pipeline, self.plan.sources
        endurance, counts, interrupt = self.reader.endurance, self.counts, self.reader.interrupt
        if pipeline is None:
            found: Gathering | None = endurance.read(sources, reader.all_of)
        else:
            found = endurance.read(sources, lambda sound: reader.few_of(sound, pipeline))
        if found is not None:
            counts.add(found, _levels(found), interrupt)
            return
        total = counts.by_level(whole := self._count(part, ()), [UNKNOWN] * len(whole.series.labels), interrupt)
        if pipeline is None or UNKNOWN not in total:
            return
        totals = total[UNKNOWN]
        kept = int(totals.sum())
        sample = endurance.read(sources, lambda sound: reader.sample_of(sound, pipeline, max(kept, 1)))
        counts.is_estimated = True
        for level, share in estimated(totals, counts.by_level(sample, _levels(sample), interrupt)).items():
            counts.add_counts(level, share)

    def _count(self, part: StreamClass, names: tuple[str, ...]) -> Gathering:
        reader = ShownEntriesReader(
            self._aggregation(names),
            attrs.evolve(self.plan, streams=part.streams, predicates=part.candidates),
            Intervals(self.counts.first - 1, self.counts.step, 0, self.counts.size),
            self.reader.meter.view.index.labels,
            self.reader.executor,
            self.reader.interrupt,
            self.reader.meter,
        )
        return self.reader.endurance.read(
            self.plan.sources, lambda sources: gather_class(reader, part, sources, counts=True)
        )

    def _levels_of(self, part: StreamClass, rule: LevelRule) -> LevelReader:
        return LevelReader(
            self.query.stages,
            attrs.evolve(self.plan, streams=part.streams, predicates=part.candidates),
            rule,
            self.reader.meter.view.index.labels,
            self.reader.executor,
            self.reader.interrupt,
            self.reader.meter,
        )

    def _aggregation(self, names: tuple[str, ...]) -> RangeAggregation:
        """Write the count as a metric query, without the stages that no filter needs."""
        log_range = LogRange(self.query.selector, self.query.stages, self.counts.step)
        by = Grouping(GroupingMode.BY, ())
        bare = without_idle_stages(RangeAggregation(RangeOperator.COUNT, log_range, grouping=by))
        return attrs.evolve(bare, grouping=Grouping(GroupingMode.BY, names))


def estimated(totals: Int64Array, sample: dict[str, Int64Array]) -> dict[str, Int64Array]:
    """Divide `totals`, one for each bucket, among levels as they occur in a `sample` of the entries.

    Each bucket is divided as its own part of the sample is, steadied by the sample as a whole. What rounding leaves
    goes to the largest remainders, so that the sum over all levels is the total.
    """
    levels = sorted(level for level, counts in sample.items() if counts.any())
    if not levels:
        return {"": totals}
    seen: Float64Array = np.array([sample[level] for level in levels], dtype=np.float64)
    whole = seen.sum(axis=1, keepdims=True) / seen.sum()
    shares = (seen + whole * _NEIGHBOURHOOD) / (seen.sum(axis=0) + _NEIGHBOURHOOD)
    exact = shares * totals
    counts = np.minimum(np.floor(exact), totals).astype(np.int64)
    order = np.argsort(counts - exact, axis=0, kind="stable")
    left = totals - counts.sum(axis=0)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(levels))[:, np.newaxis], axis=0)
    counts += ranks < left
    return dict(zip(levels, counts, strict=True))


def _levels(found: Gathering) -> list[str]:
    return [level for ((_, level),) in found.series.labels]


def _severity(level: str) -> tuple[int, str]:
    if not level:
        return len(LEVEL_ORDER) + 1, ""
    return (LEVEL_ORDER.index(level), "") if level in LEVEL_ORDER else (len(LEVEL_ORDER), level)
