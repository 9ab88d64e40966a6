"""One directive of `printf` on one operand: every verb of Go's fmt package, with flags, width and precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, Protocol, runtime_checkable

import attrs

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.lexical import quote
from logpulse.logql.template_types import NO_VALUE, GoType, Uint8, go_type, to_bytes
from logpulse.logql.template_values import format_float, scientific, text_too_long

_BASES: Final = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"b": "0b", "x": "0x", "X": "0X"}
_TEXT_VERBS: Final = frozenset("vsxXq")
_REPLACEMENT: Final = 0xFFFD
_MANTISSA_BITS: Final = 53


@runtime_checkable
class GoStringer(Protocol):
    """Be a value with a form in Go's syntax, which `%#v` prints."""

    def go_string(self) -> str:
        """Give that form."""


@attrs.frozen
class Directive:
    """Hold what stands behind a `%`; a width or precision that is not given is None."""

    verb: str
    flags: frozenset[str] = frozenset()
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str) -> str:
        """Fill a text up to the width: with blanks, or on the left with zeros if the flag `0` says so."""
        if "0" in self.flags and "-" not in self.flags:
            return text.rjust(self.width or 0, "0")
        return self.pad_with_blanks(text)

    def pad_with_blanks(self, text: str) -> str:
        """Fill a text up to the width with blanks."""
        return text.ljust(self.width or 0) if "-" in self.flags else text.rjust(self.width or 0)

    def sign(self) -> str:
        """Give what stands before a number that is not negative."""
        return "+" if "+" in self.flags else " " if " " in self.flags else ""


def print_operand(directive: Directive, operand: object) -> str:
    """Print an operand; a verb that its type has not becomes `%!d(string=x)`.

    Raises:
        CallError: the text has more than TEMPLATE_BYTES.
    """
    if operand is None or operand is NO_VALUE:
        if directive.verb in ("T", "v"):
            return directive.pad("<nil>")
        return f"%!{directive.verb}(<nil>)"
    if directive.verb == "T":
        return _text(attrs.evolve(directive, verb="s"), go_type(operand).value)
    return _value(directive, operand)


def _value(directive: Directive, operand: object) -> str:
    if operand is None:
        return "interface {}(nil)" if _is_go_syntax(directive) else "<nil>"
    match operand:
        case str():
            return _text(directive, operand) if directive.verb in _TEXT_VERBS else _wrong(directive, operand)
        case bool():
            if directive.verb not in "tv":
                return _wrong(directive, operand)
            return directive.pad("true" if operand else "false")
        case float():
            return _float(directive, operand)
        case list():
            return _sequence(directive, operand)
        case dict():
            return _mapping(directive, operand)
        case int() if go_type(operand) in (GoType.INT, GoType.INT64, GoType.UINT8) or directive.verb not in _TEXT_VERBS:
            return _integer(directive, int(operand), operand)
    if _is_go_syntax(directive):
        return operand.go_string() if isinstance(operand, GoStringer) else str(int(operand))  # type: ignore[call-overload]
    return _text(directive, str(operand)) if directive.verb in _TEXT_VERBS else _wrong(directive, operand)


def _is_go_syntax(directive: Directive) -> bool:
    return directive.verb == "v" and "#" in directive.flags


def _wrong(directive: Directive, operand: object) -> str:
    # Flags, width and precision go on to count, as in Go; `#` means something else with `v`.
    plain = attrs.evolve(directive, verb="v", flags=directive.flags - {"#"})
    text = _integer(plain, int(operand), operand) if isinstance(operand, int) and not isinstance(operand, bool) else ""
    return f"%!{directive.verb}({go_type(operand).value}={text or _value(plain, operand)})"


def _join(parts: Iterator[str], separator: str) -> str:
    """Join parts that are made one by one, so that a width given to each of many cannot fill the memory."""
    texts: list[str] = []
    size = 0
    for part in parts:
        texts.append(part)
        size += len(part)
        if size > TEMPLATE_BYTES:
            raise text_too_long()
    return separator.join(texts)


def _sequence(directive: Directive, operand: list[object]) -> str:
    parts = (_value(directive, element) for element in operand)
    if _is_go_syntax(directive):
        return f"{GoType.LIST.value}{{{_join(parts, ', ')}}}"
    return f"[{_join(parts, ' ')}]"


def _mapping(directive: Directive, operand: dict[str, object]) -> str:
    parts = (f"{_value(directive, key)}:{_value(directive, operand[key])}" for key in sorted(operand))
    if _is_go_syntax(directive):
        return f"{go_type(operand).value}{{{_join(parts, ', ')}}}"
    return f"map[{_join(parts, ' ')}]"


# -- strings ----------------------------------------------------------------------------------------------------------


def _text(directive: Directive, text: str) -> str:
    if directive.verb in "xX":
        return _hexadecimal(directive, to_bytes(text))
    text = text if directive.precision is None else text[: directive.precision]
    if directive.verb == "q" or _is_go_syntax(directive):
        text = _quoted(directive, text)
    return directive.pad(text)


def _quoted(directive: Directive, text: str) -> str:
    if directive.verb == "q" and "#" in directive.flags and _fits_backquotes(text):
        return f"`{text}`"
    if directive.verb == "q" and "+" in directive.flags:
        return '"' + "".join(map(_escaped_for_ascii, text)) + '"'
    return quote(text) if text.isascii() else '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else quote(character)[1:-1]


