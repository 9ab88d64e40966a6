"""Build the metric half of the syntax tree, and nest chains of operators by precedence."""

from __future__ import annotations

from typing import Final

import attrs
from lark import Token, v_args

from logpulse.logql.arithmetic import fold
from logpulse.logql.ast import LogQuery, Query
from logpulse.logql.ast_ending import Context, Dedup
from logpulse.logql.ast_log import Stage
from logpulse.logql.ast_metric import (
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
    VectorAggregation,
    VectorLiteral,
    VectorMatching,
    VectorOperator,
)
from logpulse.logql.endings import divide_stages, only_stages
from logpulse.logql.lexical import parse_number, parse_query_duration, parse_range, unquote
from logpulse.logql.log_builder import LogBuilder, Pipeline, read_literal
from logpulse.logql.position import Placed
from logpulse.logql.validation import (
    check_literal,
    check_pipeline,
    check_range_aggregation,
    check_set_operand,
    check_vector_aggregation,
    nest,
    refuse_unwrap,
    require_vector,
)
from logpulse.model.pattern import compile_pattern

_PRECEDENCE: Final = {
    BinaryOperator.OR: 1,
    BinaryOperator.AND: 2,
    BinaryOperator.UNLESS: 2,
    BinaryOperator.EQUAL: 3,
    BinaryOperator.NOT_EQUAL: 3,
    BinaryOperator.GREATER: 3,
    BinaryOperator.GREATER_OR_EQUAL: 3,
    BinaryOperator.LESS: 3,
    BinaryOperator.LESS_OR_EQUAL: 3,
    BinaryOperator.ADD: 4,
    BinaryOperator.SUBTRACT: 4,
    BinaryOperator.MULTIPLY: 5,
    BinaryOperator.DIVIDE: 5,
    BinaryOperator.MODULO: 5,
    BinaryOperator.POWER: 6,
}


@attrs.frozen
class Operation:
    """Hold an operator, its modifiers and what stands to its right, before it is known what stands to its left."""

    operator: BinaryOperator
    return_bool: bool
    matching: VectorMatching | None
    right: Placed[MetricExpression]

    def waits_for(self, other: Operation) -> bool:
        """Tell whether `other`, further right, binds tighter than this one."""
        if self.operator is BinaryOperator.POWER:  # the only operator that groups from the right
            return other.operator is BinaryOperator.POWER
        return _PRECEDENCE[other.operator] > _PRECEDENCE[self.operator]


