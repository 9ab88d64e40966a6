"""What a range aggregation need not do because nobody sees it: keep series apart, parse lines, format them."""

from __future__ import annotations

from typing import Final

import attrs

from logpulse.logql.ast_label_filter import LabelFilter
from logpulse.logql.ast_log import LineFilter, Stage
from logpulse.logql.ast_metric import (
    Grouping,
    GroupingMode,
    RangeAggregation,
    RangeOperator,
    VectorAggregation,
    VectorOperator,
)
from logpulse.logql.ast_stages import (
    Decolorize,
    JsonParser,
    LabelFormat,
    LabelTemplate,
    LineFormat,
    LogfmtParser,
    PatternParser,
    RegexpParser,
    UnpackParser,
    Unwrap,
)

_ADDITIVE: Final = frozenset(
    {
        RangeOperator.COUNT,
        RangeOperator.RATE,
        RangeOperator.BYTES,
        RangeOperator.BYTES_RATE,
        RangeOperator.SUM,
    }
)
_OVER_BYTES: Final = frozenset({RangeOperator.BYTES, RangeOperator.BYTES_RATE})
_NO_LABELS: Final = Grouping(GroupingMode.BY, ())
_LABEL_PARSERS: Final = JsonParser | LogfmtParser | RegexpParser | PatternParser


def grouped_below(aggregation: VectorAggregation) -> RangeAggregation | None:
    """Give the range aggregation below a `sum` with the grouping of the `sum`, if their order makes no difference.

    The parser lets no such operator have a grouping: it adds up over all series of a group.
    """
    below = aggregation.operand
    if (
        aggregation.operator is VectorOperator.SUM
        and isinstance(below, RangeAggregation)
        and below.operator in _ADDITIVE
    ):
        return attrs.evolve(below, grouping=aggregation.grouping or _NO_LABELS)
    return None


def needed(aggregation: RangeAggregation) -> RangeAggregation:
    """Leave out stages that cannot be seen in the result, as Loki does, so that they cannot fail either (recorded).

    These are parsers when nothing asks for any label, as in `sum(count_over_time({…} | json [5m]))`, and formats of a
    line that nothing reads, as in `count_over_time({…} | line_format "…" [5m])`.
    """
    stages = aggregation.log_range.stages
    if aggregation.grouping == _NO_LABELS and not any(map(_asks_for_labels, stages)):
        stages = tuple(stage for stage in stages if not isinstance(stage, _LABEL_PARSERS))
    stages = tuple(
        stage
        for place, stage in enumerate(stages)
        if not isinstance(stage, LineFormat | Decolorize)
        or aggregation.operator in _OVER_BYTES
        or any(map(_reads_line, stages[place + 1 :]))
    )
    return attrs.evolve(aggregation, log_range=attrs.evolve(aggregation.log_range, stages=stages))


def _asks_for_labels(stage: Stage) -> bool:
    match stage:
        case LabelFilter() | Unwrap() | LabelFormat():
            return True
        case LineFormat():
            return "{{" in stage.template
        case _:
            return False


def _reads_line(stage: Stage) -> bool:
    match stage:
        case LabelFormat():
            return any(isinstance(each, LabelTemplate) and "__line__" in each.template for each in stage.assignments)
        case LineFormat():
            return "__line__" in stage.template
        case LineFilter() | JsonParser() | LogfmtParser() | RegexpParser() | PatternParser() | UnpackParser():
            return True
        case _:
            return False
