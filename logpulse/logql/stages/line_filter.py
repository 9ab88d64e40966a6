"""Line filters `|=`, `!=`, `|~`, `!~`: keep lines that contain, or match, one of several texts, or none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from logpulse.errors import UnsupportedQueryError
from logpulse.logql.ast import LineFilter, LineFilterOperator, TextOperand
from logpulse.logql.stages.predicate import SqlPredicate, any_of
from logpulse.model.pattern import compile_search

_SUBSTRING: Final = (LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS)
_REGEX: Final = (LineFilterOperator.MATCHES, LineFilterOperator.NOT_MATCHES)


def exact(stage: LineFilter) -> Callable[[str], bool]:
    """Give the test of one line.

    Raises:
        UnsupportedQueryError: the stage is a pattern filter or looks for an address.
    """
    tests = [_exact_alternative(stage, text) for text in _alternatives(stage)]
    if stage.operator.negative:
        return lambda line: not any(test(line) for test in tests)
    if len(tests) == 1:
        return tests[0]
    return lambda line: any(test(line) for test in tests)


def sql(stage: LineFilter) -> SqlPredicate:
    """Give the same test for DuckDB, exact as well: both sides use RE2, and substrings compare as bytes.

    Raises:
        UnsupportedQueryError: the stage is a pattern filter or looks for an address.
    """
    function = "contains" if stage.operator in _SUBSTRING else "regexp_matches"
    found = any_of([SqlPredicate(f"{function}(line, ?)", (text,)) for text in _alternatives(stage)])
    return found.negated() if stage.operator.negative else found


def _alternatives(stage: LineFilter) -> list[str]:
    if stage.operator not in (*_SUBSTRING, *_REGEX):
        raise UnsupportedQueryError(f"the pattern filter `{stage}`")
    texts = [operand.value for operand in stage.alternatives if isinstance(operand, TextOperand)]
    if len(texts) != len(stage.alternatives):
        raise UnsupportedQueryError(f"the address filter `{stage}`")
    # As in Loki an empty alternative beside others is no alternative; alone it is in every line.
    return [text for text in texts if text] or [""]


def _exact_alternative(stage: LineFilter, text: str) -> Callable[[str], bool]:
    return compile_search(text) if stage.operator in _REGEX else lambda line: text in line
