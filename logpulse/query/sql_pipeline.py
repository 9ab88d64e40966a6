"""A pipeline in SQL, for the streams that have the same ones of the labels it asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import attrs

from logpulse.logql.ast import (
    Condition,
    DropLabels,
    JsonParser,
    LabelFilter,
    LineFilter,
    LogfmtParser,
    Stage,
    Unwrap,
)
from logpulse.logql.ast_label_filter import And, Or, TextComparison
from logpulse.logql.record import ERROR, ERROR_DETAILS, EXTRACTED_SUFFIX
from logpulse.logql.stages import (
    json_sql,
    label_filter_sql,
    line_filter,
    logfmt_sql,
    metadata_sql,
)
from logpulse.logql.stages.predicate import SqlPredicate, all_of
from logpulse.logql.stages.sql_label import SqlColumn, SqlLabel, SqlParser, either

_ERRORS: Final = frozenset({ERROR, ERROR_DETAILS})


@attrs.frozen(eq=False)
class SqlPipeline:
    """Hold a pipeline as expressions over `columns`, which a scan computes from each row.

    Where `doubt` is false the row is kept if `keep` holds, and its labels are those of its stream and `labels`;
    `sample` is the label that is unwrapped. `stream_filters` are about labels of streams alone: they choose among the
    streams, and no row need be asked.
    """

    columns: tuple[SqlColumn, ...]
    keep: SqlPredicate
    doubt: str
    labels: dict[str, SqlLabel]
    sample: SqlLabel | None
    stream_filters: tuple[LabelFilter, ...]
    _trusting_doubt: str

    def trusting(self) -> SqlPipeline:
        """Give the cheaper pipeline that takes every line for JSON, and fails where one is not.

        It takes the values that it gives to be written in a plain way, too; who reads them can tell.
        """
        columns = [attrs.evolve(each, text=each.trusting) if each.trusting else each for each in self.columns]
        return attrs.evolve(self, columns=tuple(columns), doubt=self._trusting_doubt)


def labels_asked_for(stages: Sequence[Stage], grouped: Collection[str]) -> frozenset[str]:
    """Name the labels that stages or a grouping look at, apart from those of errors."""
    names = set(grouped)
    for stage in stages:
        if isinstance(stage, LabelFilter):
            names.update(_names(stage.condition))
        elif isinstance(stage, Unwrap):
            names.add(stage.label)
    return frozenset(names - _ERRORS)


def to_sql(stages: Sequence[Stage], grouped: Collection[str], of_streams: Collection[str]) -> SqlPipeline | None:
    """Write a pipeline in SQL; None where it has a part that SQL cannot do.

    Args:
        grouped: the labels that tell its results apart.
        of_streams: those of the labels it asks for that all its streams have; the others none of them has.
    """
    if any(name.endswith(EXTRACTED_SUFFIX) for name in labels_asked_for(stages, grouped)):
        return None  # what a line or metadata has under the name of a stream's label
    return _Writer(frozenset(grouped), frozenset(of_streams)).write(stages)


class _Writer:
    def __init__(self, grouped: frozenset[str], of_streams: frozenset[str]) -> None:
        self._grouped = grouped
        self._of_streams = of_streams
        self._columns: dict[str, SqlColumn] = {}
        self._keeps: list[SqlPredicate] = []
        self._doubts: list[str] = []
        self._value_doubts: list[str] = []
        self._parsed: SqlParser | None = None
        self._dropped: set[str] = set()
        self._sample: SqlLabel | None = None
        self._stream_filters: list[LabelFilter] = []

    def write(self, stages: Sequence[Stage]) -> SqlPipeline | None:
        for place, stage in enumerate(stages):
            if not self._stage(stage, stages[place + 1 :]):
                return None
        labels = {}
        for name in sorted(self._grouped - self._of_streams):
            label = self._label(name)
            if label is None:
                return None
            labels[name] = label
            self._give(label)
        return SqlPipeline(
            tuple(self._columns.values()),
            all_of(self._keeps),
            either(*self._doubts, *self._value_doubts),
            labels,
            self._sample,
            tuple(self._stream_filters),
            either(*self._doubts),
        )

    def _stage(self, stage: Stage, later: Sequence[Stage]) -> bool:
        match stage:
            case LineFilter():
                if not line_filter.has_sql(stage):
                    return False
                self._keeps.append(line_filter.sql(stage))
                return True
            case JsonParser():
                return self._parser(json_sql.sql(stage, self._wanted(later), "parsed"))
            case LogfmtParser():
                return self._parser(logfmt_sql.sql(stage, self._wanted(later), "parsed"))
            case LabelFilter():
                return self._filter(stage.condition)
            case DropLabels():
                # Rows that SQL decides have no errors to drop.
                names = {item for item in stage.items if isinstance(item, str)}
                self._dropped |= names - _ERRORS
                return len(names) == len(stage.items) and not self._dropped & labels_asked_for(later, self._grouped)
            case Unwrap():
                return self._unwrap(stage)
            case _:
                return False

    def _wanted(self, later: Sequence[Stage]) -> frozenset[str]:
        return labels_asked_for(later, self._grouped) - self._of_streams

    def _parser(self, parser: SqlParser | None) -> bool:
        if parser is None or self._parsed is not None:
            return False
        self._parsed = parser
        self._doubts.append(parser.doubt)
        self._add(parser.columns)
        for name in parser.labels:
            # A label that metadata has is not the parser's.
            column = metadata_sql.may_hold(name)
            self._add([column])
            self._doubts.append(column.alias)
        return True

    def _filter(self, condition: Condition) -> bool:
        if isinstance(condition, And):
            return all(self._filter(each) for each in condition.conditions)
        if self._of_streams.issuperset(_names(condition)):
            self._stream_filters.append(LabelFilter(condition))
            return True
        if label_filter_sql.no_errors(condition, ERROR):
            return True
        if _ERRORS & set(_names(condition)):
            return False
        found = label_filter_sql.sql(condition, self._label)
        if found is None:
            return False
        self._keeps.append(found.keep)
        self._doubts.append(found.doubt)
        return True

    def _unwrap(self, stage: Unwrap) -> bool:
        label = self._label(stage.label)
        if label is None:
            return False
        self._sample = label
        self._give(label)
        return True

    def _give(self, label: SqlLabel) -> None:
        self._doubts.append(label.unclear)
        self._value_doubts.append(label.unplain)

    def _label(self, name: str) -> SqlLabel | None:
        if name in self._of_streams or name in _ERRORS:
            return None
        if self._parsed is not None:
            label = self._parsed.labels.get(name)
        else:
            label = metadata_sql.sql(name, f"metadata_value_{name}")
        if label is not None:
            self._add(label.columns)
        return label

    def _add(self, columns: Iterable[SqlColumn]) -> None:
        for column in columns:
            self._columns.setdefault(column.alias, column)


def _names(condition: Condition) -> list[str]:
    match condition:
        case And() | Or():
            return [name for each in condition.conditions for name in _names(each)]
        case TextComparison():
            return [condition.matcher.name]
        case _:
            return [condition.name]
