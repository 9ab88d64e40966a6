"""JSON as log lines have it: read from left to right as far as it makes sense, and judged no further than needed.

The rules are those of the scanner that Loki uses: a number is whatever begins with a digit or `-` and ends before a
blank, comma or closing bracket; what stands in an array is not looked at; nothing matters behind the object.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final

import attrs

from logpulse.errors import LogPulseError

JSON_ERROR: Final = "JSONParserErr"
"""What `__error__` says of a line that is no JSON."""

_BLANKS: Final = re.compile(r"[ \n\r\t]*+")
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR: Final = re.compile(r"[^ \n\r\t,}\]]*+")
# A string, whole or to the end of the text, or a bracket: objects and arrays end where their own kind is balanced.
_BRACES: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([{}])', re.DOTALL)
_BRACKETS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([\[\]])', re.DOTALL)
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}
_DELIMITED: Final = frozenset('"{[')
_NUMBER: Final = frozenset("-0123456789")
_UNESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_UNICODE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


@attrs.define(eq=False, slots=False)
class LenientJsonError(LogPulseError):
    """Say what stands in a line where JSON would go on otherwise."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Kind(enum.Enum):
    """What a value is. SCALAR is a number or a Boolean."""

    STRING = "string"
    SCALAR = "scalar"
    NULL = "null"
    OBJECT = "object"
    ARRAY = "array"


@attrs.frozen
class Value:
    """Point at a value: `text[begin:end]`, quotes and brackets included."""

    kind: Kind
    begin: int
    end: int


class LenientJson:
    """Read values of one text. All of its methods together take time in proportion to its length."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends: dict[int, int] = {}

    def skip_blanks(self, position: int) -> int:
        """Give the position of the next character that is no blank; the length of the text if there is none."""
        match = _BLANKS.match(self.text, position)
        return position if match is None else match.end()

    def members(self, begin: int, end: int) -> Iterator[tuple[str, Value]]:
        """Give the members of the object in `text[begin:end]`, its brace first, up to its end.

        Raises:
            LenientJsonError: it is no object, or the next member is malformed.
        """
        position = self.skip_blanks(begin)
        if self._at(position, end) != "{":
            raise LenientJsonError("no JSON object begins here")
        position = self.skip_blanks(position + 1)
        while self._at(position, end) != "}":
            key, position = self._key(position, end)
            value = self.value(position, end)
            yield key, value
            position = self.skip_blanks(value.end)
            following = self._at(position, end)
            if following == "}":
                return
            if following != ",":
                raise LenientJsonError("a member of an object is followed neither by `,` nor by `}`")
            position = self.skip_blanks(position + 1)

    def value(self, position: int, end: int) -> Value:
        """Find the value that begins at `position` or behind the blanks there, and ends before `end`.

        Raises:
            LenientJsonError: there is none, or it does not end.
        """
        position = self.skip_blanks(position)
        match self._at(position, end):
            case "":
                raise LenientJsonError("the line ends where a value should stand")
            case '"':
                string = _STRING.match(self.text, position, end)
                if string is None:
                    raise LenientJsonError("a string does not end")
                return Value(Kind.STRING, position, string.end())
            case "{":
                return Value(Kind.OBJECT, position, self._block_end(position, _BRACES, "{"))
            case "[":
                return Value(Kind.ARRAY, position, self._block_end(position, _BRACKETS, "["))
            case first:
                return self._scalar(first, position, end)

    def text_of(self, value: Value) -> str:
        """Give what a string says, empty if it has a malformed escape; every other value as it is written."""
        if value.kind is Kind.STRING:
            return unescape(self.text[value.begin + 1 : value.end - 1]) or ""
        return self.text[value.begin : value.end]

    def skipped(self, position: int, end: int) -> int:
        """Give the position behind the value that should begin at `position`, whatever stands there.

        That is `end` if it does not end.
        """
        position = self.skip_blanks(position)
        try:
            return self.value(position, end).end
        except LenientJsonError:
            match = None if self._at(position, end) in _DELIMITED else _SCALAR.match(self.text, position, end)
            return end if match is None else match.end()

    def key(self, position: int, end: int) -> tuple[str, int] | None:
        """Read the key that begins at `position`, and give the position behind its colon; None if there is no key."""
        try:
            return self._key(position, end)
        except LenientJsonError:
            return None

    def after(self, position: int, separator: str, end: int) -> int:
        """Give the position of what follows the separator that stands here behind blanks; `end` if none does."""
        position = self.skip_blanks(position)
        return self.skip_blanks(position + 1) if self._at(position, end) == separator else end

    def _at(self, position: int, end: int) -> str:
        return self.text[position] if position < end else ""

    def _key(self, position: int, end: int) -> tuple[str, int]:
        """Read a key and its colon; give the position behind."""
        if self._at(position, end) != '"':
            raise LenientJsonError("a key should stand here")
        string = _STRING.match(self.text, position, end)
        if string is None:
            raise LenientJsonError("a key does not end")
        key = unescape(string[0][1:-1])
        if key is None:
            raise LenientJsonError("a key has a malformed escape")
        position = self.skip_blanks(string.end())
        if self._at(position, end) != ":":
            raise LenientJsonError("a key is not followed by `:`")
        return key, position + 1

    def _scalar(self, first: str, position: int, end: int) -> Value:
        match = _SCALAR.match(self.text, position, end)
        stop = position if match is None else match.end()
        if first in _NUMBER:
            return Value(Kind.SCALAR, position, stop)
        if self.text[position:stop] != _LITERALS.get(first):
            raise LenientJsonError("a value of unknown type")
        return Value(Kind.NULL if first == "n" else Kind.SCALAR, position, stop)

    def _block_end(self, begin: int, tokens: re.Pattern[str], opening: str) -> int:
        # Blocks inside are met on the way; to look for their ends again, each level anew, would be quadratic.
        if begin not in self._ends:
            opened: list[int] = []
            for token in tokens.finditer(self.text, begin):
                if token[1] == opening:
                    opened.append(token.start())
                elif token[1] is not None:
                    self._ends[opened.pop()] = token.end()
                    if not opened:
                        break
        end = self._ends.get(begin)
        if end is None:
            raise LenientJsonError("an object does not end" if opening == "{" else "an array does not end")
        return end


def unescape(text: str) -> str | None:
    """Replace the escapes of a JSON string; None if one is malformed, or half of a surrogate pair."""
    if "\\" not in text:
        return text
    pieces, position = [], 0
    while (slash := text.find("\\", position)) >= 0:
        pieces.append(text[position:slash])
        letter = text[slash + 1 : slash + 2]
        if letter == "u":
            unescaped = _unescape_unicode(text, slash)
            if unescaped is None:
                return None
            character, position = unescaped
            pieces.append(character)
        elif letter in _UNESCAPED:
            pieces.append(_UNESCAPED[letter])
            position = slash + 2
        else:
            return None
    pieces.append(text[position:])
    return "".join(pieces)


def _unescape_unicode(text: str, position: int) -> tuple[str, int] | None:
    first = _UNICODE.match(text, position)
    if first is None:
        return None
    code = int(first[1], 16)
    if not 0xD800 <= code <= 0xDFFF:
        return chr(code), first.end()
    second = _UNICODE.match(text, first.end())
    low = 0 if second is None else int(second[1], 16)
    if code > 0xDBFF or second is None or not 0xDC00 <= low <= 0xDFFF:
        return None
    return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), second.end()
