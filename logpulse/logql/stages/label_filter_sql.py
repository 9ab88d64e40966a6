"""The SQL form of label filters on labels that are SQL themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from logpulse.logql.ast import (
    And,
    ComparisonOperator,
    Condition,
    DurationComparison,
    NumberComparison,
    Or,
    TextComparison,
)
from logpulse.logql.stages.predicate import SqlPredicate, all_of, any_of
from logpulse.logql.stages.sql_label import SqlLabel, either
from logpulse.model.matcher import MatchOperator

_SIGNS: Final = {
    ComparisonOperator.EQUAL: "=",
    ComparisonOperator.NOT_EQUAL: "<>",
    ComparisonOperator.GREATER: ">",
    ComparisonOperator.GREATER_OR_EQUAL: ">=",
    ComparisonOperator.LESS: "<",
    ComparisonOperator.LESS_OR_EQUAL: "<=",
}
_NANOSECONDS: Final = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@attrs.frozen
class SqlFilter:
    """Hold when to keep a row, and for which rows that cannot be said; `keep` is never null where there is no doubt."""

    keep: SqlPredicate
    doubt: str


LabelInSql = Callable[[str], SqlLabel | None]


def sql(condition: Condition, label: LabelInSql) -> SqlFilter | None:
    """Write a condition; None where SQL cannot. `label` gives a label by its name, None where it is not in SQL."""
    match condition:
        case And() | Or():
            parts = [sql(each, label) for each in condition.conditions]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            joined = (all_of if isinstance(condition, And) else any_of)([part.keep for part in known])
            return SqlFilter(joined, either(*(part.doubt for part in known)))
        case TextComparison():
            found = label(condition.matcher.name)
            return None if found is None else _text(condition, found)
        case NumberComparison():
            found = label(condition.name)
            if found is None:
                return None
            keep = SqlPredicate(f"coalesce({found.number} {_SIGNS[condition.operator]} ?, false)", (condition.value,))
            return SqlFilter(keep, found.number_doubt)
        case DurationComparison():
            found = label(condition.name)
            return None if found is None else _duration(condition, found)
        case _:
            return None  # sizes are rounded in a way of their own, addresses need a library


def _text(condition: TextComparison, label: SqlLabel) -> SqlFilter:
    matcher = condition.matcher
    value = f"coalesce({label.text}, '')"
    match matcher.operator:
        case MatchOperator.EQUAL:
            test = f"{value} = ?"
        case MatchOperator.NOT_EQUAL:
            test = f"{value} <> ?"
        case MatchOperator.REGEX:
            test = f"regexp_full_match({value}, ?, 's')"
        case MatchOperator.NOT_REGEX:
            test = f"not regexp_full_match({value}, ?, 's')"
    return SqlFilter(SqlPredicate(test, (matcher.value,)), label.text_doubt)


def _duration(condition: DurationComparison, label: SqlLabel) -> SqlFilter:
    """Compare whole numbers of one unit, as nanoseconds; all else is in doubt."""
    text = label.text
    factors = " ".join(f"when '{unit}' then {factor}" for unit, factor in _NANOSECONDS.items())
    number = f"try_cast(regexp_extract({text}, '^[0-9]+') as bigint)"
    value = f"{number} * case regexp_extract({text}, '[a-z]+$') {factors} end"
    plain = f"regexp_full_match({text}, '[0-9]{{1,6}}({'|'.join(_NANOSECONDS)})')"
    keep = SqlPredicate(f"coalesce({value} {_SIGNS[condition.operator]} {condition.nanoseconds}, false)")
    return SqlFilter(keep, either(label.text_doubt, f"not coalesce({plain}, true)"))


def no_errors(condition: Condition, name: str) -> bool:
    """Tell whether a condition asks only that the label `name` be empty."""
    if not isinstance(condition, TextComparison):
        return False
    matcher = condition.matcher
    return matcher.name == name and matcher.operator is MatchOperator.EQUAL and matcher.value == ""
