"""The values of templates and their Go types, for each of which a Python class stands: `int` and `int64` differ.

| Go | Python |
|---|---|
| string | str; bytes that are no UTF-8 as lone surrogates (`surrogateescape`) |
| bool, int, float64 | bool, int, float |
| int64, uint8, time.Duration, time.Month, time.Weekday | the subclasses of int below |
| []interface {}, map[string]interface {} | list, dict |
| map[string]string | LabelMap |
| nil inside of an interface | None |
| no value at all, which is what pipelines make of nil | NO_VALUE |
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

import attrs


class GoType(enum.Enum):
    """Name a type as Go does; ANY and VALUE are types of parameters, which take every value."""

    STRING = "string"
    BOOL = "bool"
    INT = "int"
    INT64 = "int64"
    UINT8 = "uint8"
    FLOAT = "float64"
    LIST = "[]interface {}"
    MAP = "map[string]interface {}"
    LABELS = "map[string]string"
    TIME = "time.Time"
    LOCATION = "*time.Location"
    DURATION = "time.Duration"
    MONTH = "time.Month"
    WEEKDAY = "time.Weekday"
    NONE = "<nil>"
    ANY = "interface {}"
    VALUE = "reflect.Value"


class NoValue(enum.Enum):
    """Hold the one value that is none."""

    NO_VALUE = "<no value>"


NO_VALUE: Final = NoValue.NO_VALUE


class Int64(int):
    """Be an int64: what arithmetic gives."""

    __slots__ = ()
    go_type = GoType.INT64


class Uint8(int):
    """Be a byte: what an index into a string gives."""

    __slots__ = ()
    go_type = GoType.UINT8


class LabelMap(dict[str, str]):
    """Be the labels of an entry as one value: what a template begins with as `.` and `$`."""

    __slots__ = ()
    go_type = GoType.LABELS


_BUILT_IN: Final = {
    str: GoType.STRING,
    bool: GoType.BOOL,
    int: GoType.INT,
    float: GoType.FLOAT,
    list: GoType.LIST,
    dict: GoType.MAP,
    type(None): GoType.NONE,
    NoValue: GoType.NONE,
}


def go_type(value: object) -> GoType:
    """Tell the type of a value."""
    known = _BUILT_IN.get(value.__class__)
    if known is not None:
        return known
    own = getattr(value, "go_type", GoType.NONE)
    return own if isinstance(own, GoType) else GoType.NONE


def truth(value: object) -> bool:
    """Tell whether a value is not empty: not 0, false, nil, or of length 0. A point in time is never empty."""
    return value is not NO_VALUE and bool(value)


def wrap64(number: int) -> int:
    """Give what an int64 holds after an overflow."""
    return (number + 2**63) % 2**64 - 2**63


# -- functions --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Signature:
    """Describe a function: the types of its parameters, that of any number of further ones, and its result's.

    `call` takes values of just these types and raises CallError alone; a `result` of None is known only when it runs.
    """

    call: Callable[..., object]
    result: GoType | None
    parameters: tuple[GoType, ...] = ()
    rest: GoType | None = None

    def accepts(self, count: int) -> bool:
        """Tell whether the function can be called with `count` arguments."""
        return count >= len(self.parameters) if self.rest is not None else count == len(self.parameters)

    def parameter(self, position: int) -> GoType:
        """Give the type of the argument at a position from 0."""
        if position < len(self.parameters) or self.rest is None:
            return self.parameters[position]
        return self.rest


# -- strings as bytes -------------------------------------------------------------------------------------------------


def to_bytes(text: str) -> bytes:
    """Give the bytes of a string."""
    return text.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Make a string of bytes, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def byte_length(text: str) -> int:
    """Count the bytes of a string."""
    return len(text) if text.isascii() else len(to_bytes(text))


def well_formed(text: str) -> str:
    """Replace each byte that is no UTF-8 by U+FFFD; bytes that together make a character do so."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        joined = from_bytes(text.encode("utf-8", "surrogateescape"))
        return "".join("\ufffd" if "\udc80" <= character <= "\udcff" else character for character in joined)
    return text
