"""Addresses inside text, as the filters with `ip("…")` look for them."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Final

from logpulse.logql.ip_range import parse_ip_range

# What may be an address: a digit with a dot among the next three characters, or up to four hexadecimal digits and a
# colon, or `::` and one digit. From there it reaches as far as the characters of an address do.
_CANDIDATE: Final = re.compile(
    r"(?=[0-9].{0,2}\.)(?P<v4>[0-9.]++)|(?=::[0-9a-fA-F]|[0-9a-fA-F]{1,4}:)(?P<v6>[0-9a-fA-F:.]++)", re.DOTALL
)
_V4_BYTES: Final = 4
_FAMILIES: Final = {"v4": socket.AF_INET, "v6": socket.AF_INET6}


def compile_ip_search(text: str) -> Callable[[str], bool]:
    """Make the test whether an address of the range that `text` names stands in a line.

    An address may stand inside other text (`x10.0.0.1y`), but not inside a longer run of its own characters
    (`10.0.0.1.2`).

    Raises:
        IpRangeError: `text` names no addresses.
    """
    addresses = parse_ip_range(text)
    first, last = addresses.first.packed, addresses.last.packed
    size = len(first)

    separator, least = (".", 3) if size == _V4_BYTES else (":", 2)

    def found(line: str) -> bool:
        if line.count(separator) < least:
            return False
        for candidate in _CANDIDATE.finditer(line):
            kind = candidate.lastgroup or ""
            try:
                packed = socket.inet_pton(_FAMILIES[kind], candidate[kind])
            except OSError:
                continue
            if len(packed) == size and first <= packed <= last:
                return True
        return False

    return found