def _escaped_for_ascii(character: str) -> str:
    code = ord(character)
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:
        return _escaped(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _fits_backquotes(text: str) -> bool:
    return not any(
        character in "`\x7f\ufeff" or (character < " " and character != "\t") or "\udc80" <= character <= "\udcff"
        for character in text
    )


def _hexadecimal(directive: Directive, data: bytes) -> str:
    data = data if directive.precision is None else data[: directive.precision]
    if not data:
        return directive.pad("")
    prefix = ("0x" if directive.verb == "x" else "0X") if "#" in directive.flags else ""
    digits = data.hex(" ") if " " in directive.flags else data.hex()
    digits = digits.upper() if directive.verb == "X" else digits
    return directive.pad(prefix + (digits.replace(" ", f" {prefix}") if prefix else digits))


# -- integers ---------------------------------------------------------------------------------------------------------


def _integer(directive: Directive, number: int, operand: object) -> str:
    match directive.verb:
        case "c":
            return directive.pad(chr(_character(number)))
        case "q":
            return directive.pad(_quoted_character(directive, _character(number)))
        case "U":
            return _code_point(directive, number)
    if _is_go_syntax(directive) and isinstance(operand, Uint8):
        return f"{number:#x}"
    base = _BASES.get(directive.verb)
    if base is None:
        return _wrong(directive, operand)
    if directive.precision == 0 and number == 0:
        return directive.pad_with_blanks("")
    sign = "-" if number < 0 else directive.sign()
    least = directive.precision
    if least is None and "0" in directive.flags and "-" not in directive.flags and directive.width:
        least = directive.width - len(sign)
    digits = format(abs(number), base).rjust(least or 0, "0")
    if directive.verb == "O":
        digits = f"0o{digits}"
    elif "#" in directive.flags and directive.verb == "o":
        digits = digits if digits.startswith("0") else f"0{digits}"
    elif "#" in directive.flags:
        digits = _PREFIXES.get(directive.verb, "") + digits
    return directive.pad_with_blanks(sign + digits)


def _character(number: int) -> int:
    return _REPLACEMENT if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF else number


def _quoted_character(directive: Directive, code: int) -> str:
    if code == ord("'"):
        return r"'\''"
    if code == ord('"'):
        return "'\"'"
    escape = _escaped_for_ascii if "+" in directive.flags else _escaped
    return f"'{escape(chr(code))}'"


def _code_point(directive: Directive, number: int) -> str:
    text = f"U+{number % 2**64:0{max(directive.precision or 4, 4)}X}"
    if "#" in directive.flags and _character(number) == number and chr(number).isprintable():
        text += f" '{chr(number)}'"
    return directive.pad_with_blanks(text)


# -- floats -----------------------------------------------------------------------------------------------------------


def _float(directive: Directive, number: float) -> str:
    if directive.verb not in "vbgGxXfFeE":
        return _wrong(directive, number)
    sign = "-" if math.copysign(1, number) < 0 and not math.isnan(number) else directive.sign()
    if math.isinf(number):
        return directive.pad_with_blanks((sign or "+") + "Inf")
    if math.isnan(number):
        return directive.pad_with_blanks(directive.sign() + "NaN")
    digits = _float_digits(directive, abs(number))
    if "#" in directive.flags and directive.verb not in "bv":
        digits = _with_point(directive, digits)
    if "0" in directive.flags and "-" not in directive.flags:
        return sign + digits.rjust((directive.width or 0) - len(sign), "0")
    return directive.pad(sign + digits)


def _float_digits(directive: Directive, number: float) -> str:
    precision = directive.precision
    match directive.verb:
        case "e" | "E" | "f" | "F":
            return f"{number:.{6 if precision is None else precision}{directive.verb}}"
        case "b":
            mantissa, exponent = _mantissa(number)
            return f"{mantissa}p{exponent:+d}"
        case "x" | "X":
            digits = _hexadecimal_float(number, precision)
            return digits if directive.verb == "x" else digits.upper()
        case "G":
            return format_float(number).upper() if precision is None else f"{number:.{precision}G}"
    return format_float(number) if precision is None else f"{number:.{precision}g}"


def _with_point(directive: Directive, text: str) -> str:
    """Do what `#` asks for: write the decimal point always and, with `g`, zeros up to the precision."""
    marker = next((sign for sign in ("p" if directive.verb in "xX" else "e", "P", "E") if sign in text), "")
    number, exponent = (text[: text.index(marker)], text[text.index(marker) :]) if marker else (text, "")
    wanted = (6 if directive.precision is None else directive.precision) if directive.verb in "gGx" else 0
    significant = number.replace(".", "").lstrip("0")
    missing = wanted - (len(significant) or 1)
    point = "" if "." in number else "."
    return number + point + "0" * max(missing, 0) + exponent


def _mantissa(number: float) -> tuple[int, int]:
    """Give a float as an integer of 53 bits and a power of two."""
    fraction, exponent = math.frexp(number)
    shift = max(exponent - _MANTISSA_BITS, -1074)
    return int(math.ldexp(fraction, exponent - shift)) if number else 0, shift if number else -1074


def _hexadecimal_float(number: float, precision: int | None) -> str:
    if number == 0:
        return f"0x0{'.' + '0' * precision if precision else ''}p+00"
    mantissa, exponent = math.frexp(number)
    digits = int(math.ldexp(mantissa, _MANTISSA_BITS))  # 1 bit before the point, 52 after it
    exponent -= 1
    if precision is not None and precision < 13:
        dropped = 4 * (13 - precision)
        digits, rest = divmod(digits, 1 << dropped)
        half = 1 << (dropped - 1)
        digits += rest > half or (rest == half and digits % 2 == 1)
        if digits >> (4 * precision) > 1:
            digits >>= 1
            exponent += 1
        text = f"{digits:x}"
    else:
        text = f"{digits:x}".rstrip("0") if precision is None else f"{digits:x}".ljust(precision + 1, "0")
    return f"0x{scientific(text or '1', exponent, 'p')}"
