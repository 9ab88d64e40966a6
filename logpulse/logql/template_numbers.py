"""Functions of templates that compute. They take anything: text that is no number counts as 0, as in sprig."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Callable
from typing import Final

from logpulse.logql.template_failure import CallError
from logpulse.logql.template_types import GoType, Int64, Signature, wrap64

_DIGITS: Final = "[0-9]+(?:_[0-9]+)*"
_FLOAT: Final = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_HEX_DIGITS: Final = "[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_HEX_FLOAT: Final = re.compile(
    rf"[+-]?0[xX]_?(?:{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}"
)
_SPECIAL: Final = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)
_INTEGER: Final = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_OCTAL: Final = re.compile(r"[+-]?0_?[0-7]")
_WITH_FRACTION: Final = re.compile(r"([+-]?[0-9]*)\.[0-9]*")
_LONGEST: Final = 2000  # characters of a number; more digits than this tell nothing, and reading them takes time
_BYTE_SIZE: Final = re.compile(r"([0-9.,]*)(.*)", re.DOTALL)
_BYTE_UNITS: Final = {
    "": 1,
    "b": 1,
    **{f"{letter}{end}": 1000**power for power, letter in enumerate("kmgtpe", 1) for end in ("", "b")},
    **{f"{letter}i{end}": 1024**power for power, letter in enumerate("kmgtpe", 1) for end in ("", "b")},
}
_DURATION_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_DURATION_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
# Go adds and multiplies decimals exactly; a thousand digits hold every sum of float64s.
_EXACT: Final = decimal.Context(
    prec=1000, rounding=decimal.ROUND_HALF_UP, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]
)
_DIVISION_STEP: Final = decimal.Decimal("1e-16")


# -- conversions ------------------------------------------------------------------------------------------------------


def parse_float(text: str) -> float | None:
    """Read a number as strconv.ParseFloat: `1_000`, `0x1p-2` and `Inf` too; None if it is none or beyond a float64."""
    if len(text) > _LONGEST:
        return None
    if _FLOAT.fullmatch(text) is not None:
        value = float(text)
        return None if math.isinf(value) else value
    if _SPECIAL.fullmatch(text) is not None:
        return float(text)
    if _HEX_FLOAT.fullmatch(text) is not None:
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            return None
    return None


def to_float(value: object) -> float:
    """Convert any value to a float64; what is no number is 0."""
    match value:
        case float():
            return value
        case str():
            number = parse_float(value)
            return 0.0 if number is None else number
        case int():
            return float(value)
    return 0.0


def to_integer(value: object) -> int:
    """Convert any value to an int64: a fraction is cut off, `0x10` is 16 and `010` is 8; what is no number is 0."""
    match value:
        case str():
            return _parse_integer(value)
        case float():
            return int(value) if -(2.0**63) <= value < 2.0**63 else 0
        case int():
            return int(value)
    return 0


def _parse_integer(text: str) -> int:
    fraction = _WITH_FRACTION.fullmatch(text)
    text = text if fraction is None else fraction[1] if fraction[1].strip("+-") else "0"
    if len(text) > _LONGEST or _INTEGER.fullmatch(text) is None:
        return 0
    value = int(text, 8) if _OCTAL.match(text) is not None else int(text, 0)
    return value if -(2**63) <= value < 2**63 else 0


def parse_bytes(text: str) -> float:
    """Read a size such as `1.5KiB`, `2,048` or `3 mb` as bytes, rounded down.

    Raises:
        CallError: it is none.
    """
    match = _BYTE_SIZE.match(text)
    number, unit = (match[1], match[2]) if match is not None else ("", text)
    value = parse_float(number.replace(",", ""))
    if value is None:
        raise CallError(f'strconv.ParseFloat: parsing "{number.replace(",", "")}": invalid syntax')
    unit = unit.strip().lower()
    if unit not in _BYTE_UNITS:
        raise CallError(f"unhandled size name: {unit}")
    value *= _BYTE_UNITS[unit]
    if value >= 2.0**64:
        raise CallError(f"too large: {text}")
    return float(int(value))


def parse_go_duration(text: str) -> float:
    """Read a duration such as `1h15m30.9s` as seconds.

    Raises:
        CallError: it is none, has a unit that Go has not (`1d`), or is longer than 292 years.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total = 0
    position = 0
    while position < len(rest) or not rest:
        match = _DURATION_PART.match(rest, position)
        if match is None or not (match[1] or match[2]) or len(match[1]) > 19:
            raise CallError(f'time: invalid duration "{text}"')
        if not match[3]:
            raise CallError(f'time: missing unit in duration "{text}"')
        unit = _DURATION_UNITS.get(match[3])
        if unit is None:
            raise CallError(f'time: unknown unit "{match[3]}" in duration "{text}"')
        fraction = (match[2] or "")[:18]
        total += int(match[1] or "0") * unit + int(int(fraction or "0") * (unit / 10 ** len(fraction)))
        if total >= 2**63:
            raise CallError(f'time: invalid duration "{text}"')
        position = match.end()
    seconds, nanoseconds = divmod(total, 1_000_000_000)
    return sign * (seconds + nanoseconds / 1e9)


# -- integers ---------------------------------------------------------------------------------------------------------


def _add(*operands: object) -> Int64:
    return Int64(wrap64(sum(map(to_integer, operands))))


def _sub(left: object, right: object) -> Int64:
    return Int64(wrap64(to_integer(left) - to_integer(right)))


def _mul(first: object, *operands: object) -> Int64:
    product = to_integer(first)
    for operand in operands:
        product = wrap64(product * to_integer(operand))
    return Int64(product)


