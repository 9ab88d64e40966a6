"""`printf` as Go's fmt.Sprintf: the directives of a format and the mistakes that are written into the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import attrs

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_KEPT_CHARACTERS
from logpulse.logql.template_directive import Directive, print_operand
from logpulse.logql.template_types import NO_VALUE, go_type
from logpulse.logql.template_values import check_size, sprint_value, text_too_long

_LARGEST_NUMBER: Final = 1_000_000  # a width or precision beyond is wrong, as in Go
_INDEX: Final = r"\[(?:[^\]]*\])?"
# The parts of a directive in the order in which Go reads them; what is missing is empty.
_DIRECTIVE: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)"
    rf"(?P<index>{_INDEX})?"
    r"(?:(?P<star>\*)|(?P<width>[0-9]+))?"
    rf"(?:(?P<point>\.)(?P<second>{_INDEX})?(?:(?P<precision_star>\*)|(?P<precision>[0-9]+))?)?"
    rf"(?P<last>{_INDEX})?"
    r"(?P<verb>.)?",
    re.DOTALL,
)
_FROM_OPERANDS: Final = ("index", "star", "second", "precision_star", "last")

Part = str | Directive | re.Match[str]


@attrs.define
class _Reading:
    """Know which operand is next, and whether the numbers in brackets made sense."""

    operands: Sequence[object]
    next: int = 0
    reordered: bool = False
    good: bool = True

    def jump(self, index: str | None) -> bool:
        """Follow `[2]`: the next operand is the second. Tell whether there was an index."""
        if not index:
            return False
        self.reordered = True
        number = index[1:-1]
        if number.isascii() and number.isdecimal() and len(number) < 8 and 0 < int(number) <= len(self.operands):
            self.next = int(number) - 1
        else:
            self.good = False
        return True

    def number(self) -> int | None:
        """Take an operand as a width or precision."""
        if self.next >= len(self.operands):
            return None
        value = self.operands[self.next]
        self.next += 1
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER:
            return int(value)
        return None


def sprintf(pattern: str, operands: Sequence[object]) -> str:
    """Fill the directives of `pattern`.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    pieces: list[str] = []
    size = 0
    reading = _Reading(operands)
    for part in _parts(pattern):
        if isinstance(part, str):
            piece = part
        elif isinstance(part, Directive):
            piece = _operand(part, reading)
        else:
            piece = _directive(part, reading)
        pieces.append(piece)
        size += len(piece)
        if size > TEMPLATE_BYTES:
            raise text_too_long()
    if not reading.reordered and reading.next < len(operands):
        pieces.append(_extra(operands[reading.next :]))
    return check_size("".join(pieces))


def _parts(pattern: str) -> tuple[Part, ...]:
    return _split(pattern) if len(pattern) <= TEMPLATE_KEPT_CHARACTERS else _split.__wrapped__(pattern)


@lru_cache(maxsize=256)
def _split(pattern: str) -> tuple[Part, ...]:
    """Cut a format into text and directives; those that look at operands for more than a value are left as they are."""
    parts: list[Part] = []
    end = 0
    for match in _DIRECTIVE.finditer(pattern):
        if match.start() > end:
            parts.append(pattern[end : match.start()])
        end = match.end()
        if any(_is_too_large(match[number]) for number in ("width", "precision")):
            return (*parts, "%!(NOVERB)")  # Go reads no further
        is_plain = match["verb"] and not any(match[name] for name in _FROM_OPERANDS)
        parts.append(_plain(match) if is_plain else match)
    if end < len(pattern):
        parts.append(pattern[end:])
    return tuple(parts)


def _plain(match: re.Match[str]) -> str | Directive:
    if match["verb"] == "%":
        return "%"
    width = int(match["width"]) if match["width"] else None
    precision = int(match["precision"] or "0") if match["point"] else None
    return Directive(match["verb"], frozenset(match["flags"]), width, precision)


def _operand(directive: Directive, reading: _Reading) -> str:
    if reading.next >= len(reading.operands):
        return f"%!{directive.verb}(MISSING)"
    reading.next += 1
    return print_operand(directive, reading.operands[reading.next - 1])


def _is_too_large(digits: str | None) -> bool:
    return digits is not None and len(digits.lstrip("0")) > 6 and int(digits[:20]) > _LARGEST_NUMBER


def _directive(match: re.Match[str], reading: _Reading) -> str:
    # What a directive leaves behind even if its verb is wrong: Go writes mistakes of width and precision first.
    mistakes = ""
    reading.good = True
    flags = match["flags"]
    after_index = reading.jump(match["index"])
    width = int(match["width"]) if match["width"] else None
    if match["star"]:
        width = reading.number()
        after_index = False
        if width is None:
            mistakes += "%!(BADWIDTH)"
        elif width < 0:
            flags, width = flags + "-", -width
    elif match["width"] and after_index:
        reading.good = False  # "%[3]2d"
    precision: int | None = None
    if match["point"]:
        if after_index:
            reading.good = False  # "%[3].2d"
        after_index = reading.jump(match["second"])
        precision = int(match["precision"] or "0")
        if match["precision_star"]:
            precision = reading.number()
            after_index = False
            if precision is None or precision < 0:
                mistakes += "%!(BADPREC)"
                precision = None
    if not after_index:
        reading.jump(match["last"])
    verb = match["verb"]
    if not verb:
        return mistakes + "%!(NOVERB)"
    if verb == "%":
        return mistakes + "%"
    if not reading.good:
        return f"{mistakes}%!{verb}(BADINDEX)"
    return mistakes + _operand(Directive(verb, frozenset(flags), width, precision), reading)


def _extra(operands: Sequence[object]) -> str:
    texts = []
    for operand in operands:
        missing = operand is None or operand is NO_VALUE
        texts.append("<nil>" if missing else f"{go_type(operand).value}={sprint_value(operand)}")
        if len(texts[-1]) > TEMPLATE_BYTES:
            break
    return f"%!(EXTRA {', '.join(texts)})"
