"""Plan a range aggregation: which part of its pipeline SQL decides, for which streams, and what is left to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import Grouping, GroupingMode, LabelFilter, RangeAggregation, Stage
from logpulse.logql.ast_stages import JsonParser, LogfmtParser, PatternParser, RegexpParser, UnpackParser
from logpulse.logql.base import make_base
from logpulse.logql.candidates import candidates
from logpulse.logql.label_use import wanted_labels
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.model.labels import Labels
from logpulse.query.sql_pipeline import SqlPipeline, labels_asked_for, to_sql
from logpulse.storage.index import StreamIndex

LABEL_PARSERS: Final = JsonParser | LogfmtParser | RegexpParser | PatternParser
_MOST_CLASSES: Final = 8  # of streams by the labels they have; each is a scan of its own


@attrs.frozen(eq=False)
class StreamClass:
    """Hold streams that have the same ones of the labels that a pipeline asks for.

    `pipeline` is None where the exact form has to decide every row. `candidates` are conditions that every row meets
    which is kept.
    """

    streams: Int64Array
    pipeline: SqlPipeline | None
    candidates: tuple[SqlPredicate, ...] = ()


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
    if not masks:
        return [(streams, ())]
    signs, classes = np.unique(np.stack(masks, axis=1), axis=0, return_inverse=True)
    return [(streams[classes.reshape(-1) == number], tuple(sign.tolist())) for number, sign in enumerate(signs)]


def _filtered(streams: Int64Array, filters: Sequence[LabelFilter], index: StreamIndex) -> Int64Array:
    pipeline = Pipeline(tuple(filters))

    def passes(labels: Labels) -> bool:
        return pipeline.run(Record(0, "", make_base(labels, None)))

    kept = [passes(index.labels(stream)) for stream in streams.tolist()]
    return streams[np.array(kept, dtype=np.bool_)]
