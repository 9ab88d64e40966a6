"""Print the values of templates as Go's fmt package does with `%v`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.template_failure import CallError, exceeded
from logpulse.logql.template_types import NO_VALUE, byte_length

_LARGEST_PLAIN: Final = 6  # the power of ten from which on a float is written with an exponent


def text_too_long(size: int | None = None) -> CallError:
    """Refuse a text of `size` bytes, or of more than was worth counting."""
    sent = "more" if size is None else f"{size} bytes"
    return exceeded("the text a template makes of one line", TEMPLATE_BYTES, sent)


def check_size(text: str) -> str:
    """Give `text` back.

    Raises:
        CallError: it has more than TEMPLATE_BYTES.
    """
    # A character has four bytes at most, so that most texts need no counting.
    if len(text) * 4 > TEMPLATE_BYTES and byte_length(text) > TEMPLATE_BYTES:
        raise text_too_long(byte_length(text))
    return text


# -- floats -----------------------------------------------------------------------------------------------------------


def format_float(value: float) -> str:
    """Write a float64 in the fewest digits that give it back: `2.5`, `100000`, `1e+06`, `1.5e-05`, `+Inf`, `NaN`."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, point = decimal_digits(value)
    if -4 <= point - 1 < _LARGEST_PLAIN:
        return sign + _plain(digits, point)
    return sign + scientific(digits, point - 1)


def decimal_digits(value: float) -> tuple[str, str, int]:
    """Give the sign, the shortest digits and the place of the decimal point: 0.5 is `5` and 0, 0 is `0` and 1."""
    sign, parts, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    digits = "".join(map(str, parts))
    point = len(digits) + exponent
    digits = digits.rstrip("0") or "0"
    return "-" if sign else "", digits, point if digits != "0" else 1


def scientific(digits: str, exponent: int, marker: str = "e") -> str:
    """Write digits with an exponent of two digits or more: `1.5e+06`."""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}{marker}{exponent:+03d}"


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + digits
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"


# -- any value --------------------------------------------------------------------------------------------------------


def text_of(value: object) -> str:
    """Write a value as an action prints it: nil is `<no value>`, but `<nil>` inside of lists and maps.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    if value.__class__ is str:
        return value
    return "<no value>" if value is None or value is NO_VALUE else sprint_value(value)


def sprint_value(value: object) -> str:
    """Write a value as `%v` does.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    if value.__class__ is str:
        return check_size(value)
    if value.__class__ is int:
        return str(value)
    pieces: list[str] = []
    _write(value, pieces.append)
    return check_size("".join(pieces))


def _write(value: object, write: Callable[[str], None]) -> None:
    match value:
        case str():
            write(value)
        case bool():
            write("true" if value else "false")
        case float():
            write(format_float(value))
        case None:
            write("<nil>")
        case dict():
            write("map[")
            separator = ""
            for key in sorted(value):
                write(f"{separator}{key}:")
                _write(value[key], write)
                separator = " "
            write("]")
        case list():
            write("[")
            separator = ""
            for element in value:
                write(separator)
                _write(element, write)
                separator = " "
            write("]")
        case _:
            write(str(value))


def sprint(operands: Sequence[object]) -> str:
    """Write values one after another, with a blank between two that are no strings.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    pieces = []
    size = 0
    after_text = True
    for operand in operands:
        is_text = operand.__class__ is str
        if not (is_text or after_text):
            pieces.append(" ")
        pieces.append(sprint_value(operand))
        size += len(pieces[-1])
        if size > TEMPLATE_BYTES:
            break
        after_text = is_text
    return check_size("".join(pieces))


def sprint_line(operands: Sequence[object]) -> str:
    """Write values with a blank between any two, and a newline.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    pieces = []
    size = 0
    for operand in operands:
        pieces.append(sprint_value(operand))
        size += len(pieces[-1])
        if size > TEMPLATE_BYTES:
            break
    return check_size(" ".join(pieces) + "\n")
