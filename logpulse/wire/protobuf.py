"""The wire format of protobuf, as far as messages made of nested messages, text and integers need it.

A key is `field number << 3 | wire type`. What is cut off raises IndexError, or BodyFormatError where the fault shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from logpulse.errors import BodyFormatError

_GROUP: Final = 3  # begins a group; groups are long out of use, and only ever skipped
_GROUP_END: Final = 4
_VARINT_BYTES: Final = 10


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Give the unsigned integer at `at`, and the place behind it.

    Raises:
        IndexError: the data ends within it.
        BodyFormatError: it is longer than 64 bits need.
    """
    number = 0
    for position in range(_VARINT_BYTES):
        byte = data[at + position]
        number |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at + position + 1
    raise BodyFormatError(f"the protobuf is malformed at byte {at}: an integer of more than 64 bits")


def read_fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Give (key, start, stop) for each field of the message in data[at:end]; data[start:stop] is its value.

    Raises:
        IndexError: the data ends within a field.
        BodyFormatError: the message ends within a field, or a key is none.
    """
    while at < end:
        key, at = read_varint(data, at)
        start, at = skip_value(data, at, key)
        if at > end:
            raise BodyFormatError(f"the protobuf is malformed at byte {start}: a field is longer than its message")
        yield key, start, at


def skip_value(data: bytes, at: int, key: int) -> tuple[int, int]:
    """Give the start and the stop of the value of `key` that begins at `at`; raises as `read_fields` does."""
    match key & 7:
        case 2:
            size, at = read_varint(data, at)
            return at, at + size
        case 0:
            return at, read_varint(data, at)[1]
        case 1:
            return at, at + 8
        case 5:
            return at, at + 4
        case 3:
            return at, _group_end(data, at)
        case kind:
            raise BodyFormatError(f"the protobuf is malformed at byte {at}: there is no wire type {kind}")


def _group_end(data: bytes, at: int) -> int:
    depth = 1
    while depth:
        key, at = read_varint(data, at)
        if key & 7 == _GROUP:
            depth += 1
        elif key & 7 == _GROUP_END:
            depth -= 1
        else:
            _, at = skip_value(data, at, key)
    return at
