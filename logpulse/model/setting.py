"""What a setting is made of: its default and help, and the kinds of values that are written with a unit."""

from __future__ import annotations

from typing import TypeVar

import attrs

from logpulse.limits import SECOND_NS
from logpulse.units import format_byte_size, format_duration, parse_byte_size, parse_duration

_T = TypeVar("_T")


class Duration(int):
    """Hold nanoseconds; written as `30s` or `250ms`."""

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self / SECOND_NS

    def __str__(self) -> str:
        return format_duration(int(self))


class ByteSize(int):
    """Hold bytes; written as a number or as `64KiB`."""

    def __str__(self) -> str:
        return format_byte_size(int(self))


class Secret(str):
    """Hold text that is never shown and can stand in a header."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Secret:
        """Take what an operator gave, without the blanks around it, such as the newline at the end of a file.

        Raises:
            ValueError: it is blank, or not printable ASCII; does not repeat it.
        """
        secret = text.strip(" \t\r\n")
        if text and not secret:
            raise ValueError("is blank; write the secret, or leave the setting out")
        if not (secret.isascii() and secret.isprintable()):
            raise ValueError("must be printable ASCII, since it is sent in a header")
        return cls(secret)

    def __repr__(self) -> str:
        return "'********'" if self else "''"


@attrs.frozen
class Setting:
    """Describe one setting; `path` is dotted, with `[]` behind the name of a list."""

    path: str
    default: object
    help: str


def declare(default: _T, help_text: str) -> _T:
    """Declare a field that is a setting."""
    field: _T = attrs.field(default=default, metadata={"help": help_text})
    return field


def seconds(count: float) -> Duration:
    """Give a duration for a default."""
    return Duration(int(count * SECOND_NS))


def read_unit(kind: type, value: object) -> object:
    """Read a value with a unit, for msgspec's `dec_hook`.

    Raises:
        ValueError, LogPulseError: the value is not of this kind.
    """
    if isinstance(value, kind):
        return value
    if kind is Secret:
        if isinstance(value, str):
            return Secret.of(value)
        raise ValueError("expected text; put the secret in quotes")  # which must not be repeated here
    if kind is Duration and isinstance(value, str):
        return Duration(parse_duration(value))
    if kind is ByteSize and isinstance(value, str | int) and not isinstance(value, bool):
        return ByteSize(parse_byte_size(str(value)))
    raise ValueError(f"expected a {kind.__name__.lower()}, got {value!r}")
