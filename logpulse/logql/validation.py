"""The rules of LogQL beyond its grammar. Each error points at the token that breaks the rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from lark import Token

from logpulse.errors import LimitExceededError, LogPulseError, QuerySyntaxError
from logpulse.limits import QUERY_DEPTH, QUERY_STAGES
from logpulse.logql.ast_ending import Context, Dedup
from logpulse.logql.ast_label_filter import LabelFilter
from logpulse.logql.ast_log import IpOperand, LineFilterOperator, Selector, Stage, TextOperand
from logpulse.logql.ast_metric import (
    BinaryOperator,
    Grouping,
    MetricExpression,
    NumberLiteral,
    RangeOperator,
    VectorOperator,
)
from logpulse.logql.ast_stages import LabelRename, LabelTemplate, Unwrap
from logpulse.logql.capture_pattern import parse_filter_pattern
from logpulse.logql.hints import hint_for_literal
from logpulse.logql.position import Placed, error_at, locate
from logpulse.model.labels import is_label_name
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.model.pattern import PatternError, compile_anchored, compile_pattern

# Of a regular expression that RE2 accepts: what may hold a parenthesis that opens no group, and the named groups.
_NAMED_GROUP: Final = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?P?<(?P<name>[^>]*)>", re.DOTALL
)

_NEVER_UNWRAPPED: Final = frozenset({RangeOperator.COUNT, RangeOperator.BYTES, RangeOperator.BYTES_RATE})
_MAYBE_UNWRAPPED: Final = frozenset({RangeOperator.RATE, RangeOperator.ABSENT})
_GROUPED_RANGES: Final = frozenset(
    {
        RangeOperator.AVERAGE,
        RangeOperator.MINIMUM,
        RangeOperator.MAXIMUM,
        RangeOperator.FIRST,
        RangeOperator.LAST,
        RangeOperator.STANDARD_DEVIATION,
        RangeOperator.VARIANCE,
        RangeOperator.QUANTILE,
    }
)
_WITH_IP: Final = frozenset({LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS})
_ERROR_LABEL: Final = "__error__"
_CHOOSING: Final = frozenset({VectorOperator.TOP, VectorOperator.BOTTOM, VectorOperator.APPROXIMATE_TOP})
_UNGROUPED_VECTORS: Final = frozenset(
    {VectorOperator.SORT, VectorOperator.SORT_DESCENDING, VectorOperator.APPROXIMATE_TOP}
)

# -- selectors --------------------------------------------------------------------------------------------------------


def require_selective(selector: Selector, text: str) -> None:
    """Make sure that a selector of the query `text` cannot choose every stream by mistake, by Loki's rule and words.

    Raises:
        QuerySyntaxError: no `=` or `=~` matcher refuses the empty value.
    """
    if not any(map(_is_selective, selector.matchers)):
        raise QuerySyntaxError(
            "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
            'For instance, app=~".*" does not meet this requirement, but app=~".+" will',
            locate(text, selector.offset, selector.length),
            hint='name a label with a value, such as {service="api"}, or write {service=~".+"} for all that have one',
        )


def _is_selective(matcher: Matcher) -> bool:
    if matcher.operator is MatchOperator.EQUAL:
        return matcher.value != ""
    return matcher.operator is MatchOperator.REGEX and not compile_anchored(matcher.value)("")


# -- what literals hold -----------------------------------------------------------------------------------------------


def check_literal(read: Callable[[str], object], value: str, literal: Token) -> None:
    """Let `read` judge the text `value` of a string literal.

    Raises:
        QuerySyntaxError: `read` refuses it; the error points at the literal.
    """
    try:
        read(value)
    except LogPulseError as error:
        raise error_at(literal, str(error), hint=hint_for_literal(error)) from None


def read_capture_names(pattern: str) -> tuple[str, ...]:
    """Give the names of a regular expression's named groups, in order.

    Raises:
        PatternError: RE2 refuses the expression, it names no group, a name twice, or one that no label can have.
    """
    compile_pattern(pattern)
    names = tuple(match["name"] for match in _NAMED_GROUP.finditer(pattern) if match["name"] is not None)
    if not names:
        raise PatternError(pattern, "at least one named group such as `(?P<ip>…)` is needed")
    for position, name in enumerate(names):
        if not is_label_name(name):
            raise PatternError(pattern, f"`{name}` cannot name a label")
        if name in names[:position]:
            raise PatternError(pattern, f"the group `{name}` occurs twice")
    return names


def check_line_operand(operator: LineFilterOperator, operand: Placed[TextOperand | IpOperand]) -> None:
    """Check that what a line filter looks for suits its operator.

    Raises:
        QuerySyntaxError: a regular expression or a pattern is malformed, or `ip` stands after another operator than
            `|=` and `!=`.
    """
    if isinstance(operand.node, IpOperand):
        if operator not in _WITH_IP:
            raise error_at(operand.token, f"`ip` goes with `|=` and `!=`, not with `{operator.value}`")
    elif operator in (LineFilterOperator.MATCHES, LineFilterOperator.NOT_MATCHES):
        check_literal(compile_pattern, operand.node.value, operand.token)
    elif operator not in _WITH_IP:
        check_literal(parse_filter_pattern, operand.node.value, operand.token)


def check_assignments(assignments: Sequence[Placed[LabelRename | LabelTemplate]]) -> None:
    """Check the names that a `label_format` sets.

    Raises:
        QuerySyntaxError: a name is set twice, or is `__error__`.
    """
    seen = set[str]()
    for assignment in assignments:
        name = assignment.node.name
        if name in seen:
            raise error_at(
                assignment.token,
                f"`label_format` sets `{name}` twice",
                hint="put the second one in a `| label_format` of its own",
            )
        if name == _ERROR_LABEL:
            raise error_at(
                assignment.token, f"`{_ERROR_LABEL}` cannot be set", hint=f"remove it with `| drop {_ERROR_LABEL}`"
            )
        seen.add(name)


# -- pipelines --------------------------------------------------------------------------------------------------------


def check_pipeline(stages: Sequence[Placed[Stage | Dedup | Context]]) -> None:
    """Check the number and the order of a pipeline's stages.

    Raises:
        LimitExceededError: there are more than QUERY_STAGES.
        QuerySyntaxError: something else than a label filter follows `unwrap`.
    """
    if len(stages) > QUERY_STAGES:
        raise LimitExceededError("stages of one pipeline", QUERY_STAGES, len(stages))
    unwrapped = False
    for stage in stages:
        if unwrapped and not isinstance(stage.node, LabelFilter):
            raise error_at(stage.token, "only label filters may follow `unwrap`", hint="move this before `| unwrap`")
        unwrapped = unwrapped or isinstance(stage.node, Unwrap)


def refuse_unwrap(stages: Sequence[Placed[Stage | Dedup | Context]]) -> None:
    """Keep `unwrap` out of log queries.

    Raises:
        QuerySyntaxError: a stage is an `unwrap`.
    """
    for stage in stages:
        if isinstance(stage.node, Unwrap):
            raise error_at(
                stage.token,
                "`unwrap` makes samples, and this is a log query",
                hint="put it in a range aggregation: sum_over_time({…} | unwrap value [5m])",
            )


# -- metric expressions ------------------------------------------------------------------------------------------------


def check_range_aggregation(
    keyword: Token,
    operator: RangeOperator,
    parameter: Token | None,
    stages: Sequence[Stage],
    grouping: Placed[Grouping] | None,
) -> None:
    """Check that the parts of a range aggregation suit its operator.

    Raises:
        QuerySyntaxError: `unwrap` or the parameter is missing or out of place, or the operator takes no grouping.
    """
    name = operator.value
    unwrapped = any(isinstance(stage, Unwrap) for stage in stages)
    if unwrapped and operator in _NEVER_UNWRAPPED:
        raise error_at(keyword, f"`{name}` takes no `unwrap`", hint="remove `| unwrap`, or sum with `sum_over_time`")
    if not unwrapped and operator not in _NEVER_UNWRAPPED | _MAYBE_UNWRAPPED:
        raise error_at(keyword, f"`{name}` needs `unwrap`", hint="say which label's value to take: `| unwrap duration`")
    if operator is RangeOperator.QUANTILE and parameter is None:
        raise error_at(keyword, f"`{name}` needs a parameter", hint=f"put the quantile first: {name}(0.95, …)")
    if operator is not RangeOperator.QUANTILE and parameter is not None:
        raise error_at(parameter, f"`{name}` takes no parameter")
    if grouping is not None and operator not in _GROUPED_RANGES:
        raise error_at(
            grouping.token,
            f"grouping is not allowed for `{name}`",
            hint=f"group around it: sum {grouping.node} ({name}(…))",
        )


def check_vector_aggregation(
    keyword: Token,
    operator: VectorOperator,
    parameter: Token | None,
    operand: Placed[MetricExpression],
    grouping: Placed[Grouping] | None,
) -> None:
    """Check that the parts of a vector aggregation suit its operator.

    Raises:
        QuerySyntaxError: the operand is a number, the parameter is missing, out of place or no positive integer, or
            the operator takes no grouping.
    """
    name = operator.value
    require_vector(name, operand)
    if operator in _CHOOSING:
        if parameter is None:
            raise error_at(keyword, f"`{name}` needs a parameter", hint=f"say how many series: {name}(10, …)")
        if not parameter.isdecimal() or len(parameter) > 9 or int(parameter) == 0:
            raise error_at(parameter, f"`{name}` needs a positive integer, got {parameter}")
    elif parameter is not None:
        raise error_at(parameter, f"`{name}` takes no parameter")
    if grouping is not None and operator in _UNGROUPED_VECTORS:
        raise error_at(grouping.token, f"grouping is not allowed for `{name}`")


def require_vector(name: str, operand: Placed[MetricExpression]) -> None:
    """Make sure that the operand of `name` is no bare number.

    Raises:
        QuerySyntaxError: it is.
    """
    if isinstance(operand.node, NumberLiteral):
        raise error_at(
            operand.token,
            f"`{name}` works on vectors, and this is the number {operand.node}",
            hint=f"write vector({operand.node}) if that is meant",
        )


def check_set_operand(operator: BinaryOperator, operand: Placed[MetricExpression]) -> None:
    """Make sure that an operand of `and`, `or` or `unless` is no number.

    Raises:
        QuerySyntaxError: it is.
    """
    if isinstance(operand.node, NumberLiteral):
        raise error_at(
            operand.token,
            f"`{operator.value}` combines vectors, and this is the number {operand.node}",
            hint=f"write vector({operand.node}), or compare with `==` or `>`",
        )


def nest(*heights: int) -> int:
    """Give the height of a node whose parts have `heights`.

    Raises:
        LimitExceededError: the query nests deeper than QUERY_DEPTH.
    """
    height = 1 + max(heights)
    if height > QUERY_DEPTH:
        raise LimitExceededError("levels of parentheses and operators in a query", QUERY_DEPTH, height)
    return height
