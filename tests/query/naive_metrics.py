"""Metric queries by plain Python: one point and one series after the other, as the language is described."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import attrs

from logpulse.logql.arithmetic import fold
from logpulse.logql.ast import (
    BinaryOperation,
    BinaryOperator,
    Grouping,
    GroupingMode,
    LabelReplace,
    ManySide,
    MatchingMode,
    MetricExpression,
    NumberLiteral,
    RangeAggregation,
    RangeOperator,
    Unwrap,
    VectorAggregation,
    VectorLiteral,
    VectorMatching,
    VectorOperator,
)
from logpulse.model.matcher import MatchOperator

LabelSet = tuple[tuple[str, str], ...]
Vector = list[tuple[LabelSet, float]]
"""The series that have a point at some time, with its value."""


@attrs.frozen
class Sample:
    """Be what a pipeline leaves of one entry: its labels, the length of its line, and what `unwrap` finds in it."""

    labels: LabelSet
    timestamp: int
    length: int
    value: float


class AmbiguousError(Exception):
    """Tell that a query has no answer because two series cannot be told apart."""


def evaluate(
    node: MetricExpression, time: int, samples: Callable[[RangeAggregation], Sequence[Sample]]
) -> Vector | float:
    """Give the answer at one time (unix nanoseconds); `samples` are those of the selector and pipeline, of any time.

    Raises:
        AmbiguousError: two series meet where one is needed.
    """
    result = _value(node, time, samples)
    if not isinstance(result, float):
        _require_distinct(_clean(labels) for labels, _ in result)
        return [(_clean(labels), value) for labels, value in result]
    return result


def _value(
    node: MetricExpression, time: int, samples: Callable[[RangeAggregation], Sequence[Sample]]
) -> Vector | float:
    if isinstance(node, NumberLiteral):
        return node.value
    if isinstance(node, VectorLiteral):
        return [((), node.value)]
    if isinstance(node, RangeAggregation):
        return _range_aggregation(node, time, samples(node))
    if isinstance(node, BinaryOperation):
        return _binary(node, _value(node.left, time, samples), _value(node.right, time, samples))
    operand = _value(node.operand, time, samples)
    assert not isinstance(operand, float)
    if isinstance(node, LabelReplace):
        return [(_label_replaced(node, labels), value) for labels, value in operand]
    return _vector_aggregation(node, operand)


# -- labels -----------------------------------------------------------------------------------------------------------


def _clean(labels: LabelSet) -> LabelSet:
    return tuple(sorted(pair for pair in labels if pair[1] != ""))


def _grouped(labels: LabelSet, grouping: Grouping | None) -> LabelSet:
    if grouping is None:
        return ()
    by = grouping.mode is GroupingMode.BY
    return _clean(tuple(pair for pair in labels if (pair[0] in grouping.labels) == by))


def _signature(labels: LabelSet, matching: VectorMatching | None) -> LabelSet:
    if matching is None:
        return _clean(labels)
    on = matching.mode is MatchingMode.ON
    return _clean(tuple(pair for pair in labels if (pair[0] in matching.labels) == on))


def _require_distinct(labels: Iterable[LabelSet]) -> None:
    found = list(labels)
    if len(set(found)) < len(found):
        raise AmbiguousError


def _label_replaced(node: LabelReplace, labels: LabelSet) -> LabelSet:
    match = re.fullmatch(node.pattern, dict(labels).get(node.source, ""), re.ASCII)
    if match is None:
        return labels
    text = re.sub(r"\$(\d)|\$\{(\d)\}", lambda ref: match[int(ref[1] or ref[2])] or "", node.replacement)
    return _clean((*((name, value) for name, value in labels if name != node.destination), (node.destination, text)))


# -- ranges -----------------------------------------------------------------------------------------------------------


def _range_aggregation(node: RangeAggregation, time: int, samples: Sequence[Sample]) -> Vector:
    end = time - node.log_range.offset_ns
    start = end - node.log_range.range_ns
    series: dict[LabelSet, list[tuple[int, float]]] = {}
    for sample in samples:
        if start < sample.timestamp <= end:
            labels = sample.labels if node.grouping is None else _grouped(sample.labels, node.grouping)
            series.setdefault(_clean(labels), []).append((sample.timestamp, _sample_value(node, sample)))
    if node.operator is RangeOperator.ABSENT:
        return [] if series else [(_absent_labels(node), 1.0)]
    return [
        (labels, _window(node, sorted(points, key=lambda point: point[0]), start, end))
        for labels, points in series.items()
    ]


def _sample_value(node: RangeAggregation, sample: Sample) -> float:
    if any(isinstance(stage, Unwrap) for stage in node.log_range.stages):
        return sample.value
    return sample.length if node.operator in (RangeOperator.BYTES, RangeOperator.BYTES_RATE) else 1.0


def _absent_labels(node: RangeAggregation) -> LabelSet:
    matchers = node.log_range.selector.matchers
    names = [matcher.name for matcher in matchers]
    equal = [matcher for matcher in matchers if matcher.operator is MatchOperator.EQUAL]
    return _clean(tuple((each.name, each.value) for each in equal if names.count(each.name) == 1))


def _window(node: RangeAggregation, points: list[tuple[int, float]], start: int, end: int) -> float:
    values = [value for _, value in points]
    seconds = node.log_range.range_ns / 1e9
    match node.operator:
        case RangeOperator.COUNT:
            return float(len(values))
        case RangeOperator.SUM | RangeOperator.BYTES:
            return _sum(values)
        case RangeOperator.RATE | RangeOperator.BYTES_RATE:
            return _sum(values) / seconds
        case RangeOperator.AVERAGE:
            return _sum(values) / len(values)
        case RangeOperator.MINIMUM:
            return _extreme(min, values)
        case RangeOperator.MAXIMUM:
            return _extreme(max, values)
        case RangeOperator.FIRST:
            return values[0]
        case RangeOperator.LAST:
            return values[-1]
        case RangeOperator.VARIANCE:
            return _variance(values)
        case RangeOperator.STANDARD_DEVIATION:
            return math.sqrt(_variance(values))
        case RangeOperator.QUANTILE:
            assert node.parameter is not None
            return _quantile(values, node.parameter)
        case _:
            return _counter_rate(points, start, end)


def _sum(values: Iterable[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def _extreme(choose: Callable[[list[float]], float], values: list[float]) -> float:
    numbers = [value for value in values if not math.isnan(value)]
    return choose(numbers) if numbers else math.nan


def _variance(values: list[float]) -> float:
    if not all(map(math.isfinite, values)):
        return math.nan
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / len(values)


def _quantile(values: list[float], quantile: float) -> float:
    if quantile > 1:
        return math.inf
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = quantile * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - (rank - below)) + ordered[above] * (rank - below)


def _counter_rate(points: list[tuple[int, float]], start: int, end: int) -> float:
    if len(points) < 2:
        return 0.0
    times, values = [time for time, _ in points], [value for _, value in points]
    growth = values[-1] - values[0]
    for before, after in pairwise(values):
        if after < before:
            growth += before
    covered = (times[-1] - times[0]) / 1e9
    if covered == 0:
        return math.nan
    distance = covered / (len(points) - 1)
    to_start, to_end = (times[0] - start) / 1e9, (end - times[-1]) / 1e9
    if growth > 0 and values[0] >= 0:
        to_start = min(to_start, covered * (values[0] / growth))
    extended = covered
    for gap in (to_start, to_end):
        extended += gap if gap < distance * 1.1 else distance / 2
    return growth * (extended / covered) / ((end - start) / 1e9)


# -- vectors ----------------------------------------------------------------------------------------------------------


def _vector_aggregation(node: VectorAggregation, operand: Vector) -> Vector:
    if node.operator in (VectorOperator.SORT, VectorOperator.SORT_DESCENDING):
        return _by_value(operand, descending=node.operator is VectorOperator.SORT_DESCENDING)
    groups: dict[LabelSet, Vector] = {}
    for labels, value in operand:
        groups.setdefault(_grouped(labels, node.grouping), []).append((labels, value))
    if node.operator in (VectorOperator.TOP, VectorOperator.BOTTOM, VectorOperator.APPROXIMATE_TOP):
        descending = node.operator is not VectorOperator.BOTTOM
        return [each for group in groups.values() for each in _by_value(group, descending=descending)[: node.parameter]]
    return [(labels, _group(node.operator, [value for _, value in group])) for labels, group in groups.items()]


def _by_value(vector: Vector, *, descending: bool) -> Vector:
    sign = -1 if descending else 1
    return sorted(sorted(vector), key=lambda each: (math.isnan(each[1]), sign * each[1]))


def _group(operator: VectorOperator, values: list[float]) -> float:
    match operator:
        case VectorOperator.SUM:
            return _sum(values)
        case VectorOperator.AVERAGE:
            return _sum(values) / len(values)
        case VectorOperator.MINIMUM:
            return _extreme(min, values)
        case VectorOperator.MAXIMUM:
            return _extreme(max, values)
        case VectorOperator.COUNT:
            return float(len(values))
    variance = 0.0 if len(values) == 1 else _variance(values)
    return variance if operator is VectorOperator.VARIANCE else math.sqrt(variance)


def _binary(node: BinaryOperation, left: Vector | float, right: Vector | float) -> Vector | float:
    if isinstance(left, float):
        assert not isinstance(right, float)
        pairs = [(labels, left, value, value) for labels, value in right]
    elif isinstance(right, float):
        pairs = [(labels, value, right, value) for labels, value in left]
    elif node.operator.is_set_operator:
        return _set(node, left, right)
    else:
        pairs = [(labels, one, other, one) for labels, one, other in _matches(node, left, right)]
    if node.operator.is_comparison and not node.return_bool:
        return [(labels, kept) for labels, one, other, kept in pairs if fold(node.operator, one, other)]
    return [(labels, fold(node.operator, one, other)) for labels, one, other, _ in pairs]


def _set(node: BinaryOperation, left: Vector, right: Vector) -> Vector:
    in_left = {_signature(labels, node.matching) for labels, _ in left}
    in_right = {_signature(labels, node.matching) for labels, _ in right}
    match node.operator:
        case BinaryOperator.AND:
            return [each for each in left if _signature(each[0], node.matching) in in_right]
        case BinaryOperator.UNLESS:
            return [each for each in left if _signature(each[0], node.matching) not in in_right]
        case _:
            return left + [each for each in right if _signature(each[0], node.matching) not in in_left]


def _matches(node: BinaryOperation, left: Vector, right: Vector) -> list[tuple[LabelSet, float, float]]:
    """Give the labels of each result and the values to its left and right."""
    matching = node.matching
    many = None if matching is None else matching.many
    several, single = (right, left) if many is ManySide.RIGHT else (left, right)
    _require_distinct(_signature(labels, matching) for labels, _ in single)
    partners = {_signature(labels, matching): (labels, value) for labels, value in single}
    found = []
    for labels, value in several:
        sign = _signature(labels, matching)
        if sign in partners:
            one_labels, one_value = partners[sign]
            pair = (one_value, value) if many is ManySide.RIGHT else (value, one_value)
            result = sign if matching is None or many is None else _including(labels, matching.include, one_labels)
            found.append((result, *pair))
    _require_distinct(labels for labels, _, _ in found)
    return found


def _including(labels: LabelSet, include: Sequence[str], single: LabelSet) -> LabelSet:
    result = dict(labels)
    for name in include:
        result[name] = dict(single).get(name, "")
    return _clean(tuple(result.items()))
