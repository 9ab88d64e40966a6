"""Hypothesis strategies for every node of the syntax tree, in the form the parser gives it."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st

from logpulse.limits import CONTEXT_ENTRIES
from logpulse.logql.ast import (
    And,
    BinaryOperation,
    BinaryOperator,
    BytesComparison,
    ComparisonOperator,
    Condition,
    Context,
    Decolorize,
    Dedup,
    DropLabels,
    DurationComparison,
    Extraction,
    Grouping,
    GroupingMode,
    IpComparison,
    IpOperand,
    JsonParser,
    KeepLabels,
    LabelFilter,
    LabelFormat,
    LabelRename,
    LabelReplace,
    LabelTemplate,
    LineFilter,
    LineFilterOperator,
    LineFormat,
    LogfmtParser,
    LogQuery,
    LogRange,
    ManySide,
    MatchingMode,
    MetricExpression,
    NumberComparison,
    NumberLiteral,
    Or,
    PatternParser,
    Query,
    RangeAggregation,
    RangeOperator,
    RegexpParser,
    Selector,
    Stage,
    TextComparison,
    TextOperand,
    UnpackParser,
    Unwrap,
    UnwrapConversion,
    VectorAggregation,
    VectorLiteral,
    VectorMatching,
    VectorOperator,
)
from logpulse.logql.ast_log import swallows
from logpulse.model.matcher import Matcher, MatchOperator

_MODIFIERS = "and or unless bool on ignoring group_left group_right by without offset"
_STAGES = "json logfmt regexp pattern unpack line_format label_format decolorize drop keep unwrap"
KEYWORDS = frozenset(f"{_MODIFIERS} {_STAGES}".split())
OWN = ("dedup", "context", "before", "after", "Dedup")
"""Words that LogPulse's own endings are made of, and that name labels all the same."""
MOST_NS = 2**63 - 1

