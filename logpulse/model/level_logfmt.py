"""The level of a line with `key=value` pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Final

from logpulse.limits import LEVEL_FIELDS, LEVEL_SCAN_CHARACTERS
from logpulse.model.level_text import text_level
from logpulse.model.level_words import UNKNOWN, field_level

# Loki's names in its order, then those of other formats.
_NAMES: Final = (
    "level", "log.level", "severity", "severitytext", "lvl", "severity_text",
    "loglevel", "log_level", "levelname", "level_name", "levelno", "severity_number",
)  # fmt: skip
_RANKS: Final[Mapping[str, int]] = {name: rank for rank, name in enumerate(_NAMES)}
# Starting with plain letters lets the search skip what cannot be a name; the left boundary is looked at afterwards.
_LEVEL: Final = re.compile(
    r'([LlSs](?i:evel(?:_?name|no)?|og[._]?level|vl|everity(?:_?text|_number)?))="?([^\s",;}\])]*+)'
)
_MESSAGE: Final = re.compile(r'(?:msg|message|log|event)=("?)')
_BOUNDARY: Final = " \t\n,;{[("
# A first pair, followed by another one or by the end: what has words in between is prose that mentions a pair.
_PAIRS: Final = re.compile(
    r'\s*+[^\s="\[\]{}()<>]++=(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"]*+)(?:\s++[^\s="]++=|\s*+\Z)', re.DOTALL
)


def logfmt_level(text: str) -> str:
    """Give the level of the pair whose name comes first in Loki's order, whatever the order in the line.

    Names are compared without case, and what looks like a pair inside a quoted value is none. Without such a pair a
    logfmt line shows its level in its message, and any other text as plain text does.
    """
    best, level = len(_NAMES), UNKNOWN
    for pair in islice(_LEVEL.finditer(text), LEVEL_FIELDS):
        name = pair[1].lower()
        rank = _RANKS.get(name, best)
        if rank < best and _is_pair(text, pair.start()):
            found = field_level(name, pair[2], text)
            if found != UNKNOWN:
                best, level = rank, found
    if level != UNKNOWN:
        return level
    if _PAIRS.match(text) is None:
        return text_level(text)
    for message in islice(_MESSAGE.finditer(text), LEVEL_FIELDS):
        if _is_pair(text, message.start()):
            level = text_level(_value(text, message))
            if level != UNKNOWN:
                return level
    return UNKNOWN


def _is_pair(text: str, begin: int) -> bool:
    """Tell whether a name stands at `begin`: after a boundary and not within a quoted value."""
    if begin and text[begin - 1] not in _BOUNDARY:
        return False
    if '"' not in text[:begin]:
        return True
    before = text[:begin].replace("\\\\", "")
    return (before.count('"') - before.count('\\"')) % 2 == 0


def _value(text: str, message: re.Match[str]) -> str:
    """Give the beginning of a message's value, long enough to be searched."""
    begin = message.end()
    value = text[begin : begin + 2 * LEVEL_SCAN_CHARACTERS]
    if message[1]:
        return value.replace('\\"', "'").partition('"')[0]
    return value.split(maxsplit=1)[0] if value[:1].strip() else ""
