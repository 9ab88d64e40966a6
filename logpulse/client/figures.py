"""Numbers for people: with few digits and an SI prefix, or with what they count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

# No prefix from 0.001 to 999: a ratio of 0.25 is read faster than one of 250m, which could be minutes or millions.
_PREFIXES: Final = {-12: "p", -9: "n", -6: "µ", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_FEWEST_DIGITS: Final = 3
_MOST_DIGITS: Final = 12


def format_si(value: float, digits: int = _FEWEST_DIGITS) -> str:
    """Write a number with at most `digits` significant digits: `12`, `1.25k`, `340µ`, `1e+30`, `NaN`, `+Inf`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    rounded = Decimal(f"{value:.{digits - 1}e}")
    if not rounded:
        return "0"
    exponent = rounded.adjusted()
    group = 0 if -3 <= exponent < 3 else exponent // 3 * 3
    prefix = _PREFIXES.get(group)
    if prefix is None:
        return f"{value:.{digits}g}"
    return f"{rounded.scaleb(-group).normalize():f}{prefix}"


def format_distinct(values: Sequence[float]) -> list[str]:
    """Write different numbers so that they differ as texts too, with as few digits as that takes."""
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        texts = [format_si(value, digits) for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [format_si(value, _MOST_DIGITS) for value in values]


def format_count(number: int, one: str, many: str = "") -> str:
    """Write how many there are of what: `1 stream`, `1,200 entries`; `many` is `one` with an s unless given."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
