"""Streams whose labels alone decide the level of all their entries, whatever a pipeline does."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.logql.ast import DropLabels, KeepLabels, LabelFormat, LabelRename, Stage
from logpulse.logql.label_use import labels_written
from logpulse.query.entry_level import LevelRule
from logpulse.storage.index import StreamIndex


@attrs.frozen(eq=False)
class SettledStreams:
    """Hold streams for which one label decides the level; without a name none does, and the level is the same."""

    name: str
    streams: Int64Array

    @property
    def names(self) -> tuple[str, ...]:
        """What tells their levels apart."""
        return (self.name,) if self.name else ()


@attrs.frozen(eq=False)
class LevelStreams:
    """Divide streams: those whose labels settle the level, by the label that does, and those whose entries have to."""

    settled: tuple[SettledStreams, ...]
    open: Int64Array


def level_streams(streams: Int64Array, stages: Sequence[Stage], rule: LevelRule, index: StreamIndex) -> LevelStreams:
    """Divide `streams` by what decides the level that an answer shows for their entries behind `stages`."""
    settled: list[SettledStreams] = []
    for name in rule.names:
        if _is_changed(name, stages):
            return LevelStreams(tuple(settled), streams)
        chosen = np.isin(streams, index.having(name))
        if chosen.any():
            settled.append(SettledStreams(name, streams[chosen]))
            streams = streams[~chosen]
        if _is_added(name, stages):
            # It decides before all further labels, and which of the other streams' entries get it is not known.
            return LevelStreams(tuple(settled), streams)
    if rule.otherwise is not None and len(streams):
        return LevelStreams((*settled, SettledStreams("", streams)), streams[:0])
    return LevelStreams(tuple(settled), streams)


def leaves_labels(stages: Sequence[Stage]) -> bool:
    """Tell whether an answer shows the labels and metadata that entries are stored with."""
    return not any(
        isinstance(stage, DropLabels | KeepLabels) or labels_written(stage) != frozenset() for stage in stages
    )


def _is_added(name: str, stages: Sequence[Stage]) -> bool:
    """Tell whether entries without the label may get it."""
    return any(written is None or name in written for written in map(labels_written, stages))


def _is_changed(name: str, stages: Sequence[Stage]) -> bool:
    """Tell whether the label of a stream may be lost or get another value. Parsers let it be."""
    return any(_changes(stage, name) for stage in stages)


def _changes(stage: Stage, name: str) -> bool:
    match stage:
        case LabelFormat(assignments):
            return any(
                name == each.name or (isinstance(each, LabelRename) and name == each.source) for each in assignments
            )
        case DropLabels(items):
            return any(name == (item if isinstance(item, str) else item.name) for item in items)
        case KeepLabels(items):
            return name not in items
        case _:
            return False
