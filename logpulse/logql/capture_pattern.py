"""Patterns such as `<ip> - <_> [<time>]`, as the stage `pattern` and the line filters `|>` and `!>` use them."""

from __future__ import annotations

import re
from typing import Final

import attrs

from logpulse.errors import LogPulseError

_CAPTURE: Final = re.compile(r"<([a-zA-Z_][a-zA-Z0-9_]*)>")
_UNNAMED: Final = "_"


@attrs.define(eq=False, slots=False)
class CapturePatternError(LogPulseError):
    """Say which rule of patterns a pattern breaks."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.frozen
class Literal:
    """Stand for a text that must occur."""

    text: str


@attrs.frozen
class Capture:
    """Stand for one or more characters. The name is empty for `<_>`."""

    name: str

    def __str__(self) -> str:
        return f"<{self.name or _UNNAMED}>"


def parse_parser_pattern(pattern: str) -> tuple[Literal | Capture, ...]:
    """Read the pattern of the stage `pattern`: at least one named capture, each name once, no two side by side.

    What only looks like a capture (`<` before a name, `<a-b>`) is text.

    Raises:
        CapturePatternError: a rule is broken.
    """
    parts = _split(pattern)
    names = [part.name for part in parts if isinstance(part, Capture) and part.name]
    if not names:
        raise CapturePatternError("a pattern needs at least one named capture such as `<ip>`")
    if len(set(names)) < len(names):
        repeated = next(name for position, name in enumerate(names) if name in names[:position])
        raise CapturePatternError(f"the pattern captures `<{repeated}>` twice")
    return parts


def parse_filter_pattern(pattern: str) -> tuple[Literal | Capture, ...]:
    """Read the pattern of a line filter: `<_>` is the only capture, and no two stand side by side.

    Raises:
        CapturePatternError: a rule is broken.
    """
    parts = _split(pattern)
    named = next((part for part in parts if isinstance(part, Capture) and part.name), None)
    if named is not None:
        raise CapturePatternError(f"a pattern filter takes no named capture such as `{named}`; write `<_>`")
    return parts


def _split(pattern: str) -> tuple[Literal | Capture, ...]:
    parts: list[Literal | Capture] = []
    end = 0
    for match in _CAPTURE.finditer(pattern):
        if match.start() > end:
            parts.append(Literal(pattern[end : match.start()]))
        elif parts:
            raise CapturePatternError(f"no text stands between the captures `{parts[-1]}{match[0]}`")
        parts.append(Capture("" if match[1] == _UNNAMED else match[1]))
        end = match.end()
    if end < len(pattern):
        parts.append(Literal(pattern[end:]))
    return tuple(parts)
