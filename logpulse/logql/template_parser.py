"""Read the templates of `line_format` and `label_format`: Go's text/template without named templates.

The rules, and which function may be called, are checked here; what a function makes of its arguments is not.
"""

from __future__ import annotations

import math
from collections import Counter
from difflib import get_close_matches
from typing import Final

from logpulse.limits import TEMPLATE_DEPTH
from logpulse.logql.lexical import LiteralError, shortened, unquote
from logpulse.logql.template_ast import (
    Action,
    Body,
    Break,
    Command,
    Constant,
    Continue,
    Dot,
    Field,
    Function,
    If,
    Member,
    Nil,
    Operand,
    Pipeline,
    Range,
    Statement,
    Text,
    Variable,
    With,
)
from logpulse.logql.template_lexer import TemplateError, Token, tokenize

FUNCTIONS: Final = frozenset(
    (
        *("__line__", "__timestamp__"),
        *("lower", "upper", "title", "trim", "trimAll", "trimPrefix", "trimSuffix", "trunc", "substr", "replace"),
        *("contains", "hasPrefix", "hasSuffix", "count", "indent", "nindent", "repeat", "alignLeft", "alignRight"),
        *("printf", "default", "regexReplaceAll", "regexReplaceAllLiteral", "fromJson"),
        *("urlencode", "urldecode", "b64enc", "b64dec"),
        *("int", "float64", "add", "sub", "mul", "div", "mod", "addf", "subf", "mulf", "divf"),
        *("max", "maxf", "min", "minf", "ceil", "floor", "round", "bytes", "duration", "duration_seconds"),
        *("date", "toDate", "toDateInZone", "now", "unixEpoch", "unixEpochMillis", "unixEpochNanos", "unixToTime"),
        *("ToLower", "ToUpper", "Replace", "Trim", "TrimLeft", "TrimRight", "TrimPrefix", "TrimSuffix", "TrimSpace"),
        *("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "len", "index", "slice"),
        *("print", "println", "call", "html", "js", "urlquery"),
    )
)
"""Every function that a template may call: Loki's, then Go's own."""

_CONSTANTS: Final = {"true": True, "false": False}
_BLOCKS: Final = frozenset({"if", "with", "range"})
_UNSUPPORTED: Final = frozenset({"block", "define", "template"})
_KEYWORDS: Final = frozenset({*_BLOCKS, *_UNSUPPORTED, "end", "else", "break", "continue"})
_LONGEST_NAME: Final = 100  # characters of a number, and of a name that is compared with the functions
_START: Final = "$"  # the variable that holds the value the template began with


def parse_template(template: str) -> Body:
    """Read a template.

    Raises:
        TemplateError: it is malformed, calls an unknown function, uses an unknown variable, defines templates of its
            own, or nests deeper than TEMPLATE_DEPTH.
    """
    return _Reader(template).read()


class _Reader:
    """Read the tokens of one template by recursive descent, as deep as TEMPLATE_DEPTH allows."""

    def __init__(self, template: str) -> None:
        self._tokens = (*tokenize(template), Token("end", "", len(template)))
        self._position = 0
        self._depth = 0
        self._ranges = 0
        self._declared = [_START]
        self._known = Counter(self._declared)  # how often each name is declared in the blocks around

    def read(self) -> Body:
        body = self._body()
        if self._token.kind != "end":
            raise TemplateError(f"`{{{{{self._token.text}}}}}` closes or continues nothing", self._token.offset)
        return body

    # -- blocks -------------------------------------------------------------------------------------------------------

    def _body(self) -> Body:
        """Read up to the end of the template, or up to the `end` or `else` of the block around."""
        body: list[Statement] = []
        while True:
            if self._token.kind == "text":
                body.append(Text(self._next().text))
                continue
            self._skip_blanks()
            if self._token.kind == "end" or self._at_word("end", "else"):
                return tuple(body)
            body.append(self._statement())

    def _statement(self) -> Statement:
        token = self._token
        word = token.text if token.kind == "word" else ""
        if word in _BLOCKS:
            return self._block()
        if word in ("break", "continue"):
            if not self._ranges:
                raise TemplateError(f"`{word}` stands outside of `range`", token.offset)
            self._next()
            self._close()
            return Break() if word == "break" else Continue()
        if word in _UNSUPPORTED:
            raise TemplateError(f"`{word}` is not supported: a template cannot define others", token.offset)
        pipeline = self._pipeline("close")
        self._next()
        return Action(pipeline)

    def _block(self) -> If | With | Range:
        keyword = self._next()
        self._enter(keyword)
        outside = len(self._declared)
        pipeline = self._pipeline("close", in_range=keyword.text == "range")
        self._next()
        self._ranges += keyword.text == "range"
        body = self._body()
        self._ranges -= keyword.text == "range"
        otherwise = self._otherwise(keyword)
        self._forget(outside)
        self._depth -= 1
        match keyword.text:
            case "if":
                return If(pipeline, body, otherwise)
            case "with":
                return With(pipeline, body, otherwise)
        return Range(pipeline, body, otherwise)

    def _otherwise(self, keyword: Token) -> Body:
        """Read what follows the body of a block, with the `end` of the block."""
        otherwise: Body = ()
        if self._at_word("else"):
            self._next()
            self._skip_blanks()
            if keyword.text in ("if", "with") and self._at_word(keyword.text):
                return (self._block(),)
            self._close()
            otherwise = self._body()
        if not self._at_word("end"):
            raise TemplateError(f"`{keyword.text}` has no `{{{{end}}}}`", keyword.offset)
        self._next()
        self._close()
        return otherwise

    # -- pipelines ----------------------------------------------------------------------------------------------------

    def _pipeline(self, stop: str, *, in_range: bool = False) -> Pipeline:
        self._skip_blanks()
        start = self._token.offset
        variables, declares = self._declarations(2 if in_range else 1)
        commands: list[Command] = []
        while True:
            self._skip_blanks()
            place = self._token
            command = self._command()
            if not command.operands:
                if place.kind not in (stop, "pipe"):
                    raise self._unexpected(place)
                raise TemplateError("a value or a function is missing", place.offset)
            if commands and isinstance(command.operands[0], Constant | Dot | Nil):
                raise TemplateError("only a function can take the result of `|`", place.offset)
            commands.append(command)
            if self._token.kind == stop:
                break
            if self._token.kind != "pipe":
                raise self._unexpected(self._token)
            self._next()
        if declares:
            self._declared.extend(variables)
            self._known.update(variables)
        return Pipeline(tuple(commands), variables, declares, start)

    def _declarations(self, most: int) -> tuple[tuple[str, ...], bool]:
        """Read `$x :=`, `$x =` or, in a range, `$i, $x :=`, if the pipeline begins so."""
        start = self._position
        names: list[str] = []
        while True:
            self._skip_blanks()
            if self._token.kind != "variable" or len(names) == most:
                break
            names.append(self._next().text)
            self._skip_blanks()
            token = self._next()
            if token.kind == "declare":
                return tuple(names), True
            if token.kind == "assign":
                for name in names:
                    self._check_variable(name, token)
                return tuple(names), False
            if token.kind != "comma":
                break
        self._position = start
        return (), False

    def _command(self) -> Command:
        operands: list[Operand] = []
        self._skip_blanks()
        start = self._token.offset
        while True:
            self._skip_blanks()
            operand = self._operand()
            if operand is None:
                return Command(tuple(operands), start)
            operands.append(operand)
            if self._token.kind != "blank":
                return Command(tuple(operands), start)

    def _operand(self) -> Operand | None:
        """Read a value and the members taken of it, if one begins here."""
        place = self._token
        operand = self._term()
        start = self._token.offset  # Go points at the first member, not at what it is taken of
        path: list[str] = []
        while operand is not None and self._token.kind == "field":
            path.append(self._next().text[1:])
        if not path:
            return operand
        match operand:
            case Field():
                return Field((*operand.path, *path), start)
            case Variable():
                return Variable(operand.name, tuple(path), start)
            case Function() | Pipeline():
                return Member(operand, tuple(path), start)
        raise TemplateError(f"{shortened(place.text)} has no members", place.offset)

    def _term(self) -> Operand | None:
        token = self._token
        match token.kind:
            case "word":
                return self._named()
            case "dot":
                self._next()
                return Dot(token.offset)
            case "field":
                return Field((self._next().text[1:],), token.offset)
            case "variable":
                self._check_variable(token.text, token)
                return Variable(self._next().text, (), token.offset)
            case "string":
                return Constant(_string(self._next()), token.text, token.offset)
            case "character":
                return Constant(_character(self._next()), token.text, token.offset)
            case "number":
                return Constant(_number(self._next()), token.text, token.offset)
            case "open":
                return self._parenthesised()
        return None

    def _named(self) -> Operand | None:
        token = self._token
        if token.text in _KEYWORDS:
            return None
        self._next()
        if token.text == "nil":
            return Nil(token.offset)
        if token.text in _CONSTANTS:
            return Constant(_CONSTANTS[token.text], token.text, token.offset)
        if token.text not in FUNCTIONS:
            likely = get_close_matches(token.text[:_LONGEST_NAME], FUNCTIONS, 1)
            advice = f"; did you mean `{likely[0]}`?" if likely else ""
            raise TemplateError(f"`{shortened(token.text)}` is no function of templates{advice}", token.offset)
        return Function(token.text, token.offset)

    def _parenthesised(self) -> Pipeline:
        self._enter(self._next())
        pipeline = self._pipeline("shut")
        self._next()
        self._depth -= 1
        return pipeline

    # -- tokens -------------------------------------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def _skip_blanks(self) -> None:
        while self._token.kind == "blank":
            self._next()

    def _at_word(self, *words: str) -> bool:
        return self._token.kind == "word" and self._token.text in words

    def _close(self) -> None:
        self._skip_blanks()
        token = self._next()
        if token.kind != "close":
            raise self._unexpected(token)

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > TEMPLATE_DEPTH:
            raise TemplateError(f"it nests deeper than {TEMPLATE_DEPTH} levels", token.offset)

    def _forget(self, outside: int) -> None:
        """Leave a block: only the first `outside` declarations stay known."""
        self._known.subtract(self._declared[outside:])
        del self._declared[outside:]

    def _check_variable(self, name: str, token: Token) -> None:
        if not self._known[name]:
            raise TemplateError(f"the variable `{shortened(name)}` is not known here", token.offset)

    def _unexpected(self, token: Token) -> TemplateError:
        if token.kind == "end":
            return TemplateError("unexpected end", token.offset)
        if token.kind == "close":
            return TemplateError("a parenthesis is not closed", token.offset)
        return TemplateError(f"unexpected `{shortened(token.text)}`", token.offset)


# -- constants --------------------------------------------------------------------------------------------------------


def _string(token: Token) -> str:
    try:
        return unquote(token.text)
    except LiteralError as error:
        raise TemplateError(str(error), token.offset + error.offset) from None


def _character(token: Token) -> int:
    """Read a character in single quotes as its code, which is what Go makes of it."""
    inner = token.text[1:-1]
    if inner in ("\\'", '"'):
        return ord(inner[-1])
    text = _string(Token("string", f'"{inner}"', token.offset))
    if len(text) != 1:
        raise TemplateError(f"{shortened(token.text)} is not one character", token.offset)
    return ord(text)


def _number(token: Token) -> int | float:
    """Read a number as Go does: `010` and `0o10` are 8, `0x10` is 16, `1_000` is 1000."""
    text = token.text.replace("_", "")
    if len(text) > _LONGEST_NAME:
        raise TemplateError(f"the number {shortened(text)} is too long", token.offset)
    digits = text.lstrip("+-")
    try:
        value = int(text, 8) if digits.startswith("0") and digits.isdecimal() else int(text, 0)
    except ValueError:
        number = float(text)
        if math.isinf(number):
            raise TemplateError(f"the number {text} is out of range", token.offset) from None
        return number
    if not -(2**63) <= value < 2**63:
        raise TemplateError(f"the number {text} is out of range", token.offset)
    return value