@v_args(inline=True)
class TreeBuilder(LogBuilder):
    """Make nodes of whole queries. It keeps nothing between calls, so one serves every thread."""

    def query(self, parsed: Placed[Pipeline | MetricExpression]) -> Placed[Query]:
        if isinstance(parsed.node, Pipeline):
            refuse_unwrap(parsed.node.stages)
            parts = divide_stages(parsed.node.stages)
            return Placed(LogQuery(parsed.node.selector, parts.stages, parts.dedup, parts.context), parsed.token)
        return Placed(parsed.node, parsed.token, parsed.height)

    # -- aggregations -------------------------------------------------------------------------------------------------

    def log_range(
        self,
        log: Placed[Pipeline],
        bracket: Token,
        _: Token | None,
        offset: Token | None,
        *later: Placed[Stage | Dedup | Context],
    ) -> Placed[LogRange]:
        stages = log.node.stages + later
        check_pipeline(stages)
        node = LogRange(
            log.node.selector,
            only_stages(stages),
            read_literal(parse_range, bracket),
            0 if offset is None else read_literal(parse_query_duration, offset),
        )
        return Placed(node, log.token, max((stage.height for stage in stages), default=1))

    def range_aggregation(
        self, keyword: Token, parameter: Token | None, log_range: Placed[LogRange], grouping: Placed[Grouping] | None
    ) -> Placed[RangeAggregation]:
        operator = RangeOperator(keyword.lower())
        check_range_aggregation(keyword, operator, parameter, log_range.node.stages, grouping)
        quantile = None if parameter is None else read_literal(parse_number, parameter)
        node = RangeAggregation(operator, log_range.node, quantile, None if grouping is None else grouping.node)
        return Placed(node, keyword, nest(log_range.height))

    def vector_aggregation(
        self,
        keyword: Token,
        grouping: Placed[Grouping] | None,
        parameter: Token | None,
        operand: Placed[MetricExpression],
    ) -> Placed[VectorAggregation]:
        operator = VectorOperator(keyword.lower())
        check_vector_aggregation(keyword, operator, parameter, operand, grouping)
        count = None if parameter is None else int(parameter)
        node = VectorAggregation(operator, operand.node, count, None if grouping is None else grouping.node)
        return Placed(node, keyword, nest(operand.height))

    def vector_aggregation_grouped_after(
        self, keyword: Token, parameter: Token | None, operand: Placed[MetricExpression], grouping: Placed[Grouping]
    ) -> Placed[VectorAggregation]:
        return self.vector_aggregation(keyword, grouping, parameter, operand)

    def grouping(self, mode: Token, labels: tuple[str, ...]) -> Placed[Grouping]:
        return Placed(Grouping(GroupingMode(mode.lower()), labels), mode)

    def labels(self, *names: Token | None) -> tuple[str, ...]:
        return tuple(str(name) for name in names if name is not None)

    # -- operators ----------------------------------------------------------------------------------------------------

    def metric_expr(self, first: Placed[MetricExpression], *operations: Operation) -> Placed[MetricExpression]:
        if not operations:
            return first
        operands, waiting = [first], list[Operation]()
        for operation in operations:
            while waiting and not waiting[-1].waits_for(operation):
                _combine_last(operands, waiting.pop())
            operands.append(operation.right)
            waiting.append(operation)
        while waiting:
            _combine_last(operands, waiting.pop())
        return operands[0]

    def operation(self, symbol: Token, modifier: Token | None, right: Placed[MetricExpression]) -> Operation:
        return _operation(symbol, modifier, None, right)

    def matched_operation(
        self,
        symbol: Token,
        modifier: Token | None,
        mode: Token,
        labels: tuple[str, ...],
        right: Placed[MetricExpression],
    ) -> Operation:
        return _operation(symbol, modifier, VectorMatching(MatchingMode(mode.lower()), labels), right)

    def grouped_operation(
        self,
        symbol: Token,
        modifier: Token | None,
        mode: Token,
        labels: tuple[str, ...],
        side: Token,
        right: Placed[MetricExpression],
    ) -> Operation:
        return self.including_operation(symbol, modifier, mode, labels, side, (), right)

    def including_operation(
        self,
        symbol: Token,
        modifier: Token | None,
        mode: Token,
        labels: tuple[str, ...],
        side: Token,
        include: tuple[str, ...],
        right: Placed[MetricExpression],
    ) -> Operation:
        matching = VectorMatching(MatchingMode(mode.lower()), labels, ManySide(side.lower()), include)
        return _operation(symbol, modifier, matching, right)

    # -- functions and literals ---------------------------------------------------------------------------------------

    def label_replace(
        self, keyword: Token, operand: Placed[MetricExpression], *literals: Token
    ) -> Placed[LabelReplace]:
        require_vector("label_replace", operand)
        destination, replacement, source, pattern = (read_literal(unquote, literal) for literal in literals)
        check_literal(compile_pattern, pattern, literals[3])
        node = LabelReplace(operand.node, destination, replacement, source, pattern)
        return Placed(node, keyword, nest(operand.height))

    def vector_literal(self, keyword: Token, digits: Token) -> Placed[VectorLiteral]:
        return Placed(VectorLiteral(read_literal(parse_number, digits)), keyword)


def _operation(
    symbol: Token, modifier: Token | None, matching: VectorMatching | None, right: Placed[MetricExpression]
) -> Operation:
    """Put an operation together, without the modifiers that its operator ignores, as Loki does."""
    operator = BinaryOperator(symbol.lower())
    if operator.is_set_operator and matching is not None:
        matching = VectorMatching(matching.mode, matching.labels)
    return Operation(operator, modifier is not None and operator.is_comparison, matching, right)


def _combine_last(operands: list[Placed[MetricExpression]], operation: Operation) -> None:
    right = operands.pop()
    left = operands.pop()
    operands.append(_combine(left, operation, right))


def _combine(
    left: Placed[MetricExpression], operation: Operation, right: Placed[MetricExpression]
) -> Placed[MetricExpression]:
    operator = operation.operator
    if operator.is_set_operator:
        check_set_operand(operator, left)
        check_set_operand(operator, right)
    if isinstance(left.node, NumberLiteral) and isinstance(right.node, NumberLiteral):
        return Placed(NumberLiteral(fold(operator, left.node.value, right.node.value)), left.token)
    node = BinaryOperation(operator, left.node, right.node, operation.return_bool, operation.matching)
    return Placed(node, left.token, nest(left.height, right.height))
