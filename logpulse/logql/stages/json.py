"""The parser `| json`: each member of the line's object becomes a label, members of inner objects too."""

from __future__ import annotations

import json
from typing import Final, cast

from logpulse.limits import JSON_DEPTH
from logpulse.logql.ast import JsonParser
from logpulse.logql.label_name import LabelNames, label_name, part_of_label_name
from logpulse.logql.lenient_json import JSON_ERROR, Kind, LenientJson, LenientJsonError
from logpulse.logql.record import Record, Test
from logpulse.logql.stages import json_paths
from logpulse.logql.stages.sought import Sought, Wanted

_Members = tuple[tuple[str, object], ...]


def exact(stage: JsonParser, wanted: frozenset[str] | None = None) -> Test:
    """Give the stage's work on one entry. It extracts the labels `wanted`; None stands for all of them.

    Where no labels are wanted the line is not read, and does not fail either.
    """
    if wanted is not None and not wanted:
        return lambda record: True
    if stage.extractions:
        return json_paths.exact(stage)
    return _every_member() if wanted is None else _members_wanted(Wanted(wanted))


def _every_member() -> Test:
    names, parts = LabelNames(label_name), LabelNames(part_of_label_name)

    def flatten(members: _Members, found: dict[str, str], prefix: str, depth: int) -> bool:
        """Gather the labels of an object; False if it is too deep."""
        for key, value in members:
            name = f"{prefix}_{parts[key]}" if prefix else names[key]
            kind = value.__class__
            if kind is str:
                found.setdefault(name, cast("str", value))
            elif kind is tuple:
                if depth == JSON_DEPTH or not flatten(cast("_Members", value), found, name, depth + 1):
                    return False
            elif kind is bool:
                found.setdefault(name, "true" if value else "false")
        return True

    def read(record: Record) -> bool:
        members = _decode(record.line)
        found: dict[str, str] = {}
        if members is not None and flatten(members, found, "", 1):
            found.pop("", None)
            record.extract(found)
        else:
            _Leniently(record, None).read()
        return True

    return read


def _members_wanted(wanted: Wanted) -> Test:
    names, parts = LabelNames(label_name), LabelNames(part_of_label_name)

    def pick(members: _Members, found: dict[str, str], sought: Sought, prefix: str, depth: int) -> bool:
        """Gather the labels sought in an object; False if one may be too deep."""
        for key, value in members:
            name = f"{prefix}_{parts[key]}" if prefix else names[key]
            kind = value.__class__
            if kind is tuple:
                if sought.may_hold(name) and (
                    depth == JSON_DEPTH or not pick(cast("_Members", value), found, sought, name, depth + 1)
                ):
                    return False
            elif name in sought.labels:
                if kind is str:
                    found.setdefault(name, cast("str", value))
                elif kind is bool:
                    found.setdefault(name, "true" if value else "false")
        return True

    def read(record: Record) -> bool:
        sought = wanted.sought(record)
        picked = sought.pick.read(record.line)
        if picked is not None:
            record.extract(picked)
            return True
        members = _decode(record.line)
        found: dict[str, str] = {}
        if members is not None and pick(members, found, sought, "", 1):
            record.extract(found)
        else:
            _Leniently(record, sought).read()
        return True

    return read


# -- the fast form, for lines that are JSON ---------------------------------------------------------------------------


def _refuse(constant: str) -> object:
    raise ValueError(constant)


# Objects become tuples of pairs, so that keys that come twice show; numbers keep their text.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=_refuse, strict=False
)


def _decode(line: str) -> _Members | None:
    """Read the object that a line begins with; None for the lines that are read leniently."""
    # A string with half a surrogate pair counts as malformed, which this decoder does not see.
    if line[:1] != "{" or "\\ud" in line or "\\uD" in line:
        return None
    try:
        return cast("_Members", _DECODER.raw_decode(line)[0])
    except (ValueError, RecursionError):
        return None


# -- the lenient form, for every line ---------------------------------------------------------------------------------


class _Leniently:
    """Read one line as far as it makes sense: what was found before it breaks is kept."""

    def __init__(self, record: Record, sought: Sought | None) -> None:
        self._record = record
        self._sought = sought
        self._json = LenientJson(record.line)
        self._found: dict[str, str] = {}

    def read(self) -> None:
        """Extract the labels of the record's line, and note where it breaks."""
        failure = None
        try:
            self._object(0, len(self._record.line), "", 1)
        except LenientJsonError as error:
            failure = str(error)
        self._record.extract(self._found)
        if failure is not None:
            self._record.fail(JSON_ERROR, failure)

    def _object(self, begin: int, end: int, prefix: str, depth: int) -> bool:
        """Gather the labels of an object; False once there is nothing left to look for."""
        for key, value in self._json.members(begin, end):
            name = f"{prefix}_{part_of_label_name(key)}" if prefix else label_name(key)
            if value.kind is Kind.OBJECT:
                if self._sought is not None and not self._sought.may_hold(name):
                    continue
                if depth == JSON_DEPTH:
                    raise LenientJsonError(f"more than {JSON_DEPTH} objects lie inside one another")
                if not self._object(value.begin, value.end, name, depth + 1):
                    return False
            elif value.kind in (Kind.STRING, Kind.SCALAR) and name and self._is_new(name):
                self._found[name] = self._json.text_of(value)
                if self._sought is not None and self._sought.is_fulfilled_by(self._found):
                    return False
        return True

    def _is_new(self, name: str) -> bool:
        return name not in self._found and (self._sought is None or name in self._sought.labels)
