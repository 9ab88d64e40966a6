"""Addresses inside text, as the filters with `ip("…")` look for them."""

from __future__ import annotations

import re
import socket
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from logpulse.logql.ip_range import IpRange, parse_ip_range

# What may be an address: a digit with a dot among the next three characters, or up to four hexadecimal digits and a
# colon, or `::` and one digit. From there it reaches as far as the characters of an address do.
_CANDIDATE: Final = re.compile(
    r"(?=[0-9].{0,2}\.)(?P<v4>[0-9.]++)|(?=::[0-9a-fA-F]|[0-9a-fA-F]{1,4}:)(?P<v6>[0-9a-fA-F:.]++)", re.DOTALL
)
_FAMILIES: Final = {"v4": socket.AF_INET, "v6": socket.AF_INET6}
_V4_BYTES: Final = 4
_V6_BYTES: Final = 16


def compile_ip_search(*texts: str) -> Callable[[str], bool]:
    """Make the test whether an address of one of the ranges that `texts` name stands in a line.

    An address may stand inside other text (`x10.0.0.1y`), but not inside a longer run of its own characters
    (`10.0.0.1.2`). Many ranges take hardly longer than one.

    Raises:
        IpRangeError: a text names no addresses.
    """
    ranges = [parse_ip_range(text) for text in texts]
    sought = {size: _Intervals.of(ranges, size) for size in (_V4_BYTES, _V6_BYTES)}
    some_v4, some_v6 = bool(sought[_V4_BYTES].firsts), bool(sought[_V6_BYTES].firsts)

    def found(line: str) -> bool:
        if not (some_v4 and line.count(".") >= 3) and not (some_v6 and line.count(":") >= 2):
            return False
        for candidate in _CANDIDATE.finditer(line):
            kind = candidate.lastgroup or ""
            try:
                packed = socket.inet_pton(_FAMILIES[kind], candidate[kind])
            except OSError:
                continue
            if packed in sought[len(packed)]:
                return True
        return False

    return found


@attrs.frozen
class _Intervals:
    """Hold ranges of packed addresses of one size, none touching another, in order."""

    firsts: list[bytes]
    lasts: list[bytes]

    @classmethod
    def of(cls, ranges: Sequence[IpRange], size: int) -> _Intervals:
        """Join the ranges of this size."""
        joined = cls([], [])
        for first, last in sorted((each.first.packed, each.last.packed) for each in ranges):
            if len(first) != size:
                continue
            if joined.lasts and first <= joined.lasts[-1]:
                joined.lasts[-1] = max(last, joined.lasts[-1])
            else:
                joined.firsts.append(first)
                joined.lasts.append(last)
        return joined

    def __contains__(self, packed: bytes) -> bool:
        below = bisect_right(self.firsts, packed)
        return below > 0 and packed <= self.lasts[below - 1]
