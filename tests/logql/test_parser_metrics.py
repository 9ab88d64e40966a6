"""What metric queries mean: text to syntax tree."""

from __future__ import annotations

import math

import pytest

from logpulse.logql.ast import (
    BinaryOperation,
    BinaryOperator,
    Grouping,
    GroupingMode,
    JsonParser,
    LabelFilter,
    LabelReplace,
    LineFilter,
    LineFilterOperator,
    LogRange,
    ManySide,
    MatchingMode,
    MetricExpression,
    NumberLiteral,
    Query,
    RangeAggregation,
    RangeOperator,
    Selector,
    Stage,
    TextComparison,
    TextOperand,
    Unwrap,
    UnwrapConversion,
    VectorAggregation,
    VectorLiteral,
    VectorMatching,
    VectorOperator,
)
from logpulse.logql.parser import parse
from logpulse.model.matcher import Matcher, MatchOperator

APP = Selector((Matcher("app", MatchOperator.EQUAL, "x"),))
MINUTE = 60 * 10**9
ERROR = LineFilter(LineFilterOperator.CONTAINS, (TextOperand("error"),))
NO_ERROR = LabelFilter(TextComparison(Matcher("__error__", MatchOperator.EQUAL, "")))


def range_of(*stages: Stage, offset: int = 0) -> LogRange:
    return LogRange(APP, stages, 5 * MINUTE, offset)


def rate_of(*stages: Stage, offset: int = 0) -> RangeAggregation:
    return RangeAggregation(RangeOperator.RATE, range_of(*stages, offset=offset))


RATE = rate_of()
BY_APP = Grouping(GroupingMode.BY, ("app",))

# -- range aggregations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('rate({app="x"}[5m])', RATE),
        ('RATE ( {app="x"} [5m] )', RATE),
        ('rate(({app="x"})[5m])', RATE),
        ('rate((({app="x"})[5m]))', RATE),
        ('rate # per second\n({app="x"}[5m])', RATE),
        ('rate({app="x"} |= "error" [5m])', rate_of(ERROR)),
        ('rate({app="x"}[5m] |= "error")', rate_of(ERROR)),
        ('rate({app="x"} |= "error" [5m] | json)', rate_of(ERROR, JsonParser())),
        ('rate(({app="x"} |= "error") [5m])', rate_of(ERROR)),
        ('rate({app="x"}[5m] offset 1h)', rate_of(offset=60 * MINUTE)),
        ('rate({app="x"}[5m] offset -1m |= "error")', rate_of(ERROR, offset=-MINUTE)),
        ('rate({app="x"} | unwrap sum [5m])', rate_of(Unwrap("sum"))),
        ('rate({app="x"}[5m] | unwrap v)', rate_of(Unwrap("v"))),
        (
            'quantile_over_time(0.99, {app="x"} | json | unwrap bytes(bytes) | __error__="" [5m]) by (app)',
            RangeAggregation(
                RangeOperator.QUANTILE,
                range_of(JsonParser(), Unwrap("bytes", UnwrapConversion.BYTES), NO_ERROR),
                0.99,
                BY_APP,
            ),
        ),
        (
            'max_over_time({app="x"} | unwrap duration_seconds(duration) [5m]) without ()',
            RangeAggregation(
                RangeOperator.MAXIMUM,
                range_of(Unwrap("duration", UnwrapConversion.DURATION_SECONDS)),
                grouping=Grouping(GroupingMode.WITHOUT, ()),
            ),
        ),
    ],
)
def test_range_aggregations(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1ms", 10**6),
        ("90s", 90 * 10**9),
        ("1h30m", 90 * MINUTE),
        ("1d", 1440 * MINUTE),
        ("1w2d", 12_960 * MINUTE),
        ("1y", 525_600 * MINUTE),
    ],
)
def test_ranges(text: str, nanoseconds: int) -> None:
    query = parse(f'rate({{app="x"}}[{text}])')
    assert isinstance(query, RangeAggregation)
    assert query.log_range.range_ns == nanoseconds


# -- vector aggregations and functions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('sum(rate({app="x"}[5m]))', VectorAggregation(VectorOperator.SUM, RATE)),
        ('Sum by (app) (rate({app="x"}[5m]))', VectorAggregation(VectorOperator.SUM, RATE, grouping=BY_APP)),
        ('sum(rate({app="x"}[5m])) by (app)', VectorAggregation(VectorOperator.SUM, RATE, grouping=BY_APP)),
        (
            "count without (sum, ip, vector) (vector(1))",
            VectorAggregation(
                VectorOperator.COUNT, VectorLiteral(1), grouping=Grouping(GroupingMode.WITHOUT, ("sum", "ip", "vector"))
            ),
        ),
        ("topk(10, vector(5))", VectorAggregation(VectorOperator.TOP, VectorLiteral(5), 10)),
        ("bottomk by (app) (1, vector(5))", VectorAggregation(VectorOperator.BOTTOM, VectorLiteral(5), 1, BY_APP)),
        ("sort_desc(vector(.5))", VectorAggregation(VectorOperator.SORT_DESCENDING, VectorLiteral(0.5))),
        (
            'label_replace(vector(1), "d", "$1", "s", "(.*)")',
            LabelReplace(VectorLiteral(1), "d", "$1", "s", "(.*)"),
        ),
    ],
)
def test_vector_aggregations_and_functions(text: str, query: Query) -> None:
    assert parse(text) == query


