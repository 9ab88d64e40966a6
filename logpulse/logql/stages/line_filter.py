"""Line filters `|=`, `!=`, `|~`, `!~`, `|>`, `!>`: keep the lines in which one of several texts is found, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from logpulse.logql.ast import IpOperand, LineFilter, LineFilterOperator, TextOperand
from logpulse.logql.capture_pattern import Capture, Literal, parse_filter_pattern
from logpulse.logql.ip_search import compile_ip_search
from logpulse.logql.record import Test
from logpulse.logql.stages.predicate import SqlPredicate, any_of
from logpulse.model.pattern import compile_search

_SUBSTRING: Final = (LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS)
_REGEX: Final = (LineFilterOperator.MATCHES, LineFilterOperator.NOT_MATCHES)
_LineTest = Callable[[str], bool]


def exact(stage: LineFilter) -> _LineTest:
    """Give the test of one line.

    Raises:
        PatternError: a regular expression is malformed.
        CapturePatternError: a pattern is malformed.
        IpRangeError: an address is malformed.
    """
    alternatives = _alternatives(stage)
    addresses = [each.value for each in alternatives if isinstance(each, IpOperand)]
    tests = [_text_test(stage.operator, each.value) for each in alternatives if isinstance(each, TextOperand)]
    if addresses:
        tests.append(compile_ip_search(*addresses))
    if stage.operator.negative:
        return lambda line: not any(test(line) for test in tests)
    if len(tests) == 1:
        return tests[0]
    return lambda line: any(test(line) for test in tests)


def exact_of_record(stage: LineFilter) -> Test:
    """Give the same test of the line that a record has by now.

    Raises:
        LogPulseError: as `exact`.
    """
    test = exact(stage)
    return lambda record: test(record.line)


def sql(stage: LineFilter) -> SqlPredicate:
    """Give the same test for DuckDB, exact as well: both sides use RE2, and substrings compare as bytes.

    Only for a stage that `has_sql`.
    """
    function = "contains" if stage.operator in _SUBSTRING else "regexp_matches"
    found = any_of([SqlPredicate(f"{function}(line, ?)", (operand.value,)) for operand in _alternatives(stage)])
    return found.negated() if stage.operator.negative else found


def has_sql(stage: LineFilter) -> bool:
    """Tell whether a scan can decide the stage."""
    return stage.operator in (*_SUBSTRING, *_REGEX) and all(
        isinstance(operand, TextOperand) for operand in _alternatives(stage)
    )


def _alternatives(stage: LineFilter) -> list[TextOperand | IpOperand]:
    # As in Loki an empty alternative beside others is no alternative; alone it is in every line.
    return [each for each in stage.alternatives if each.value] or [TextOperand("")]


def _text_test(operator: LineFilterOperator, text: str) -> _LineTest:
    if operator in _SUBSTRING:
        return lambda line: text in line
    if operator in _REGEX:
        return compile_search(text)
    return _pattern(parse_filter_pattern(text))


def _pattern(parts: tuple[Literal | Capture, ...]) -> _LineTest:
    """Search the texts of a pattern one behind the other, each where it comes first; no capture may be empty.

    A text at the end must end the line where it is found, so `<_>a` does not match `banana`; one at the beginning may
    stand anywhere.
    """
    if not parts:
        return lambda line: not line
    # Each text with the least number of characters before it, which is 1 behind a capture.
    texts = [
        (part.text, 1 if number and isinstance(parts[number - 1], Capture) else 0)
        for number, part in enumerate(parts)
        if isinstance(part, Literal)
    ]
    open_end = isinstance(parts[-1], Capture)

    def matches(line: str) -> bool:
        position = 0
        for text, least in texts:
            found = line.find(text, position)
            if found < position + least:
                return False
            position = found + len(text)
        return position < len(line) if open_end else position == len(line)

    return matches
