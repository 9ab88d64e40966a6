"""Functions of templates with regular expressions: RE2, matches and replacements as Go's regexp package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.template_failure import CallError, exceeded
from logpulse.logql.template_signature import Signature
from logpulse.logql.template_types import GoType, well_formed
from logpulse.logql.template_values import check_size
from logpulse.model.pattern import PatternError, compile_pattern

# `$$`, a group in braces or without, or a `$` that stands for itself.
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<bare>\w+))")

Match = re.Match[str]  # what RE2 gives has the same methods


def _matches(pattern: str, text: str) -> Iterator[Match]:
    """Find all matches but the empty ones right after another match."""
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        raise CallError(f"error parsing regexp: {error.reason}") from None
    last = -1
    for match in compiled.finditer(text):
        if match.end() > match.start() or match.start() != last:
            yield match
        last = match.end()


def _count(pattern: str, text: str) -> int:
    return sum(1 for _ in _matches(pattern, well_formed(text)))


def _replace_all(pattern: str, text: str, template: str) -> str:
    return _replaced(pattern, text, _expansion(well_formed(template)))


def _replace_all_literal(pattern: str, text: str, replacement: str) -> str:
    return _replaced(pattern, text, lambda match: replacement)


def _replaced(pattern: str, text: str, replacement: Callable[[Match], str]) -> str:
    text = well_formed(text)
    pieces: list[str] = []
    size = end = 0
    for match in _matches(pattern, text):
        pieces += (text[end : match.start()], replacement(match))
        size += len(pieces[-2]) + len(pieces[-1])
        if size > TEMPLATE_BYTES:
            raise exceeded("the text a template makes of one line", TEMPLATE_BYTES, "more")
        end = match.end()
    return check_size("".join((*pieces, text[end:])))


@lru_cache(maxsize=256)
def _expansion(template: str) -> Callable[[Match], str]:
    """Read `$1`, `${1}`, `$name` and `$$` of a replacement once."""
    parts: list[str | _Group] = []
    end = 0
    for reference in _REFERENCE.finditer(template):
        parts.append(template[end : reference.start()])
        parts.append("$" if reference["dollar"] else _Group(reference["braced"] or reference["bare"]))
        end = reference.end()
    parts.append(template[end:])
    if not any(isinstance(part, _Group) for part in parts):
        literal = "".join(map(str, parts))
        return lambda match: literal
    return lambda match: "".join([part if isinstance(part, str) else part(match) for part in parts])


class _Group:
    """Give what a group matched: nothing if it took no part, or if there is none."""

    __slots__ = ("_key",)

    def __init__(self, name: str) -> None:
        is_number = name.isascii() and name.isdecimal() and len(name) < 9 and (name == "0" or name[0] != "0")
        self._key: int | str = int(name) if is_number else name

    def __call__(self, match: Match) -> str:
        try:
            return match.group(self._key) or ""
        except (IndexError, KeyError):
            return ""


_S: Final = GoType.STRING

REGEX_FUNCTIONS: Final = {
    "count": Signature(_count, GoType.INT, (_S, _S)),
    "regexReplaceAll": Signature(_replace_all, _S, (_S, _S, _S)),
    "regexReplaceAllLiteral": Signature(_replace_all_literal, _S, (_S, _S, _S)),
}
