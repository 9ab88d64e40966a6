"""Cut a template into text and the tokens of its actions, by the rules of Go's text/template."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Final

import attrs

from logpulse.errors import LogPulseError
from logpulse.logql.lexical import shortened

_BLANKS: Final = " \t\r\n"
_OPENING: Final = re.compile(r"\{\{(?P<trim>-[ \t\r\n])?")
_COMMENT: Final = re.compile(r"/\*.*?\*/(?P<trim>[ \t\r\n]-)?\}\}|(?P<open>/\*)", re.DOTALL)
# A word must end where a word can end, or `a"b"` would be read as two operands without a blank between them.
_END: Final = r"(?=[ \t\r\n.,|:)(]|\}\}|\Z)"
_TOKEN: Final = re.compile(
    r"(?P<close>(?P<trim>[ \t\r\n]-)?\}\})"
    r"|(?P<blank>[ \t\r\n]+?(?=[ \t\r\n]-\}\}|[^ \t\r\n]|\Z))"
    r'|(?P<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|`[^`]*`)'
    r"|(?P<character>'(?:[^'\\\n]|\\[^\n]+?)')"
    r"|(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)(?!\w))"
    rf"|(?P<variable>\$\w*){_END}"
    rf"|(?P<field>\.[^\W\d]\w*){_END}"
    rf"|(?P<word>[^\W\d]\w*){_END}"
    rf"|(?P<dot>\.){_END}"
    r"|(?P<declare>:=)|(?P<assign>=)|(?P<pipe>\|)|(?P<open>\()|(?P<shut>\))|(?P<comma>,)"
)


@attrs.define(eq=False, slots=False)
class TemplateError(LogPulseError):
    """Say what is wrong with a template, and at which of its characters."""

    reason: str
    offset: int

    def __str__(self) -> str:
        return f"invalid template: {self.reason}"


@attrs.frozen
class Token:
    """Hold a piece of a template: its kind (`text`, or the name of a group of the token pattern), text and place."""

    kind: str
    text: str
    offset: int


def tokenize(template: str) -> Iterator[Token]:
    """Give the tokens of a template in order; an action ends with a token of the kind `close`.

    Raises:
        TemplateError: an action, a comment or a string is not closed, or a character begins no token.
    """
    position = 0
    trimming = False
    while True:
        opening = _OPENING.search(template, position)
        text = template[position : opening.start() if opening else len(template)]
        text = text.lstrip(_BLANKS) if trimming else text
        text = text.rstrip(_BLANKS) if opening and opening["trim"] else text
        if text:
            yield Token("text", text, position)
        if opening is None:
            return
        comment = _COMMENT.match(template, opening.end())
        if comment is not None:
            if comment["open"] is not None:
                raise TemplateError("a comment is not closed, or does not fill its action", opening.start())
            position, trimming = comment.end(), comment["trim"] is not None
            continue
        closing = yield from _action(template, opening)
        position, trimming = closing.end(), closing["trim"] is not None


def _action(template: str, opening: re.Match[str]) -> Generator[Token, None, re.Match[str]]:
    """Give the tokens of one action, and in the end where it was closed."""
    position = opening.end()
    while position < len(template):
        match = _TOKEN.match(template, position)
        if match is None:
            raise TemplateError(_reason(template[position:]), position)
        kind = match.lastgroup or ""
        yield Token(kind, match[0], position)
        if kind == "close":
            return match
        position = match.end()
    raise TemplateError("an action is not closed with `}}`", opening.start())


def _reason(rest: str) -> str:
    if rest[0] in "\"'`":
        return f"the string {shortened(rest, 20)} is not closed"
    return f"unexpected {shortened(rest, 20)!r} in an action"
