"""Functions of templates that compare values, and that look into them."""

from __future__ import annotations

from typing import Final

from logpulse.logql.template_failure import CallError
from logpulse.logql.template_time import GoTime, Location
from logpulse.logql.template_types import (
    NO_VALUE,
    GoType,
    LabelMap,
    Signature,
    Uint8,
    byte_length,
    from_bytes,
    go_type,
    to_bytes,
    truth,
)
from logpulse.logql.template_values import sprint_value

_INCOMPATIBLE: Final = "incompatible types for comparison"
_NO_ORDER: Final = "invalid type for comparison"
_MOST_SLICE_INDEXES: Final = 3

# -- comparison -------------------------------------------------------------------------------------------------------


def _kind(value: object) -> str:
    """Name the kind of a value: values of one kind can be compared, and integers of all types are one kind."""
    match value:
        case str():
            return "string"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
    return ""


def equal(first: object, *others: object) -> bool:
    """Tell whether a value equals one of others.

    Raises:
        CallError: there are no others, or their types cannot be compared.
    """
    if not others:
        raise CallError("missing argument for comparison")
    kind = _kind(first)
    for other in others:
        if _kind(other) != kind:
            # Go compares nil with everything, and finds it unequal.
            if _is_nothing(first) or _is_nothing(other):
                continue
            raise CallError(_INCOMPATIBLE)
        if first == other if kind else _same(first, other):
            return True
    return False


def _is_nothing(value: object) -> bool:
    return value is None or value is NO_VALUE


def _same(first: object, other: object) -> bool:
    """Compare values of no basic kind."""
    if _is_nothing(first) or _is_nothing(other):
        return _is_nothing(first) and _is_nothing(other)
    for value in (first, other):
        if isinstance(value, list | dict):
            raise CallError(f"non-comparable type {sprint_value(value)}: {go_type(value).value}")
    match first, other:
        case GoTime(), GoTime():
            return first.nanoseconds == other.nanoseconds and first.location == other.location
        case Location(), Location():
            return first == other
    return False


def _not_equal(first: object, second: object) -> bool:
    return not equal(first, second)


def _less(first: object, second: object) -> bool:
    match first, second:
        case str(), str():
            return first < second
        case (bool(), _) | (_, bool()):
            raise CallError(_NO_ORDER if isinstance(first, bool) and isinstance(second, bool) else _INCOMPATIBLE)
        case int(), int():
            return first < second
        case float(), float():
            return first < second
    raise CallError(_INCOMPATIBLE if _kind(first) and _kind(second) else _NO_ORDER)


def _less_or_equal(first: object, second: object) -> bool:
    return _less(first, second) or equal(first, second)


def _greater(first: object, second: object) -> bool:
    return not _less_or_equal(first, second)


def _greater_or_equal(first: object, second: object) -> bool:
    return not _less(first, second)


# -- values inside of values ------------------------------------------------------------------------------------------


def _length(value: object) -> int:
    match value:
        case str():
            return byte_length(value)
        case list() | dict():
            return len(value)
        case None:
            raise CallError("len of nil pointer")
    if value is NO_VALUE:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    raise CallError(f"len of type {go_type(value).value}")


def _index(value: object, *indexes: object) -> object:
    if _is_nothing(value):
        raise CallError("index of untyped nil")
    for index in indexes:
        match value:
            case str():
                data = to_bytes(value)
                position = _position(index, len(data))
                if position == len(data):
                    raise CallError("reflect: string index out of range")
                value = Uint8(data[position])
            case list():
                position = _position(index, len(value))
                if position == len(value):
                    raise CallError("reflect: slice index out of range")
                value = value[position]
            case dict():
                value = value.get(_key(index), "" if isinstance(value, LabelMap) else None)
            case None:
                raise CallError("index of nil pointer")
            case _:
                raise CallError(f"can't index item of type {go_type(value).value}")
    return value


def _position(index: object, length: int) -> int:
    if _is_nothing(index):
        raise CallError("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise CallError(f"cannot index slice/array with type {go_type(index).value}")
    if not 0 <= index <= length:
        raise CallError(f"index out of range: {int(index)}")
    return int(index)


def _key(index: object) -> str:
    if _is_nothing(index):
        raise CallError("value is nil; should be of type string")
    if not isinstance(index, str):
        raise CallError(f"value has type {go_type(index).value}; should be string")
    return index


def _slice(value: object, *indexes: object) -> object:
    if _is_nothing(value):
        raise CallError("slice of untyped nil")
    if len(indexes) > _MOST_SLICE_INDEXES:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    match value:
        case str():
            if len(indexes) == _MOST_SLICE_INDEXES:
                raise CallError("cannot 3-index slice a string")
            data = to_bytes(value)
            start, end = _bounds(indexes, len(data))
            return from_bytes(data[start:end])
        case list():
            start, end = _bounds(indexes, len(value))
            return value[start:end]
    raise CallError(f"can't slice item of type {go_type(value).value}")


def _bounds(indexes: tuple[object, ...], length: int) -> tuple[int, int]:
    positions = [_position(index, length) for index in indexes]
    start, end = positions[0] if positions else 0, positions[1] if len(positions) > 1 else length
    if start > end:
        raise CallError(f"invalid slice index: {start} > {end}")
    if len(positions) == _MOST_SLICE_INDEXES and end > positions[2]:
        raise CallError(f"invalid slice index: {end} > {positions[2]}")
    return start, end


def _default(replacement: object, *given: object) -> object:
    return given[0] if given and truth(given[0]) else replacement


# -- the functions ----------------------------------------------------------------------------------------------------

_VALUE: Final = GoType.VALUE
_BOOL: Final = GoType.BOOL

COMPARISON_FUNCTIONS: Final = {
    "eq": Signature(equal, _BOOL, (_VALUE,), _VALUE),
    "ne": Signature(_not_equal, _BOOL, (_VALUE, _VALUE)),
    "lt": Signature(_less, _BOOL, (_VALUE, _VALUE)),
    "le": Signature(_less_or_equal, _BOOL, (_VALUE, _VALUE)),
    "gt": Signature(_greater, _BOOL, (_VALUE, _VALUE)),
    "ge": Signature(_greater_or_equal, _BOOL, (_VALUE, _VALUE)),
    "not": Signature(lambda value: not truth(value), _BOOL, (_VALUE,)),
    "len": Signature(_length, GoType.INT, (_VALUE,)),
    "index": Signature(_index, None, (_VALUE,), _VALUE),
    "slice": Signature(_slice, None, (_VALUE,), _VALUE),
    "default": Signature(_default, None, (GoType.ANY,), GoType.ANY),
}
