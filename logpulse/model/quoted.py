"""Quoted text by Go's rules, as LogQL and label texts write it: read strictly, written canonically."""

from __future__ import annotations

import re
from typing import Final

import attrs

from logpulse.errors import LogPulseError

_SIMPLE_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
}
_ESCAPED: Final = {value: f"\\{letter}" for letter, value in _SIMPLE_ESCAPES.items()}
# Bytes written one by one (\xc3\xa9) are gathered in one run, since only together do they make a character.
_ESCAPE: Final = re.compile(
    r'\\(?:(?P<simple>[abfnrtv\\"])|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))'
    r"|(?P<bytes>(?:\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2})+)"
    r"|(?P<wrong>\\(?:[xuU][0-9a-fA-F]*|[0-7]{1,3}|.)?)",
    re.DOTALL,
)
_BYTE: Final = re.compile(r"\\(?:x(..)|(...))")


@attrs.define(eq=False, slots=False)
class LiteralError(LogPulseError):
    """Say what is wrong with a literal, and where in it: `offset` and `length` count characters of the literal."""

    reason: str
    offset: int
    length: int
    hint: str = ""

    def __str__(self) -> str:
        return self.reason


def unquote(literal: str) -> str:
    r"""Read a string literal by Go's rules: `"…"` with escapes, or raw in backquotes.

    Escapes that spell bytes (`\xc3\xa9`) are read as UTF-8; bytes that are none become U+FFFD, as in stored lines.

    Raises:
        LiteralError: an escape is none of Go's, or names no character.
    """
    if literal[0] == "`":
        return literal[1:-1].replace("\r", "")
    if "\\" not in literal:
        return literal[1:-1]
    return _ESCAPE.sub(_unescape, literal[:-1])[1:]


def _unescape(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "simple":
        return _SIMPLE_ESCAPES[match["simple"]]
    if kind == "bytes":
        values = (int(byte[1], 16) if byte[1] else int(byte[2], 8) for byte in _BYTE.finditer(match[0]))
        return bytes(values).decode("utf-8", "replace")
    if kind == "wrong":
        escape = match[0]
        raise LiteralError(
            f"`{escape}` is not an escape of a quoted string",
            match.start(),
            len(escape),
            f"write `\\{escape}` for a backslash, or put the text in backquotes, where nothing is escaped",
        )
    code = int(match["short"] or match["long"], 16)
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        raise LiteralError(f"`{match[0]}` names no character", match.start(), len(match[0]))
    return chr(code)


def quote(text: str) -> str:
    """Write a string literal in double quotes; what cannot be printed is escaped, as Go does."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
