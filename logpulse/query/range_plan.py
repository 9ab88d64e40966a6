"""Plan a range aggregation: which part of its pipeline SQL decides, for which streams, and what is left to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import (
    Grouping,
    GroupingMode,
    LabelFilter,
    RangeAggregation,
    RangeOperator,
    Selector,
    Stage,
    Unwrap,
)
from logpulse.logql.ast_stages import JsonParser, LogfmtParser, PatternParser, RegexpParser, UnpackParser
from logpulse.logql.base import make_base
from logpulse.logql.candidates import candidates
from logpulse.logql.label_use import wanted_labels
from logpulse.logql.pipeline import Pipeline, without_idle_line_formats
from logpulse.logql.record import Record
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.logql.stages.sql_label import NEVER
from logpulse.model.labels import Labels
from logpulse.query.planner import ScanPlan, plan_streams
from logpulse.query.prefilter import Division, Mode, split_stages
from logpulse.query.sampling import OVER_BYTES
from logpulse.query.sql_pipeline import SqlPipeline, labels_asked_for, to_sql
from logpulse.query.windows import Windows
from logpulse.storage.index import StreamIndex
from logpulse.storage.view import View

LABEL_PARSERS: Final = JsonParser | LogfmtParser | RegexpParser | PatternParser
_MOST_CLASSES: Final = 8  # of streams by the labels they have; each is a scan of its own
_COUNTING: Final = frozenset(
    {
        RangeOperator.COUNT,
        RangeOperator.RATE,
        RangeOperator.BYTES,
        RangeOperator.BYTES_RATE,
        RangeOperator.ABSENT,
    }
)


@attrs.frozen(eq=False)
class StreamClass:
    """Hold streams that have the same ones of the labels that a pipeline asks for.

    `pipeline` is None where the exact form has to decide every row. `candidates` are conditions that every row meets
    which is kept.
    """

    streams: Int64Array
    pipeline: SqlPipeline | None
    candidates: tuple[SqlPredicate, ...] = ()

    @property
    def mode(self) -> Mode:
        """Who decides the rows."""
        if self.pipeline is None:
            return Mode.EXACT
        return Mode.SQL if self.pipeline.doubt == NEVER else Mode.DOUBTFUL


@attrs.frozen(eq=False)
class RangePlan:
    """Hold how a range aggregation is read: `scan` is all of it, and each class of its streams a part.

    `aggregation` is without the stages that nobody sees.
    """

    aggregation: RangeAggregation
    windows: Windows
    scan: ScanPlan
    classes: tuple[StreamClass, ...]

    @property
    def selector(self) -> Selector:
        """What chooses the streams."""
        return self.aggregation.log_range.selector

    @property
    def counts(self) -> bool:
        """Whether numbers of entries and bytes are enough, and no sample has to be seen."""
        stages = self.aggregation.log_range.stages
        return self.aggregation.operator in _COUNTING and not any(isinstance(stage, Unwrap) for stage in stages)

    @property
    def division(self) -> Division:
        """Who decides what: of several classes, the one for which most falls to Python."""
        mode = max((each.mode for each in self.classes), key=list(Mode).index, default=Mode.SQL)
        stages = self.aggregation.log_range.stages
        if mode is not Mode.EXACT:
            return Division(mode, stages, ())
        split = split_stages(stages)
        return Division(mode, split.pushed, split.exact)


def plan_range(aggregation: RangeAggregation, times: Int64Array, view: View) -> RangePlan:
    """Plan the reading of a range aggregation at `times` (unix nanoseconds, ascending) from `view`."""
    aggregation = without_idle_stages(aggregation)
    log_range = aggregation.log_range
    windows = Windows(times, log_range.range_ns, log_range.offset_ns)
    selected = view.index.select(log_range.selector.matchers)
    classes = plan_classes(aggregation, selected, view.index)
    streams = np.sort(np.concatenate([each.streams for each in classes]))
    scan = plan_streams(streams, int(windows.starts[0]) + 1, int(windows.ends[-1]) + 1, view)
    return RangePlan(aggregation, windows, scan, tuple(classes))


def wanted_of(stages: Sequence[Stage], grouping: Grouping | None) -> frozenset[str] | None:
    """Give the labels that parsers have to extract for series grouped by `grouping`; None stands for all."""
    if grouping is None or grouping.mode is GroupingMode.WITHOUT:
        return None
    return wanted_labels(stages, frozenset(grouping.labels))


def plan_classes(aggregation: RangeAggregation, streams: Int64Array, index: StreamIndex) -> list[StreamClass]:
    """Divide `streams` by what SQL has to ask for each row of theirs."""
    stages, grouping = aggregation.log_range.stages, aggregation.grouping
    grouped: frozenset[str] = frozenset()
    if grouping is not None and grouping.mode is GroupingMode.BY:
        grouped = frozenset(grouping.labels)
    elif any(isinstance(stage, LABEL_PARSERS | UnpackParser) for stage in stages):
        # Every label that a line has tells series apart.
        return [StreamClass(streams, None, row_candidates(stages, streams, index))]
    asked = sorted(labels_asked_for(stages, grouped))
    divided = _divided(streams, [np.isin(streams, index.having(name)) for name in asked])
    if len(divided) > _MOST_CLASSES:
        return [StreamClass(streams, None, row_candidates(stages, streams, index))]
    classes = []
    for members, has in divided:
        of_streams = {name for name, present in zip(asked, has, strict=True) if present}
        pipeline = to_sql(stages, grouped, of_streams)
        if pipeline is not None and pipeline.stream_filters:
            members = _filtered(members, pipeline.stream_filters, index)
        classes.append(StreamClass(members, pipeline, tuple(candidates(stages, of_streams))))
    return classes


def row_candidates(stages: Sequence[Stage], streams: Int64Array, index: StreamIndex) -> tuple[SqlPredicate, ...]:
    """Give conditions that every row of `streams` meets which a pipeline keeps."""
    asked = labels_asked_for(stages, ())
    return tuple(candidates(stages, {name for name in asked if np.isin(index.having(name), streams).any()}))


def _divided(streams: Int64Array, masks: Sequence[np.ndarray]) -> list[tuple[Int64Array, tuple[bool, ...]]]:
    if not masks or not len(streams):
        return [(streams, tuple(False for _ in masks))]
    signs, classes = np.unique(np.stack(masks, axis=1), axis=0, return_inverse=True)
    return [(streams[classes.reshape(-1) == number], tuple(sign.tolist())) for number, sign in enumerate(signs)]


def _filtered(streams: Int64Array, filters: Sequence[LabelFilter], index: StreamIndex) -> Int64Array:
    pipeline = Pipeline(tuple(filters))

    def passes(labels: Labels) -> bool:
        return pipeline.run(Record(0, "", make_base(labels, None)))

    kept = [passes(index.labels(stream)) for stream in streams.tolist()]
    return streams[np.array(kept, dtype=np.bool_)]


def without_idle_stages(aggregation: RangeAggregation) -> RangeAggregation:
    """Leave out stages whose work nobody sees, which cannot fail then either, as in Loki.

    These are formats of a line that nothing reads, and parsers where nothing asks for any label.
    """
    stages = aggregation.log_range.stages
    if aggregation.operator not in OVER_BYTES:
        stages = without_idle_line_formats(stages)
    if wanted_of(stages, aggregation.grouping) == frozenset():
        stages = tuple(stage for stage in stages if not isinstance(stage, LABEL_PARSERS))
    return attrs.evolve(aggregation, log_range=attrs.evolve(aggregation.log_range, stages=stages))
