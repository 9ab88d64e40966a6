"""The parser `| unpack`: the labels and the line that an agent's `pack` stage put into one JSON object."""

from __future__ import annotations

from typing import Final

from logpulse.logql.ast import UnpackParser
from logpulse.logql.label_name import label_name
from logpulse.logql.lenient_json import JSON_ERROR, Kind, LenientJson, LenientJsonError
from logpulse.logql.record import Record, Test

_LINE: Final = "_entry"


def exact(stage: UnpackParser, wanted: frozenset[str] | None = None) -> Test:
    """Give the stage's work on one entry. Only an object with a text `_entry` is unpacked.

    The line is unpacked whatever labels are `wanted`; where there are none it does not fail.
    """
    may_fail = wanted is None or bool(wanted)

    def read(record: Record) -> bool:
        line = record.line
        if not line:
            return True
        try:
            unpacked = _unpack(line)
        except LenientJsonError as error:
            if may_fail:
                record.fail(JSON_ERROR, str(error))
            return True
        if _LINE in unpacked:
            record.line = unpacked.pop(_LINE)
            record.extract(unpacked)
        return True

    return read


def _unpack(line: str) -> dict[str, str]:
    if line[0] != "{":  # not even after blanks
        raise LenientJsonError("the line is no JSON object")
    json = LenientJson(line)
    found: dict[str, str] = {}
    for key, value in json.members(0, len(line)):
        name = _LINE if key == _LINE else label_name(key)
        if value.kind is Kind.STRING and name:
            found.setdefault(name, json.text_of(value))
    return found
