"""`printf` as Go's fmt.Sprintf: the directives of a format and the mistakes that are written into the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import attrs

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.template_directive import Directive, print_operand
from logpulse.logql.template_failure import exceeded
from logpulse.logql.template_types import NO_VALUE, go_type
from logpulse.logql.template_values import check_size, sprint_value

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
    for literal, match in _split(pattern):
        piece = literal if match is None else _directive(match, reading)
        pieces.append(piece)
        size += len(piece)
        if size > TEMPLATE_BYTES:
            raise exceeded("the text a template makes of one line", TEMPLATE_BYTES, "more")
    if not reading.reordered and reading.next < len(operands):
        pieces.append(_extra(operands[reading.next :]))
    return check_size("".join(pieces))


@lru_cache(maxsize=256)
def _split(pattern: str) -> tuple[tuple[str, re.Match[str] | None], ...]:
    """Cut a format into text and directives."""
    parts: list[tuple[str, re.Match[str] | None]] = []
    end = 0
    for match in _DIRECTIVE.finditer(pattern):
        if match.start() > end:
            parts.append((pattern[end : match.start()], None))
        end = match.end()
        if any(_is_too_large(match[number]) for number in ("width", "precision")):
            return (*parts, ("%!(NOVERB)", None))  # Go reads no further
        parts.append(("", match))
    if end < len(pattern):
        parts.append((pattern[end:], None))
    return tuple(parts)


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
    if reading.next >= len(reading.operands):
        return f"{mistakes}%!{verb}(MISSING)"
    operand = reading.operands[reading.next]
    reading.next += 1
    return mistakes + print_operand(Directive(verb, frozenset(flags), width, precision), operand)


def _extra(operands: Sequence[object]) -> str:
    texts = []
    for operand in operands:
        missing = operand is None or operand is NO_VALUE
        texts.append("<nil>" if missing else f"{go_type(operand).value}={sprint_value(operand)}")
        if len(texts[-1]) > TEMPLATE_BYTES:
            break
    return f"%!(EXTRA {', '.join(texts)})"
