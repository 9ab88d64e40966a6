"""`fromJson`: JSON as Go's encoding/json reads it into any value. Numbers are floats, and broken JSON is nil."""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from logpulse.logql.template_types import GoType, Signature, well_formed

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def from_json(text: str) -> object:
    """Read JSON; None if it is broken, as well as for `null`."""
    text = well_formed(text)
    try:
        value: object = _DECODER.decode(text)
        return value if _SURROGATE.search(text) is None else _repaired(value)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> float | None:
    # A number beyond a float64 is nil, and the rest is read all the same.
    value = float(digits)
    return None if math.isinf(value) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _repaired(value: object) -> object:
    """Replace halves of surrogate pairs that escapes have written."""
    match value:
        case str():
            return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
        case list():
            return [_repaired(element) for element in value]
        case dict():
            return {_repaired(name): _repaired(element) for name, element in value.items()}
    return value


_DECODER: Final = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_refuse)

JSON_FUNCTIONS: Final = {"fromJson": Signature(from_json, None, (GoType.STRING,))}
