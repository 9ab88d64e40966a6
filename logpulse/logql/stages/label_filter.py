"""Label filters: `| level="error"`, `| status>=500`, `| took>1s`, `| size<10MB`, `| src=ip("10.0.0.0/8")`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from logpulse.logql.ast import (
    And,
    BytesComparison,
    ComparisonOperator,
    Condition,
    DurationComparison,
    IpComparison,
    LabelFilter,
    NumberComparison,
    Or,
    TextComparison,
)
from logpulse.logql.conversion import ConversionError, as_loki_hands_on, parse_bytes, parse_float, parse_go_duration
from logpulse.logql.ip_search import compile_ip_search
from logpulse.logql.record import ERROR, Record, Test
from logpulse.model.matcher import MatchOperator

_ERROR: Final = "LabelFilterErr"
_OPERATORS: Final[dict[ComparisonOperator, Callable[[float, float], bool]]] = {
    ComparisonOperator.EQUAL: operator.eq,
    ComparisonOperator.NOT_EQUAL: operator.ne,
    ComparisonOperator.GREATER: operator.gt,
    ComparisonOperator.GREATER_OR_EQUAL: operator.ge,
    ComparisonOperator.LESS: operator.lt,
    ComparisonOperator.LESS_OR_EQUAL: operator.le,
}


def exact(stage: LabelFilter) -> Test:
    """Give the test of one entry.

    A missing label is empty as text; compared in any other way it drops the entry. A value that cannot be converted
    keeps the entry, with an error.

    Raises:
        PatternError: a regular expression is malformed.
    """
    return _condition(stage.condition)


def _condition(condition: Condition) -> Test:
    match condition:
        case TextComparison():
            return _text(condition)
        case NumberComparison(name, symbol, value):
            return _comparison(name, symbol, parse_float, value)
        case DurationComparison(name, symbol, nanoseconds):
            return _comparison(name, symbol, parse_go_duration, nanoseconds)
        case BytesComparison(name, symbol, size):
            return _comparison(name, symbol, parse_bytes, as_loki_hands_on(size))
        case IpComparison():
            return _address(condition)
        case And(conditions):
            return _all_of([_condition(each) for each in conditions])
        case Or(conditions):
            return _any_of([_condition(each) for each in conditions])


def _text(comparison: TextComparison) -> Test:
    name, value = comparison.matcher.name, comparison.matcher.value
    holds = comparison.matcher.predicate()
    if name == ERROR:
        return lambda record: holds(record.error)
    match comparison.matcher.operator:  # the two most frequent, without a call for each entry
        case MatchOperator.EQUAL:
            return lambda record: record.labels.get(name, "") == value
        case MatchOperator.NOT_EQUAL:
            return lambda record: record.labels.get(name, "") != value
        case _:
            return lambda record: holds(record.labels.get(name, ""))


def _comparison(name: str, symbol: ComparisonOperator, convert: Callable[[str], float], value: float) -> Test:
    compare = _OPERATORS[symbol]

    def test(record: Record) -> bool:
        text = record.labels.get(name)
        if text is None:
            return False
        try:
            return compare(convert(text), value)
        except ConversionError as error:
            record.fail(_ERROR, str(error))
            return True

    return test


def _address(comparison: IpComparison) -> Test:
    name, found = comparison.name, compile_ip_search(comparison.value)
    expected = comparison.operator is MatchOperator.EQUAL

    def test(record: Record) -> bool:
        text = record.labels.get(name)
        return text is not None and found(text) is expected

    return test


def _all_of(tests: list[Test]) -> Test:
    # All are made, as Loki does: within `or` the entry may stay, with the error of one behind the first that fails.
    def test(record: Record) -> bool:
        holds = True
        for each in tests:
            holds = each(record) and holds
        return holds

    return test


def _any_of(tests: list[Test]) -> Test:
    def test(record: Record) -> bool:
        return any(each(record) for each in tests)

    return test
