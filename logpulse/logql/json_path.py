"""The paths of `json a="…"`: `user.name`, `user["name"]`, `tags[0]`."""

from __future__ import annotations

import json
import re
from typing import Final

import attrs

from logpulse.errors import LimitExceededError, LogPulseError
from logpulse.limits import JSON_DEPTH

_STEP: Final = re.compile(
    r"(?P<dot>\.)?(?P<field>[^\W\d][\w-]*)"
    r"|\[\s*(?P<index>[0-9]{1,9})\s*\]"
    r'|\[\s*(?P<key>"(?:[^"\\]|\\.)*")\s*\]'
)


@attrs.define(eq=False, slots=False)
class JsonPathError(LogPulseError):
    """Point at the character where a path stops making sense."""

    path: str
    offset: int

    def __str__(self) -> str:
        rest = self.path[self.offset : self.offset + 20]
        found = f"`{rest}` at its character {self.offset + 1}" if rest else "its end"
        return f"the path `{self.path}` cannot be read at {found}"


def parse_json_path(path: str) -> tuple[str | int, ...]:
    """Read a path as the keys (text) and indexes (numbers from 0) that lead to a value.

    Raises:
        JsonPathError: the path is empty or malformed.
        LimitExceededError: it has more than JSON_DEPTH steps.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or (match["field"] is not None and (match["dot"] is None) != (position == 0)):
            raise JsonPathError(path, position)
        if match["field"] is not None:
            steps.append(match["field"])
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            steps.append(_key(path, match))
        position = match.end()
    if not steps:
        raise JsonPathError(path, 0)
    if len(steps) > JSON_DEPTH:
        raise LimitExceededError("steps of a JSON path", JSON_DEPTH, len(steps))
    return tuple(steps)


def _key(path: str, match: re.Match[str]) -> str:
    try:
        key = json.loads(match["key"])
    except ValueError:
        raise JsonPathError(path, match.start("key")) from None
    return str(key)
