"""What the values of a field look like, so that a client knows how to compare them."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Final

from logpulse.limits import NEWEST_NS
from logpulse.logql.conversion import ConversionError, parse_bytes, parse_float, parse_go_duration

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_BOOLEANS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})


class FieldType(enum.Enum):
    """The types by Loki's names."""

    INTEGER = "int"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DURATION = "duration"
    BYTES = "bytes"
    STRING = "string"


def field_type_of(value: str) -> FieldType:
    """Give the narrowest type that `value` is a text of."""
    if _INTEGER.fullmatch(value) is not None and -NEWEST_NS - 1 <= int(value) <= NEWEST_NS:
        return FieldType.INTEGER
    if _is_read_by(parse_float, value):
        return FieldType.FLOAT
    if value in _BOOLEANS:
        return FieldType.BOOLEAN
    if _is_read_by(parse_go_duration, value):
        return FieldType.DURATION
    if _is_read_by(parse_bytes, value):
        return FieldType.BYTES
    return FieldType.STRING


def _is_read_by(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except ConversionError:
        return False
    return True