# -- operators --------------------------------------------------------------------------------------------------------

V = VectorLiteral(1)


def operation(symbol: str, left: MetricExpression, right: MetricExpression) -> BinaryOperation:
    return BinaryOperation(BinaryOperator(symbol), left, right)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("V - V - V", operation("-", operation("-", V, V), V)),
        ("V ^ V ^ V", operation("^", V, operation("^", V, V))),
        ("V / V % V * V", operation("*", operation("%", operation("/", V, V), V), V)),
        ("V + V * V", operation("+", V, operation("*", V, V))),
        ("V * V + V", operation("+", operation("*", V, V), V)),
        ("V * V ^ V", operation("*", V, operation("^", V, V))),
        ("V ^ V * V", operation("*", operation("^", V, V), V)),
        ("V > V + V", operation(">", V, operation("+", V, V))),
        ("V == V != V", operation("!=", operation("==", V, V), V)),
        ("V and V > V", operation("and", V, operation(">", V, V))),
        ("V or V and V", operation("or", V, operation("and", V, V))),
        ("V unless V and V", operation("and", operation("unless", V, V), V)),
        ("V and V or V unless V", operation("or", operation("and", V, V), operation("unless", V, V))),
        ("(V + V) * V", operation("*", operation("+", V, V), V)),
        ("V - (V - V)", operation("-", V, operation("-", V, V))),
        ("V + 1 + 2", operation("+", operation("+", V, NumberLiteral(1)), NumberLiteral(2))),
        ("1 + 2 + V", operation("+", NumberLiteral(3), V)),
        ("V * (2 + 1)", operation("*", V, NumberLiteral(3))),
    ],
)
def test_precedence(text: str, query: Query) -> None:
    assert parse(text.replace("V", "vector(1)")) == query


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", 7),
        ("-2 ^ 2", 4),
        ("2 ^ 3 ^ 2", 512),
        ("2 ^ -1", 0.5),
        ("1 - - 1", 2),
        ("10 - 3 - 2", 5),
        ("-7 % 4", -3),
        ("7.5 % 2", 1.5),
        ("1e3 + 1.5e-3", 1000.0015),
        ("((1))+((2))", 3),
        ("1 + 1 == 2", 1),
        ("2 > bool 3", 0),
        ("2 != 3", 1),
        ("1 / 0", math.nan),
        ("0 % 0", math.nan),
        ("-8 ^ .5", math.nan),
        ("9 ^ 999", math.inf),
        ("-9 ^ 999", -math.inf),
        ("0 ^ -1", math.inf),
        ("9 ^ 999 % 2", math.nan),
    ],
)
def test_numbers_are_folded(text: str, value: float) -> None:
    assert parse(text) == NumberLiteral(value)


GROUPED = VectorMatching(MatchingMode.ON, ("a",), ManySide.RIGHT, ("b", "c"))
ON_A = VectorMatching(MatchingMode.ON, ("a",))


@pytest.mark.parametrize(
    ("text", "operator", "return_bool", "matching"),
    [
        ("> bool", ">", True, None),
        ("+ bool", "+", False, None),
        ("/ on(a)", "/", False, ON_A),
        ("and ON (a)", "and", False, ON_A),
        ("and on (a) group_left", "and", False, ON_A),
        ("/ ignoring ()", "/", False, VectorMatching(MatchingMode.IGNORING, ())),
        ("/ on (a) group_left", "/", False, VectorMatching(MatchingMode.ON, ("a",), ManySide.LEFT)),
        ("/ on (a) group_left ()", "/", False, VectorMatching(MatchingMode.ON, ("a",), ManySide.LEFT)),
        ("== bool on (a) group_right (b, c)", "==", True, GROUPED),
    ],
)
@pytest.mark.parametrize("operand", ["vector(1)", "(vector(1))"])
def test_modifiers(text: str, operator: str, return_bool: bool, matching: VectorMatching | None, operand: str) -> None:
    expected = BinaryOperation(BinaryOperator(operator), V, V, return_bool, matching)
    assert parse(f"{operand} {text} {operand}") == expected


def test_a_query_knows_its_selectors() -> None:
    query = parse('sum(rate({a="1"}[5m])) / label_replace(vector(1), "", "", "", "") + 2 * rate({b="2"}[5m])')
    assert [str(selector) for selector in query.selectors] == ['{a="1"}', '{b="2"}']