def _div(left: object, right: object) -> Int64:
    return Int64(wrap64(_divided(left, right)[0]))


def _mod(left: object, right: object) -> Int64:
    return Int64(_divided(left, right)[1])


def _divided(left: object, right: object) -> tuple[int, int]:
    dividend, divisor = to_integer(left), to_integer(right)
    if divisor == 0:
        raise CallError("runtime error: integer divide by zero")
    quotient = abs(dividend) // abs(divisor)  # Go cuts towards zero
    quotient = quotient if (dividend < 0) == (divisor < 0) else -quotient
    return quotient, dividend - quotient * divisor


def _max(first: object, *operands: object) -> Int64:
    return Int64(max(to_integer(first), *map(to_integer, operands)) if operands else to_integer(first))


def _min(first: object, *operands: object) -> Int64:
    return Int64(min(to_integer(first), *map(to_integer, operands)) if operands else to_integer(first))


# -- floats -----------------------------------------------------------------------------------------------------------


def _decimal(value: object) -> decimal.Decimal:
    number = to_float(value)
    if not math.isfinite(number):
        sign = "" if math.isnan(number) else "+" if number > 0 else "-"
        raise CallError(f"Cannot create a Decimal from {sign}{'NaN' if math.isnan(number) else 'Inf'}")
    return decimal.Decimal(repr(number))


def _divide(left: decimal.Decimal, right: decimal.Decimal) -> decimal.Decimal:
    if right == 0:
        raise CallError("decimal division by 0")
    return _EXACT.quantize(_EXACT.divide(left, right), _DIVISION_STEP)


def _computed(
    first: object,
    operands: tuple[object, ...],
    operation: Callable[[decimal.Decimal, decimal.Decimal], decimal.Decimal],
) -> float:
    result = _decimal(first)
    for operand in operands:
        result = operation(result, _decimal(operand))
    return float(result) or 0.0  # decimals have no -0


def _maxf(first: object, *operands: object) -> float:
    return _extreme(max, math.inf, first, operands)


def _minf(first: object, *operands: object) -> float:
    return _extreme(min, -math.inf, first, operands)


def _extreme(
    choose: Callable[[float, float], float], utmost: float, first: object, operands: tuple[object, ...]
) -> float:
    result = to_float(first)
    for number in map(to_float, operands):
        if math.isnan(result) or math.isnan(number):
            result = utmost if utmost in (result, number) else math.nan
        else:
            result = choose(result, number)
    return result


def _ceil(value: object) -> float:
    number = to_float(value)
    return math.copysign(math.ceil(number), number) if math.isfinite(number) else number


def _floor(value: object) -> float:
    number = to_float(value)
    return math.copysign(math.floor(number), number) if math.isfinite(number) else number


def _round(value: object, places: int, *limit: float) -> float:
    """Round to decimal places, up from `limit` of the last one on. Negative numbers go down, as sprig has it."""
    try:
        scale = 10.0**places
    except OverflowError:
        scale = math.inf
    scaled = scale * to_float(value)
    if not math.isfinite(scaled) or scale == 0:
        return math.nan if scale == 0 or math.isinf(scale) else scaled / scale
    up = math.modf(scaled)[0] >= (limit[0] if limit else 0.5)
    return math.copysign(math.ceil(scaled) if up else math.floor(scaled), scaled) / scale


# -- the functions ----------------------------------------------------------------------------------------------------

_ANY: Final = GoType.ANY
_INT64: Final = GoType.INT64
_FLOAT64: Final = GoType.FLOAT

NUMBER_FUNCTIONS: Final = {
    "int": Signature(to_integer, GoType.INT, (_ANY,)),
    "float64": Signature(to_float, _FLOAT64, (_ANY,)),
    "add": Signature(_add, _INT64, (), _ANY),
    "sub": Signature(_sub, _INT64, (_ANY, _ANY)),
    "mul": Signature(_mul, _INT64, (_ANY,), _ANY),
    "div": Signature(_div, _INT64, (_ANY, _ANY)),
    "mod": Signature(_mod, _INT64, (_ANY, _ANY)),
    "max": Signature(_max, _INT64, (_ANY,), _ANY),
    "min": Signature(_min, _INT64, (_ANY,), _ANY),
    "addf": Signature(lambda *operands: _computed(0.0, operands, _EXACT.add), _FLOAT64, (), _ANY),
    "subf": Signature(lambda first, *operands: _computed(first, operands, _EXACT.subtract), _FLOAT64, (_ANY,), _ANY),
    "mulf": Signature(lambda first, *operands: _computed(first, operands, _EXACT.multiply), _FLOAT64, (_ANY,), _ANY),
    "divf": Signature(lambda first, *operands: _computed(first, operands, _divide), _FLOAT64, (_ANY,), _ANY),
    "maxf": Signature(_maxf, _FLOAT64, (_ANY,), _ANY),
    "minf": Signature(_minf, _FLOAT64, (_ANY,), _ANY),
    "ceil": Signature(_ceil, _FLOAT64, (_ANY,)),
    "floor": Signature(_floor, _FLOAT64, (_ANY,)),
    "round": Signature(_round, _FLOAT64, (_ANY, GoType.INT), _FLOAT64),
    "bytes": Signature(parse_bytes, _FLOAT64, (GoType.STRING,)),
    "duration": Signature(parse_go_duration, _FLOAT64, (GoType.STRING,)),
    "duration_seconds": Signature(parse_go_duration, _FLOAT64, (GoType.STRING,)),
}
