"""A few members of a line that is JSON, many times faster than all of them: the decoder skips what is not asked for.

Which label a member makes depends on the whole line: `user_id` may come from `"user_id"`, `"user-id"` or `{"user":
{"id":…}}`, whichever is first. But the letters and digits of a name that stand together come from one key. Where they
occur only once in a line, in the key that is the name itself, no other member can make that label.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs
import msgspec

_RUN: Final = re.compile(r"[a-zA-Z0-9]+")
_NO_LABEL: Final = frozenset(b"{[n")


@attrs.frozen
class _Member:
    """Look for a label: the run of its name that is counted, the key as JSON writes it, the decoder's field."""

    name: str
    run: str
    key: str
    field: str


class JsonPick:
    """Pick the labels `names` out of lines, where the line allows to tell at a glance which members make them."""

    def __init__(self, names: Sequence[str]) -> None:
        runs = [_RUN.search(name) for name in names]
        self._members = [
            _Member(name, run[0], f'"{name}":', f"f{number}")
            for number, (name, run) in enumerate(zip(names, runs, strict=True))
            if run is not None
        ]
        self._is_able = len(self._members) == len(names)
        raw_or_unset = msgspec.Raw | msgspec.UnsetType
        fields = [
            (each.field, raw_or_unset, msgspec.field(name=each.name, default=msgspec.UNSET)) for each in self._members
        ]
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Members", fields, gc=False))

    def read(self, line: str) -> dict[str, str] | None:
        """Give the labels found; None where the line has to be read as a whole."""
        if not self._is_able or line[:1] != "{" or "\\" in line:
            return None
        present = []
        for member in self._members:
            if member.run in line:
                if line.count(member.run) > 1 or member.key not in line:
                    return None
                present.append(member)
        try:
            members = self._decoder.decode(line)
        except (msgspec.DecodeError, RecursionError):
            return None
        found = {}
        for member in present:
            raw = getattr(members, member.field)
            if raw is msgspec.UNSET:
                return None  # the key is that of an inner object
            value = bytes(raw)
            if value[0] not in _NO_LABEL:
                found[member.name] = (value[1:-1] if value[:1] == b'"' else value).decode()
        return found
