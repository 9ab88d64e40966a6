"""The parser `| json name="path", …`: a label for each path into the line's JSON, empty where it leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs
import msgspec

from logpulse.logql.ast import JsonParser
from logpulse.logql.json_path import parse_json_path
from logpulse.logql.lenient_json import JSON_ERROR, Kind, LenientJson, LenientJsonError, Value, unescape
from logpulse.logql.record import Record, Test

_Step = str | int
_BEGINNINGS: Final = frozenset('"{[')
# Keys that JSON writes in one way only, but for escapes with `\u`.
_PLAIN_KEY: Final = re.compile(r"[\w-]+", re.ASCII)


def exact(stage: JsonParser) -> Test:
    """Give the stage's work on one entry.

    A line that begins with neither an object, an array nor a string fails, as does one in which the value itself that
    a path leads to is malformed; an empty line gets no labels. A label that is there already, and is not found in the
    line, stays as it is.
    """
    tree = _tree([(parse_json_path(each.expression), each.name) for each in stage.extractions])
    names = [each.name for each in stage.extractions]
    reader = _FastReader.of(tree)

    def read(record: Record) -> bool:
        line = record.line
        if not line:
            return True
        if line[0] not in _BEGINNINGS:
            record.fail(JSON_ERROR)
            return True
        found = None if reader is None else reader.read(line)
        failure = ""
        if found is None:
            lenient = _LenientReader(line)
            lenient.read(tree)
            found, failure = lenient.found, lenient.failure
        labels = record.labels
        record.extract({name: found.get(name, "") for name in names if name in found or name not in labels})
        if failure:
            record.fail(JSON_ERROR, failure)
        return True

    return read


# -- what to look for -------------------------------------------------------------------------------------------------


@attrs.frozen
class _Node:
    """Name the labels whose paths end at a value, and what to look for in it: members by key, elements by index."""

    labels: tuple[str, ...]
    members: dict[str, _Node]
    elements: dict[int, _Node]


def _tree(paths: Sequence[tuple[Sequence[_Step], str]]) -> _Node:
    branches: dict[_Step, list[tuple[Sequence[_Step], str]]] = {}
    for steps, label in paths:
        if steps:
            branches.setdefault(steps[0], []).append((steps[1:], label))
    children = {step: _tree(branch) for step, branch in branches.items()}
    return _Node(
        tuple(label for steps, label in paths if not steps),
        {step: child for step, child in children.items() if isinstance(step, str)},
        {step: child for step, child in children.items() if isinstance(step, int)},
    )


# -- the fast form, for lines that are JSON in which no key comes twice -----------------------------------------------


class _FastReader:
    """Read members of an object with a decoder made for their keys, which skips all others."""

    def __init__(self, node: _Node, inner: dict[str, _FastReader]) -> None:
        self._keys = [f'"{key}"' for key in node.members]
        self._fields = [
            (f"f{number}", child.labels, inner.get(key)) for number, (key, child) in enumerate(node.members.items())
        ]
        raw_or_unset = msgspec.Raw | msgspec.UnsetType
        fields = [
            (f"f{number}", raw_or_unset, msgspec.field(name=key, default=msgspec.UNSET))
            for number, key in enumerate(node.members)
        ]
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Members", fields, gc=False))
        self._all_keys = sorted({*self._keys, *(key for reader in inner.values() for key in reader.keys)})

    @property
    def keys(self) -> Sequence[str]:
        """The keys on all levels, in quotes."""
        return self._all_keys

    @classmethod
    def of(cls, node: _Node) -> _FastReader | None:
        """Make the reader of an object; None if a path leads into arrays or has an unusual key."""
        if node.elements or not all(map(_PLAIN_KEY.fullmatch, node.members)):
            return None
        inner: dict[str, _FastReader] = {}
        for key, child in node.members.items():
            if child.members or child.elements:
                reader = cls.of(child)
                if reader is None:
                    return None
                inner[key] = reader
        return cls(node, inner)

    def read(self, line: str) -> dict[str, str] | None:
        """Give the labels found; None where that is left to the lenient form."""
        if line[0] != "{" or "\\u" in line or any(line.count(key) > 1 for key in self._all_keys):
            return None
        found: dict[str, str] = {}
        try:
            self.read_object(line, found)
        except (msgspec.DecodeError, RecursionError):
            return None
        return found

    def read_object(self, text: str | bytes, found: dict[str, str]) -> None:
        """Add the labels found in an object.

        Raises:
            msgspec.DecodeError: it is malformed.
        """
        members = self._decoder.decode(text)
        for field, labels, inner in self._fields:
            raw = getattr(members, field)
            if raw is msgspec.UNSET:
                continue
            value = bytes(raw)
            if labels:
                found.update(dict.fromkeys(labels, _text(value.decode())))
            if inner is not None and value[:1] == b"{":
                inner.read_object(value, found)


def _text(raw: str) -> str:
    if raw[0] == '"':
        return unescape(raw[1:-1]) or ""
    return "" if raw == "null" else raw


# -- the lenient form, for every line ---------------------------------------------------------------------------------


class _LenientReader:
    """Look for the paths in a line as far as it makes sense; the first of several values of one path counts."""

    def __init__(self, line: str) -> None:
        self._json = LenientJson(line)
        self.found: dict[str, str] = {}
        self.failure = ""

    def read(self, tree: _Node) -> None:
        """Fill `found`; `failure` says why a value that a path leads to cannot be read, empty if all can."""
        self._descend(tree, 0, len(self._json.text))

    def _descend(self, node: _Node, begin: int, end: int) -> None:
        match self._json.text[begin : begin + 1]:
            case "{" if node.members:
                self._search_object(node, begin, end)
            case "[" if node.elements:
                self._search_array(node, begin, end)

    def _search_object(self, node: _Node, begin: int, end: int) -> None:
        json = self._json
        position = json.skip_blanks(begin + 1)
        while (member := json.key(position, end)) is not None:
            key, position = member
            child = node.members.get(key)
            if child is not None:
                self._take(child, position, end)
            position = json.after(json.skipped(position, end), ",", end)

    def _search_array(self, node: _Node, begin: int, end: int) -> None:
        json = self._json
        position, index, last = json.skip_blanks(begin + 1), 0, max(node.elements)
        while index <= last and position < end and json.text[position] != "]":
            if index in node.elements:
                self._take(node.elements[index], position, end)
            position = json.after(json.skipped(position, end), ",", end)
            index += 1

    def _take(self, node: _Node, position: int, end: int) -> None:
        """Keep the value that begins here for the labels whose paths end here, and look for others in it."""
        position = self._json.skip_blanks(position)
        value = self._value(position, end)
        missing = [label for label in node.labels if label not in self.found]
        if missing and value is not None:
            text = "" if value.kind is Kind.NULL else self._json.text_of(value)
            self.found.update(dict.fromkeys(missing, text))
        self._descend(node, position, end if value is None else value.end)
        if missing and value is None:
            self.failure = self.failure or "the value that a path leads to is malformed"

    def _value(self, position: int, end: int) -> Value | None:
        try:
            return self._json.value(position, end)
        except LenientJsonError:
            return None
