"""What of a pipeline the scan itself decides: conditions in SQL that every entry of the answer meets."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from logpulse.logql.ast import LineFilter, Stage
from logpulse.logql.stages import line_filter
from logpulse.logql.stages.predicate import SqlPredicate


@attrs.frozen
class SplitStages:
    """Hold the conditions for the scan, and the stages that still have to run over each row that meets them."""

    predicates: tuple[SqlPredicate, ...]
    exact: tuple[Stage, ...]


def split_stages(stages: Sequence[Stage]) -> SplitStages:
    """Leave the line filters before all other stages to the scan where it can decide them."""
    predicates: list[SqlPredicate] = []
    exact: list[Stage] = []
    for place, stage in enumerate(stages):
        if not isinstance(stage, LineFilter):
            exact += stages[place:]
            break
        if line_filter.has_sql(stage):
            predicates.append(line_filter.sql(stage))
        else:
            exact.append(stage)
    return SplitStages(tuple(predicates), tuple(exact))