names = st.one_of(
    st.sampled_from(["app", "rate", "sum", "ip", "duration", "vector", "count", "bytes", "sumby", "on_call", "_"]),
    st.sampled_from(OWN),
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name.lower() not in KEYWORDS),
)
texts = st.text(max_size=12)
regular_expressions = st.sampled_from(["", ".*", ".+", "a|b", r"\d+", "(?i)ERR", 'q"uote', "new\nline", r"(\w+)é$"])
ip_ranges = st.sampled_from(["10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "::1", "2001:db8::/32", "::1-::ff"])
templates = st.one_of(
    texts.filter(lambda text: "{{" not in text),
    st.sampled_from(["{{.a}}", '{{ .a | replace " " "_" }}', "{{if .x}}a{{else}}b{{end}}", "{{__line__}}`\n"]),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
unsigned = st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(abs)
durations = st.one_of(
    st.integers(-MOST_NS, MOST_NS), st.integers(-(10**6), 10**6).map(lambda milliseconds: milliseconds * 10**6)
)
byte_sizes = st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 9_000).map(lambda number: number * 10**12))
ranges = st.one_of(st.integers(1, MOST_NS // 10**6), st.integers(1, 1000).map(lambda days: days * 86_400_000)).map(
    lambda milliseconds: milliseconds * 10**6
)


Value = TypeVar("Value")


def tuples_of(values: st.SearchStrategy[Value], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[Value, ...]]:
    """Make tuples of `least` to `most` values."""
    return st.lists(values, min_size=least, max_size=most).map(tuple)


# -- log queries ------------------------------------------------------------------------------------------------------


def matchers() -> st.SearchStrategy[Matcher]:
    """Make matchers with any operator; regular expressions are valid."""
    return st.one_of(
        st.builds(Matcher, names, st.sampled_from([MatchOperator.EQUAL, MatchOperator.NOT_EQUAL]), texts),
        st.builds(Matcher, names, st.sampled_from([MatchOperator.REGEX, MatchOperator.NOT_REGEX]), regular_expressions),
    )


selectors = st.builds(Selector, tuples_of(matchers()))
selective = st.builds(
    lambda matcher, others: Selector((matcher, *others)),
    st.builds(Matcher, names, st.just(MatchOperator.EQUAL), texts.filter(bool)),
    tuples_of(matchers()),
)


def line_filters() -> st.SearchStrategy[LineFilter]:
    """Make line filters whose operands suit their operators."""
    plain = st.one_of(st.builds(TextOperand, texts), st.builds(IpOperand, ip_ranges))
    expressions = st.builds(TextOperand, regular_expressions)
    patterns = st.builds(TextOperand, st.sampled_from(["", "a", "<_>", "<_>a<_>", "<a-b> <_>", "<>"]))
    symbols = LineFilterOperator
    return st.one_of(
        st.builds(LineFilter, st.sampled_from([symbols.CONTAINS, symbols.NOT_CONTAINS]), tuples_of(plain, 1)),
        st.builds(LineFilter, st.sampled_from([symbols.MATCHES, symbols.NOT_MATCHES]), tuples_of(expressions, 1)),
        st.builds(
            LineFilter,
            st.sampled_from([symbols.MATCHES_PATTERN, symbols.NOT_MATCHES_PATTERN]),
            tuples_of(patterns, 1),
        ),
    )


def conditions() -> st.SearchStrategy[Condition]:
    """Make label filter conditions, nested some levels deep."""
    symbols = st.sampled_from(ComparisonOperator)
    single: st.SearchStrategy[Condition] = st.one_of(
        st.builds(TextComparison, matchers()),
        st.builds(NumberComparison, names, symbols, finite),
        st.builds(DurationComparison, names, symbols, durations),
        st.builds(BytesComparison, names, symbols, byte_sizes),
        st.builds(IpComparison, names, st.sampled_from([MatchOperator.EQUAL, MatchOperator.NOT_EQUAL]), ip_ranges),
    )

    def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        return st.one_of(st.builds(And, tuples_of(parts, 2)), st.builds(Or, tuples_of(parts, 2)))

    return st.recursive(single, joined, max_leaves=6)


label_filters = st.builds(LabelFilter, conditions())


def parser_patterns() -> st.SearchStrategy[str]:
    """Make patterns with text between their captures and each name once."""
    literals = st.sampled_from([" ", " - ", '"', "[", "<", ">", "é", "<a b>"])
    captures = st.lists(names.filter(lambda name: name != "_"), min_size=1, max_size=3, unique=True)

    def written(captured: list[str], between: str, around: tuple[str, str]) -> str:
        return around[0] + between.join(f"<{name}>" for name in captured) + around[1]

    return st.builds(written, captures, literals, st.tuples(st.sampled_from(["", "a ", "<_> "]), literals))


def label_formats() -> st.SearchStrategy[LabelFormat]:
    """Make label formats that set each name once."""
    assignments = st.one_of(st.builds(LabelRename, names, names), st.builds(LabelTemplate, names, templates))
    return st.lists(assignments, min_size=1, max_size=3, unique_by=lambda assignment: assignment.name).map(
        lambda unique: LabelFormat(tuple(unique))
    )


def stages() -> st.SearchStrategy[Stage]:
    """Make every stage of a log query."""
    paths = st.sampled_from(["a", "a.b", 'a["b c"].d', "[0]", "a[1][2].b", '["ünï"]'])
    return st.one_of(
        line_filters(),
        label_filters,
        st.builds(JsonParser, tuples_of(st.builds(Extraction, names, paths))),
        st.builds(LogfmtParser, st.booleans(), st.booleans(), tuples_of(st.builds(Extraction, names, texts))),
        st.builds(RegexpParser, st.sampled_from([r"(?P<a>\d+)", "(?<b>x)|(?P<c>[(?P<d>])", r"\((?P<e>\))"])),
        st.builds(PatternParser, parser_patterns()),
        st.builds(UnpackParser),
        st.builds(LineFormat, templates),
        label_formats(),
        st.builds(Decolorize),
        st.builds(DropLabels, tuples_of(st.one_of(names, matchers()), 1)),
        st.builds(KeepLabels, tuples_of(st.one_of(names, matchers()), 1)),
    )


dedups = st.builds(Dedup, tuples_of(names))
contexts = (
    st.tuples(st.integers(0, CONTEXT_ENTRIES), st.integers(0, CONTEXT_ENTRIES))
    .filter(any)
    .map(lambda sides: Context(*sides))
)


def log_queries(chosen: st.SearchStrategy[Selector] = selectors) -> st.SearchStrategy[LogQuery]:
    """Make log queries of all stages."""
    written = tuples_of(stages(), most=5).filter(partial(can_be_written, most=0))
    return st.builds(LogQuery, chosen, written, st.none() | dedups, st.none() | contexts)


def can_be_written(pipeline: tuple[Stage, ...], *, most: int) -> bool:
    """Tell whether at most so many stages would be read as part of the one before; a range can set one apart."""
    return sum(swallows(*pair) for pair in pairwise(pipeline)) <= most


# -- metric queries ---------------------------------------------------------------------------------------------------

groupings = st.builds(Grouping, st.sampled_from(GroupingMode), tuples_of(names))
UNWRAPPED_BY_CHOICE = (RangeOperator.RATE, RangeOperator.ABSENT)
NEVER_UNWRAPPED = (RangeOperator.COUNT, RangeOperator.BYTES, RangeOperator.BYTES_RATE)
NEVER_GROUPED = (*UNWRAPPED_BY_CHOICE, *NEVER_UNWRAPPED, RangeOperator.SUM, RangeOperator.RATE_COUNTER)


def log_ranges(operator: RangeOperator, chosen: st.SearchStrategy[Selector]) -> st.SearchStrategy[LogRange]:
    """Make the ranges that suit an operator."""
    plain = tuples_of(stages())
    unwraps = st.builds(Unwrap, names, st.sampled_from(UnwrapConversion))
    unwrapped = st.builds(
        lambda before, unwrap, after: (*before, unwrap, *after), plain, unwraps, tuples_of(label_filters, most=2)
    )
    suiting = {
        **dict.fromkeys(NEVER_UNWRAPPED, plain),
        **dict.fromkeys(UNWRAPPED_BY_CHOICE, st.one_of(plain, unwrapped)),
    }.get(operator, unwrapped)
    return st.builds(LogRange, chosen, suiting.filter(partial(can_be_written, most=1)), ranges, durations)


@st.composite
def range_aggregations(draw: st.DrawFn, chosen: st.SearchStrategy[Selector]) -> RangeAggregation:
    """Make range aggregations whose parts suit their operators."""
    operator = draw(st.sampled_from(RangeOperator))
    return RangeAggregation(
        operator,
        draw(log_ranges(operator, chosen)),
        draw(unsigned) if operator is RangeOperator.QUANTILE else None,
        None if operator in NEVER_GROUPED else draw(st.none() | groupings),
    )


@st.composite
def vector_aggregations(draw: st.DrawFn, operands: st.SearchStrategy[MetricExpression]) -> VectorAggregation:
    """Make vector aggregations whose parts suit their operators."""
    operator = draw(st.sampled_from(VectorOperator))
    choosing = (VectorOperator.TOP, VectorOperator.BOTTOM, VectorOperator.APPROXIMATE_TOP)
    ungrouped = (VectorOperator.SORT, VectorOperator.SORT_DESCENDING, VectorOperator.APPROXIMATE_TOP)
    return VectorAggregation(
        operator,
        draw(operands.filter(lambda operand: not isinstance(operand, NumberLiteral))),
        draw(st.integers(1, 999_999_999)) if operator in choosing else None,
        None if operator in ungrouped else draw(st.none() | groupings),
    )


@st.composite
def vector_matchings(draw: st.DrawFn, operator: BinaryOperator) -> VectorMatching:
    """Make vector matchings; set operators match many to many anyway and take no side."""
    many = None if operator.is_set_operator else draw(st.none() | st.sampled_from(ManySide))
    include = () if many is None else draw(tuples_of(names))
    return VectorMatching(draw(st.sampled_from(MatchingMode)), draw(tuples_of(names)), many, include)


@st.composite
def binary_operations(draw: st.DrawFn, operands: st.SearchStrategy[MetricExpression]) -> BinaryOperation:
    """Make operations of which at most one operand is a number, and none for a set operator."""
    operator = draw(st.sampled_from(BinaryOperator))
    vectors = operands.filter(lambda operand: not isinstance(operand, NumberLiteral))
    left = draw(vectors if operator.is_set_operator else operands)
    right = draw(vectors if operator.is_set_operator or isinstance(left, NumberLiteral) else operands)
    return BinaryOperation(
        operator,
        left,
        right,
        operator.is_comparison and draw(st.booleans()),
        draw(st.none() | vector_matchings(operator)),
    )


def metric_expressions(chosen: st.SearchStrategy[Selector] = selectors) -> st.SearchStrategy[MetricExpression]:
    """Make metric expressions of every kind, nested some levels deep."""
    leaves: st.SearchStrategy[MetricExpression] = st.one_of(
        st.builds(NumberLiteral, st.floats()), st.builds(VectorLiteral, unsigned), range_aggregations(chosen)
    )

    def nested(parts: st.SearchStrategy[MetricExpression]) -> st.SearchStrategy[MetricExpression]:
        vectors = parts.filter(lambda part: not isinstance(part, NumberLiteral))
        return st.one_of(
            vector_aggregations(parts),
            binary_operations(parts),
            st.builds(LabelReplace, vectors, texts, texts, texts, regular_expressions),
        )

    return st.recursive(leaves, nested, max_leaves=4)


def queries(chosen: st.SearchStrategy[Selector] = selectors) -> st.SearchStrategy[Query]:
    """Make queries of both kinds."""
    return st.one_of(log_queries(chosen), metric_expressions(chosen))
