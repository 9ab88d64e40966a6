"""Metric queries over few labels and short times, so that series meet, and samples in and around their windows.

Sample values are multiples of 1/8 and ranges powers of two seconds: sums and rates are exact in any order of adding, so
that comparisons of them come out the same whoever evaluates.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from logpulse.batch import Int64Array
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import (
    BinaryOperation,
    BinaryOperator,
    Grouping,
    GroupingMode,
    LabelReplace,
    LogRange,
    ManySide,
    MatchingMode,
    MetricExpression,
    NumberLiteral,
    RangeAggregation,
    RangeOperator,
    Selector,
    Stage,
    Unwrap,
    VectorAggregation,
    VectorLiteral,
    VectorMatching,
    VectorOperator,
)
from logpulse.model.matcher import Matcher, MatchOperator

from ..logql.strategies import NEVER_GROUPED, NEVER_UNWRAPPED, UNWRAPPED_BY_CHOICE
from ..strategies import NOON
from .naive_metrics import LabelSet, Sample

SOURCES = ("one", "two")
"""What stands for the streams of a selector: `{app="one"}` and `{app="two"}` have samples of their own."""

_names = st.sampled_from(["a", "b", "c"])
_few_names = st.lists(_names, max_size=2, unique=True).map(tuple)
values = st.one_of(
    st.integers(-40, 40).map(lambda number: number / 8),
    st.integers(0, 3).map(float),
    st.integers(0, 3).map(float),
    st.sampled_from([np.inf, -np.inf, np.nan]),
)
label_sets: st.SearchStrategy[LabelSet] = st.dictionaries(_names, st.sampled_from(["x", "y", "xy"]), max_size=3).map(
    lambda labels: tuple(sorted(labels.items()))
)
_moments = st.integers(-20 * 4, 10 * 4).map(lambda quarter: NOON + quarter * (SECOND_NS // 4))


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """Draw samples of a few series."""
    series = draw(st.lists(label_sets, min_size=1, max_size=5, unique=True))
    found = st.builds(Sample, st.sampled_from(series), _moments, st.integers(0, 300), values)
    return draw(st.lists(found, max_size=25))


@st.composite
def counters(draw: st.DrawFn) -> list[Sample]:
    """Draw samples of one counter that is read every quarter of a second or less often, and at times reset."""
    readings = draw(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0, 1, 1, 5, None])), max_size=25))
    time, value, found = NOON - 8 * SECOND_NS, float(draw(st.integers(-2, 20))), []
    for quarters, growth in readings:
        time += quarters * SECOND_NS // 4
        value = 1.0 if growth is None else value + growth
        found.append(Sample((("a", "x"),), time, 1, value))
    return found


sources = st.fixed_dictionaries({name: samples() for name in SOURCES})
times: st.SearchStrategy[Int64Array] = st.builds(
    lambda number, step: NOON + step * SECOND_NS // 2 * np.arange(number, dtype=np.int64),
    st.integers(1, 6),
    st.integers(1, 6),
)

groupings = st.builds(Grouping, st.sampled_from(GroupingMode), _few_names)


def range_aggregations() -> st.SearchStrategy[RangeAggregation]:
    """Make range aggregations by any operator."""
    return st.sampled_from(RangeOperator).flatmap(range_aggregations_by)


@st.composite
def range_aggregations_by(draw: st.DrawFn, operator: RangeOperator) -> RangeAggregation:
    """Draw range aggregations by one operator over either of the sources."""
    unwrapped = operator not in NEVER_UNWRAPPED and (operator not in UNWRAPPED_BY_CHOICE or draw(st.booleans()))
    stages: tuple[Stage, ...] = (Unwrap("v"),) if unwrapped else ()
    selector = Selector((Matcher("app", MatchOperator.EQUAL, draw(st.sampled_from(SOURCES))),))
    length = draw(st.sampled_from([1, 2, 4, 8])) * SECOND_NS
    offset = draw(st.sampled_from([0, 0, 1, 2, 5, -2])) * SECOND_NS // 2
    quantile = draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0, 1.5])) if operator is RangeOperator.QUANTILE else None
    grouping = None if operator in NEVER_GROUPED else draw(st.none() | groupings)
    return RangeAggregation(operator, LogRange(selector, stages, length, offset), quantile, grouping)


def vector_aggregations(
    operands: st.SearchStrategy[MetricExpression],
) -> st.SearchStrategy[VectorAggregation]:
    """Make vector aggregations of any operator; `approx_topk` answers instant queries only."""
    operators = [each for each in VectorOperator if each is not VectorOperator.APPROXIMATE_TOP]
    return st.sampled_from(operators).flatmap(lambda operator: vector_aggregations_by(operator, operands))


@st.composite
def vector_aggregations_by(
    draw: st.DrawFn, operator: VectorOperator, operands: st.SearchStrategy[MetricExpression]
) -> VectorAggregation:
    """Draw vector aggregations by one operator."""
    count = draw(st.integers(1, 3)) if operator in (VectorOperator.TOP, VectorOperator.BOTTOM) else None
    ungrouped = operator in (VectorOperator.SORT, VectorOperator.SORT_DESCENDING)
    return VectorAggregation(operator, draw(operands), count, None if ungrouped else draw(st.none() | groupings))


def binary_operations(operands: st.SearchStrategy[MetricExpression]) -> st.SearchStrategy[BinaryOperation]:
    """Make operations of vectors, or of a vector and a number, by any operator but the power, which rounds."""
    operators = [each for each in BinaryOperator if each is not BinaryOperator.POWER]
    return st.sampled_from(operators).flatmap(lambda operator: binary_operations_by(operator, operands))


@st.composite
def binary_operations_by(
    draw: st.DrawFn, operator: BinaryOperator, operands: st.SearchStrategy[MetricExpression]
) -> BinaryOperation:
    """Draw operations by one operator."""
    left, right = draw(operands), draw(operands)
    if not operator.is_set_operator:
        number = st.builds(NumberLiteral, values)
        side = draw(st.sampled_from(["neither", "neither", "left", "right"]))
        left = draw(number) if side == "left" else left
        right = draw(number) if side == "right" else right
    many = None if operator.is_set_operator else draw(st.none() | st.sampled_from(ManySide))
    include = () if many is None else draw(_few_names)
    matchings = st.builds(VectorMatching, st.sampled_from(MatchingMode), _few_names, st.just(many), st.just(include))
    matching = draw(matchings) if many else draw(st.none() | matchings)
    return BinaryOperation(operator, left, right, operator.is_comparison and draw(st.booleans()), matching)


def label_replacements(operands: st.SearchStrategy[MetricExpression]) -> st.SearchStrategy[LabelReplace]:
    """Make label replacements that move, remove, join and keep labels."""
    replacements = st.sampled_from(["$1", "${1}${1}", "", "new", "$1-$2"])
    patterns = st.sampled_from(["(.)(.*)", "(x)(y?)", "()()", "(.*)(y)"])
    return st.builds(LabelReplace, operands, _names, replacements, _names, patterns)


def vectors(most: int = 4) -> st.SearchStrategy[MetricExpression]:
    """Make expressions that give vectors, of at most so many leaves."""
    leaves: st.SearchStrategy[MetricExpression] = st.one_of(
        range_aggregations(), range_aggregations(), st.builds(VectorLiteral, st.integers(0, 3).map(float))
    )
    return st.recursive(
        leaves,
        lambda parts: st.one_of(vector_aggregations(parts), binary_operations(parts), label_replacements(parts)),
        max_leaves=most,
    )
