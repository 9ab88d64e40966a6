"""Build the log half of the syntax tree: the parser calls the method named like a rule as soon as it has read one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import attrs
from lark import Token, Transformer, v_args

from logpulse.logql.ast_ending import Context, Dedup
from logpulse.logql.ast_label_filter import (
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
from logpulse.logql.ast_log import IpOperand, LineFilter, LineFilterOperator, Selector, Stage, TextOperand
from logpulse.logql.ast_metric import NumberLiteral
from logpulse.logql.ast_stages import (
    Decolorize,
    DropLabels,
    Extraction,
    JsonParser,
    KeepLabels,
    LabelFormat,
    LabelRename,
    LabelTemplate,
    LineFormat,
    LogfmtParser,
    PatternParser,
    RegexpParser,
    UnpackParser,
    Unwrap,
    UnwrapConversion,
)
from logpulse.logql.capture_pattern import parse_parser_pattern
from logpulse.logql.endings import ContextBound, make_context, make_dedup
from logpulse.logql.ip_range import parse_ip_range
from logpulse.logql.json_path import parse_json_path
from logpulse.logql.lexical import LiteralError, parse_number, parse_query_bytes, parse_query_duration, unquote
from logpulse.logql.position import Placed, error_at
from logpulse.logql.template_parser import parse_template
from logpulse.logql.validation import (
    check_assignments,
    check_line_operand,
    check_literal,
    check_pipeline,
    nest,
    read_capture_names,
)
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.model.pattern import compile_pattern

_STRICT: Final = "--strict"
_KEEP_EMPTY: Final = "--keep-empty"
_Value = TypeVar("_Value")


@attrs.frozen
class Pipeline:
    """Hold a selector and its stages before it is known whether a range follows."""

    selector: Selector
    stages: tuple[Placed[Stage | Dedup | Context], ...]


@v_args(inline=True)
class LogBuilder(Transformer[Token, object]):
    """Make nodes of selectors and stages. It keeps nothing between calls, so one serves every thread."""

    # -- selectors and pipelines --------------------------------------------------------------------------------------

    def log_pipeline(self, selector: Placed[Selector], *stages: Placed[Stage | Dedup | Context]) -> Placed[Pipeline]:
        check_pipeline(stages)
        return Placed(Pipeline(selector.node, stages), selector.token)

    def selector(self, opening: Token, *rest: Matcher | Token | None) -> Placed[Selector]:
        matchers = tuple(part for part in rest if isinstance(part, Matcher))
        offset = opening.start_pos or 0
        closing = rest[-1]
        end = closing.end_pos if isinstance(closing, Token) else None
        return Placed(Selector(matchers, offset=offset, length=(end or offset) - offset), opening)

    def matcher(self, name: Token, operator: Token, literal: Token) -> Matcher:
        matcher = Matcher(str(name), MatchOperator(operator), read_literal(unquote, literal))
        if matcher.operator in (MatchOperator.REGEX, MatchOperator.NOT_REGEX):
            check_literal(compile_pattern, matcher.value, literal)
        return matcher

    # -- line filters -------------------------------------------------------------------------------------------------

    def line_filter(self, symbol: Token, *parts: Placed[TextOperand | IpOperand] | Token) -> Placed[LineFilter]:
        operator = LineFilterOperator(symbol)
        operands = [part for part in parts if isinstance(part, Placed)]
        for operand in operands:
            check_line_operand(operator, operand)
        return Placed(LineFilter(operator, tuple(operand.node for operand in operands)), symbol)

    def text_operand(self, literal: Token) -> Placed[TextOperand]:
        return Placed(TextOperand(read_literal(unquote, literal)), literal)

    def ip_operand(self, keyword: Token, literal: Token) -> Placed[IpOperand]:
        value = read_literal(unquote, literal)
        check_literal(parse_ip_range, value, literal)
        return Placed(IpOperand(value), keyword)

    # -- parsers ------------------------------------------------------------------------------------------------------

    def json(self, keyword: Token, extractions: tuple[Placed[Extraction], ...] | None) -> Placed[JsonParser]:
        for extraction in extractions or ():
            check_literal(parse_json_path, extraction.node.expression, extraction.token)
        return Placed(JsonParser(_nodes(extractions or ())), keyword)

    def logfmt(self, keyword: Token, *rest: Token | tuple[Placed[Extraction], ...] | None) -> Placed[LogfmtParser]:
        flags = {part.lower(): part for part in rest if isinstance(part, Token)}
        for flag, token in flags.items():
            if flag not in (_STRICT, _KEEP_EMPTY):
                raise error_at(token, f"`logfmt` has no flag `{token}`", hint=f"it has `{_STRICT}` and `{_KEEP_EMPTY}`")
        extractions = rest[-1] if isinstance(rest[-1], tuple) else ()
        return Placed(LogfmtParser(_STRICT in flags, _KEEP_EMPTY in flags, _nodes(extractions)), keyword)

    def extractions(self, *extractions: Placed[Extraction]) -> tuple[Placed[Extraction], ...]:
        return extractions

    def extraction(self, name: Token, _: Token | None, literal: Token | None) -> Placed[Extraction]:
        if literal is None:
            return Placed(Extraction(str(name), str(name)), name)
        return Placed(Extraction(str(name), read_literal(unquote, literal)), literal)

    def regexp(self, keyword: Token, literal: Token) -> Placed[RegexpParser]:
        value = read_literal(unquote, literal)
        check_literal(read_capture_names, value, literal)
        return Placed(RegexpParser(value), keyword)

    def pattern(self, keyword: Token, literal: Token) -> Placed[PatternParser]:
        value = read_literal(unquote, literal)
        check_literal(parse_parser_pattern, value, literal)
        return Placed(PatternParser(value), keyword)

    def unpack(self, keyword: Token) -> Placed[UnpackParser]:
        return Placed(UnpackParser(), keyword)

    # -- label filters ------------------------------------------------------------------------------------------------

    def label_filter(self, condition: Placed[Condition]) -> Placed[LabelFilter]:
        return Placed(LabelFilter(condition.node), condition.token, condition.height)

    def any_of(self, *parts: Placed[Condition] | Token) -> Placed[Or]:
        conditions = [part for part in parts if isinstance(part, Placed)]
        return Placed(Or(_nodes(conditions)), conditions[0].token, nest(*(part.height for part in conditions)))

    def all_of(self, *parts: Placed[Condition] | Token) -> Placed[And]:
        conditions = [part for part in parts if isinstance(part, Placed)]
        return Placed(And(_nodes(conditions)), conditions[0].token, nest(*(part.height for part in conditions)))

    def text_comparison(self, name: Token, operator: Token, literal: Token) -> Placed[TextComparison]:
        return Placed(TextComparison(self.matcher(name, operator, literal)), name)

    def number_comparison(self, name: Token, symbol: Token, number: Placed[NumberLiteral]) -> Placed[NumberComparison]:
        return Placed(NumberComparison(str(name), _comparison(symbol), number.node.value), name)

    def duration_comparison(self, name: Token, symbol: Token, literal: Token) -> Placed[DurationComparison]:
        nanoseconds = read_literal(parse_query_duration, literal)
        return Placed(DurationComparison(str(name), _comparison(symbol), nanoseconds), name)

    def bytes_comparison(self, name: Token, symbol: Token, literal: Token) -> Placed[BytesComparison]:
        size = read_literal(parse_query_bytes, literal)
        return Placed(BytesComparison(str(name), _comparison(symbol), size), name)

    def ip_comparison(self, name: Token, symbol: Token, _: Token, literal: Token) -> Placed[IpComparison]:
        value = read_literal(unquote, literal)
        check_literal(parse_ip_range, value, literal)
        return Placed(IpComparison(str(name), MatchOperator(symbol), value), name)

    # -- formats ------------------------------------------------------------------------------------------------------

    def line_format(self, keyword: Token, literal: Token) -> Placed[LineFormat]:
        template = read_literal(unquote, literal)
        check_literal(parse_template, template, literal)
        return Placed(LineFormat(template), keyword)

    def label_format(self, keyword: Token, *assignments: Placed[LabelRename | LabelTemplate]) -> Placed[LabelFormat]:
        check_assignments(assignments)
        return Placed(LabelFormat(_nodes(assignments)), keyword)

    def label_rename(self, name: Token, _: Token, source: Token) -> Placed[LabelRename]:
        return Placed(LabelRename(str(name), str(source)), name)

    def label_template(self, name: Token, _: Token, literal: Token) -> Placed[LabelTemplate]:
        template = read_literal(unquote, literal)
        check_literal(parse_template, template, literal)
        return Placed(LabelTemplate(str(name), template), name)

    def decolorize(self, keyword: Token) -> Placed[Decolorize]:
        return Placed(Decolorize(), keyword)

    def drop(self, keyword: Token, *items: Token | Matcher) -> Placed[DropLabels]:
        return Placed(DropLabels(_label_items(items)), keyword)

    def keep(self, keyword: Token, *items: Token | Matcher) -> Placed[KeepLabels]:
        return Placed(KeepLabels(_label_items(items)), keyword)

    # -- LogPulse's own -----------------------------------------------------------------------------------------------

    def dedup(self, keyword: Token, _: Token | None, labels: tuple[str, ...] | None) -> Placed[Dedup]:
        return Placed(make_dedup(keyword, labels), keyword)

    def context(self, keyword: Token, *bounds: ContextBound) -> Placed[Context]:
        return Placed(make_context(keyword, bounds), keyword)

    def context_bound(self, side: Token, _: Token, number: Token) -> ContextBound:
        return ContextBound(side, number)

    # -- samples ------------------------------------------------------------------------------------------------------

    def unwrap(self, keyword: Token, *rest: Token) -> Placed[Unwrap]:
        if len(rest) == 1:
            return Placed(Unwrap(str(rest[0])), keyword)
        conversion, label = rest
        return Placed(Unwrap(str(label), UnwrapConversion(conversion.lower())), keyword)

    def number(self, sign: Token | None, digits: Token) -> Placed[NumberLiteral]:
        value = read_literal(parse_number, digits)
        return Placed(NumberLiteral(-value if sign == "-" else value), digits if sign is None else sign)


def read_literal(read: Callable[[str], _Value], literal: Token) -> _Value:
    """Read a literal, so that an error points at the part of it that is wrong."""
    try:
        return read(literal)
    except LiteralError as error:
        part = slice(error.offset, error.offset + error.length)
        raise error_at(literal, str(error), hint=error.hint, part=part) from None


_Node = TypeVar("_Node")


def _nodes(placed: tuple[Placed[_Node], ...] | list[Placed[_Node]]) -> tuple[_Node, ...]:
    return tuple(part.node for part in placed)


def _comparison(symbol: Token) -> ComparisonOperator:
    return ComparisonOperator.EQUAL if symbol == "=" else ComparisonOperator(symbol)


def _label_items(items: tuple[Token | Matcher, ...]) -> tuple[str | Matcher, ...]:
    return tuple(str(item) if isinstance(item, Token) else item for item in items)
