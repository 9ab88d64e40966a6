"""Label names made of the keys that lines and metadata have."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from logpulse.limits import KNOWN_NAME_CHARACTERS, KNOWN_NAMES

_OTHER: Final = re.compile(r"[^a-zA-Z0-9_]")
_DIGITS: Final = frozenset("0123456789")
# Go's white space; Python's has four control characters more.
_BLANKS: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
)


def part_of_label_name(key: str) -> str:
    """Make of `key` what may follow in a label name: outer blanks go, each other character becomes `_`."""
    return _OTHER.sub("_", key.strip(_BLANKS))


def label_name(key: str) -> str:
    """Make a label name of `key`: as `part_of_label_name`, with `_` before a leading digit.

    Empty if the key has nothing but blanks: such a key makes no label.
    """
    name = part_of_label_name(key)
    return f"_{name}" if name[:1] in _DIGITS else name


class LabelNames(dict[str, str]):
    """Map keys to what `make` makes of them, and remember it: lines have the same keys over and over."""

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> str:
        name = self._make(key)
        if len(key) <= KNOWN_NAME_CHARACTERS:
            if len(self) >= KNOWN_NAMES:
                self.clear()
            self[key] = name
        return name
