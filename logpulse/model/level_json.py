"""The level of a JSON object, found without parsing it: the members that matter, in document order."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

import attrs

from logpulse.limits import LEVEL_FIELDS, LEVEL_SCAN_CHARACTERS
from logpulse.model.level_text import text_level
from logpulse.model.level_words import UNKNOWN, field_level, strip_ansi, word_level

_LEVEL_NAMES: Final = (
    "level", "lvl", "log.level", "log_level", "loglevel", "levelname", "level_name", "leveltext", "levelno", "@level",
    "severity", "severitytext", "severity_text", "severitynumber", "severity_number", "priority", "@l", "s",
)  # fmt: skip
_MESSAGE_NAMES: Final = ("msg", "message", "log", "event", "@m", "@mt", "@message", "short_message")
_OBJECT: Final = re.compile(r'\s*+\{\s*+["}]')
# The content of a string, to its end or to that of the text: it never fails, so nothing is ever tried twice.
_STRING: Final = r'[^"\\]*+(?:\\.[^"\\]*+)*+'


def _any_case(names: tuple[str, ...]) -> str:
    """Write names as one expression; by their first letter, as a class, the engine refuses most strings at once."""
    rests: dict[str, list[str]] = {}
    for name in names:
        rests.setdefault(name[0], []).append(re.escape(name[1:]))
    return "|".join(f"[{first}{first.upper()}](?i:{'|'.join(rest)})" for first, rest in rests.items())


_MEMBER: Final = re.compile(
    rf'"({_any_case((*_LEVEL_NAMES, *_MESSAGE_NAMES))})"\s*+:\s*+(?:"({_STRING})"?|(-?[0-9]{{1,3}})(?![0-9.eE]))',
    re.DOTALL,
)
_BRACKET: Final = re.compile(rf'(?:[^"{{}}\[\]]++|"{_STRING}"?)*+([{{}}\[\]]|\Z)', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MESSAGE_CHARACTERS: Final = 2 * LEVEL_SCAN_CHARACTERS  # as escaped: leaves enough when colours and escapes are gone
_MONGODB_COMPONENT: Final = re.compile(r'"c"\s*+:\s*+"')
_CLEF_TIME: Final = re.compile(r'"@t"\s*+:')
_CLEF_MESSAGE: Final = re.compile(r'"@(?:mt?|i|r)"\s*+:')


def is_json_object(text: str) -> bool:
    """Tell whether `text` begins as a JSON object does; whether it ends as one does not matter, lines get cut off."""
    return _OBJECT.match(text) is not None


def json_level(text: str) -> str:
    """Give the level that the first level member of a JSON object means, in document order.

    Members of the object and of the objects directly in it count, those in arrays do not. Without a level the messages
    are searched as plain text is. `text` may be cut off or broken: what can be read counts.
    """
    messages: list[re.Match[str]] = []
    nesting = _Nesting(text)
    for member in islice(_MEMBER.finditer(text), LEVEL_FIELDS):
        name = member[1].lower()
        if name in _MESSAGE_NAMES:
            messages.append(member)
        elif nesting.holds(member):
            level = _member_level(name, member, text)
            if level != UNKNOWN:
                return level
    return _message_level(messages, text)


def _message_level(messages: list[re.Match[str]], text: str) -> str:
    nesting = _Nesting(text)
    for member in messages:
        if member[2] and nesting.holds(member):
            level = text_level(strip_ansi(_unescape(member[2][:_MESSAGE_CHARACTERS])))
            if level != UNKNOWN:
                return level
    # Serilog's compact format leaves the level out where it is Information.
    return "info" if _CLEF_TIME.search(text) and _CLEF_MESSAGE.search(text) and '"@l"' not in text else UNKNOWN


def _member_level(name: str, member: re.Match[str], text: str) -> str:
    value = member[3] or _unescape(member[2] or "")
    match name:
        case "s":
            # MongoDB's severity is one letter, its debugging levels D1 to D5; elsewhere `s` may be anything.
            severity = value[:1] if len(value) < 3 and _MONGODB_COMPONENT.search(text) else ""
            return word_level(severity)
        case "priority" if member[1] != "PRIORITY":
            return UNKNOWN  # only journald's is a level; others may be a ticket's
        case _:
            return field_level(name, value, text)


@attrs.define
class _Nesting:
    """Count how many objects and arrays are open, as far as somebody asks."""

    text: str
    position: int = 0
    objects: int = 0
    arrays: int = 0

    def holds(self, member: re.Match[str]) -> bool:
        """Tell whether `member`, never before an earlier one, is of an object of depth 1 or 2 outside of arrays."""
        begin = member.start()
        brackets = _BRACKET.findall(self.text, self.position, begin)
        self.objects += brackets.count("{") - brackets.count("}")
        self.arrays += brackets.count("[") - brackets.count("]")
        self.position = begin
        return 1 <= self.objects <= 2 and self.arrays == 0 and self.text[begin - 1] != "\\"


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _CONTROLS.get(escape[2], escape[2])
