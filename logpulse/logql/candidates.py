"""Conditions in SQL that every entry meets which a label filter may keep: cheap, and no more than necessary ones.

A filter that asks for a value or for a number drops entries without the label. Where a label comes out of the line, its
key and its value stand in the line, so a search of the line rules most entries out before anything is parsed. Values
with escapes, and labels that metadata has, are let through.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

import attrs

from logpulse.logql.ast import (
    And,
    BytesComparison,
    ComparisonOperator,
    Condition,
    DropLabels,
    DurationComparison,
    JsonParser,
    KeepLabels,
    LabelFilter,
    LineFilter,
    LogfmtParser,
    NumberComparison,
    Or,
    PatternParser,
    RegexpParser,
    Stage,
    TextComparison,
)
from logpulse.logql.number_pattern import at_least
from logpulse.logql.record import ERROR, ERROR_DETAILS, EXTRACTED_SUFFIX
from logpulse.logql.stages import metadata_sql
from logpulse.logql.stages.predicate import SqlPredicate, all_of, any_of
from logpulse.model.matcher import MatchOperator

_PARSERS: Final = JsonParser | LogfmtParser | PatternParser | RegexpParser
_HARMLESS: Final = LineFilter | DropLabels | KeepLabels
_LARGEST: Final = 10**15  # a number with more digits is not worth an expression
_ESCAPE: Final = SqlPredicate("contains(line, '\\')")


def candidates(stages: Sequence[Stage], of_streams: Collection[str]) -> list[SqlPredicate]:
    """Give conditions for the entries that the label filters of a pipeline may keep.

    Args:
        of_streams: labels that some of the streams have, of which nothing is said.
    """
    found = []
    parsers: list[Stage] = []
    for stage in stages:
        if isinstance(stage, _PARSERS):
            parsers.append(stage)
        elif isinstance(stage, LabelFilter):
            condition = _Candidates(tuple(parsers), frozenset(of_streams)).of(stage.condition) if parsers else None
            if condition is not None:
                found.append(condition)
        elif not isinstance(stage, _HARMLESS):
            break  # it may write labels, or another line
    return found


@attrs.frozen
class _Candidates:
    parsers: tuple[Stage, ...]
    of_streams: frozenset[str]

    def of(self, condition: Condition) -> SqlPredicate | None:
        """Give what the entries have in common that meet `condition`; None where nothing is known of them."""
        match condition:
            case And(conditions):
                known = [each for each in map(self.of, conditions) if each is not None]
                return all_of(known) if known else None
            case Or(conditions):
                parts = [self.of(each) for each in conditions]
                known = [each for each in parts if each is not None]
                return any_of(known) if len(known) == len(parts) else None
            case TextComparison(matcher):
                asks = matcher.operator is MatchOperator.EQUAL and matcher.value
                if not asks or not self._is_parsed(matcher.name):
                    return None
                return self._unless_hidden(matcher.name, SqlPredicate("contains(line, ?)", (matcher.value,)))
            case NumberComparison(name, operator, value):
                return self._keyed(name, _digits(operator, value))
            case DurationComparison(name, _, _) | BytesComparison(name, _, _):
                return self._keyed(name, None)
            case _:
                return None

    def _is_parsed(self, name: str) -> bool:
        """Tell whether a label can come only from the line or from metadata, and stands there as it is."""
        return (
            name not in self.of_streams
            and name not in (ERROR, ERROR_DETAILS)
            and not name.endswith(EXTRACTED_SUFFIX)
            and not any(isinstance(each, JsonParser | LogfmtParser) and each.extractions for each in self.parsers)
        )

    def _keyed(self, name: str, digits: str | None) -> SqlPredicate | None:
        """Ask for the last part of a label's key; behind it for these digits, or for what is no whole number."""
        part = name.rpartition("_")[2]
        if not part or not self._is_parsed(name):
            return None
        match self.parsers:
            case (JsonParser(),) if digits is not None:
                pattern = rf'{part}[^a-zA-Z0-9]*"\s*:\s*(?:"(?:"|{digits}|[0-9]*[^0-9"])|{digits}|[0-9]*[^0-9\s,}}])'
            case (LogfmtParser(keep_empty=False),) if digits is not None:
                pattern = rf'{part}[^a-zA-Z0-9\s=]*=(?:"(?:{digits}|[0-9]*[^0-9"])|{digits}|[0-9]+"|[0-9]*[^0-9\s"])'
            case _ if all(isinstance(each, JsonParser | LogfmtParser) for each in self.parsers):
                return self._unless_hidden(name, SqlPredicate("contains(line, ?)", (part,)))
            case _:
                return None
        return self._unless_hidden(name, SqlPredicate("regexp_matches(line, ?)", (pattern,)))

    def _unless_hidden(self, name: str, found: SqlPredicate) -> SqlPredicate:
        column = metadata_sql.may_hold(name)
        in_metadata = SqlPredicate(f"(metadata is not null and {column.text})", column.parameters)
        return any_of([found, _ESCAPE, in_metadata])


def _digits(operator: ComparisonOperator, value: float) -> str | None:
    """Give an expression for the whole numbers that meet a comparison, where most do not."""
    if not 0 < value < _LARGEST:
        return None
    match operator:
        case ComparisonOperator.GREATER_OR_EQUAL | ComparisonOperator.EQUAL:
            return at_least(math.ceil(value))
        case ComparisonOperator.GREATER:
            return at_least(math.floor(value) + 1)
        case _:
            return None
