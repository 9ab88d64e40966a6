"""Functions of templates with regular expressions: RE2, matches and replacements as Go's regexp package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_KEPT_CHARACTERS, TEMPLATE_MATCHES
from logpulse.logql.template_failure import CallError, exceeded
from logpulse.logql.template_types import GoType, Signature, from_bytes, to_bytes, well_formed
from logpulse.logql.template_values import check_size, text_too_long
from logpulse.model.pattern import PatternError, compile_pattern

# `$$`, a group in braces or without, or a `$` that stands for itself.
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<bare>\w+))")

Match = re.Match[bytes]  # what RE2 gives has the same methods


def _matches(pattern: str, data: bytes) -> Iterator[Match]:
    """Find all matches but the empty ones right after another match, or inside of a character."""
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        raise CallError(f"error parsing regexp: {error.reason}") from None
    last = -1
    left = TEMPLATE_MATCHES
    # RE2's module is four times as fast on bytes, whose offsets it need not count as characters.
    for match in compiled.finditer(data):
        start, end = match.span()
        if start == end and (start == last or (data[start : start + 1] and data[start] & 0xC0 == 0x80)):
            continue
        if left == 0:
            raise exceeded("the matches of one regular expression", TEMPLATE_MATCHES, "more")
        left -= 1
        yield match
        last = end


def _count(pattern: str, text: str) -> int:
    return sum(1 for _ in _matches(well_formed(pattern), to_bytes(text)))


def _replace_all(pattern: str, text: str, template: str) -> str:
    is_kept = len(template) <= TEMPLATE_KEPT_CHARACTERS
    return _replaced(pattern, text, _expansion(template) if is_kept else _expansion.__wrapped__(template))


def _replace_all_literal(pattern: str, text: str, replacement: str) -> str:
    data = to_bytes(replacement)
    return _replaced(pattern, text, lambda match: data)


def _replaced(pattern: str, text: str, replacement: Callable[[Match], bytes]) -> str:
    data = to_bytes(text)
    pieces: list[bytes] = []
    size = end = 0
    for match in _matches(well_formed(pattern), data):
        pieces += (data[end : match.start()], replacement(match))
        size += len(pieces[-2]) + len(pieces[-1])
        if size > TEMPLATE_BYTES:
            raise text_too_long()
        end = match.end()
    return check_size(from_bytes(b"".join((*pieces, data[end:])))) if pieces else text


@lru_cache(maxsize=256)
def _expansion(template: str) -> Callable[[Match], bytes]:
    """Read `$1`, `${1}`, `$name` and `$$` of a replacement once."""
    parts: list[bytes | _Group] = []
    end = 0
    for reference in _REFERENCE.finditer(template):
        parts.append(to_bytes(template[end : reference.start()]))
        parts.append(b"$" if reference["dollar"] else _Group(reference["braced"] or reference["bare"]))
        end = reference.end()
    parts.append(to_bytes(template[end:]))
    return lambda match: b"".join([part if isinstance(part, bytes) else part(match) for part in parts])


class _Group:
    """Give what a group matched: nothing if it took no part, or if there is none."""

    __slots__ = ("_key",)

    def __init__(self, name: str) -> None:
        is_number = name.isascii() and name.isdecimal() and len(name) < 9 and (name == "0" or name[0] != "0")
        self._key: int | str = int(name) if is_number else name

    def __call__(self, match: Match) -> bytes:
        try:
            return match.group(self._key) or b""
        except IndexError:
            return b""


_S: Final = GoType.STRING

REGEX_FUNCTIONS: Final = {
    "count": Signature(_count, GoType.INT, (_S, _S)),
    "regexReplaceAll": Signature(_replace_all, _S, (_S, _S, _S)),
    "regexReplaceAllLiteral": Signature(_replace_all_literal, _S, (_S, _S, _S)),
}
