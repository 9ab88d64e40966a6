"""A bound on what decoding a JSON body takes, found out before it is decoded."""

from __future__ import annotations

from typing import Final

import numpy as np

from logpulse.errors import LimitExceededError
from logpulse.limits import STRINGS_PER_PUSH

_QUOTE: Final = ord('"')
_SHORTEST: Final = len('"",')
_BACKSLASHES: Final = 8  # before one quote; what has more is counted wrongly and was not written by a logger


def check_strings(body: bytes) -> None:
    """Refuse a body of more strings than a push has: each is an object, whatever its length.

    Raises:
        LimitExceededError: there are more than STRINGS_PER_PUSH.
    """
    if len(body) < _SHORTEST * STRINGS_PER_PUSH:
        return
    quotes = int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8) == _QUOTE))
    if quotes <= 2 * STRINGS_PER_PUSH:
        return
    strings = (quotes - _escaped_quotes(body)) // 2
    if strings > STRINGS_PER_PUSH:
        raise LimitExceededError("texts in a push", STRINGS_PER_PUSH, strings)


def _escaped_quotes(body: bytes) -> int:
    # A quote is escaped by an odd number of backslashes before it.
    return sum((-1) ** (number + 1) * body.count(b"\\" * number + b'"') for number in range(1, _BACKSLASHES + 1))
