"""Lines of `key=value` pairs. What is no pair is broken up to the next blank, and the pairs behind it count."""

from __future__ import annotations

import json
import re
from typing import Final

from logpulse.model.labels import scrub

# Everything up to the space is a blank, control characters included.
_BLANKS: Final = "".join(map(chr, range(0x21)))
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_REPLACEMENT: Final = "\ufffd"  # stands for bytes that are no UTF-8, which a key may not have

_PAIR: Final = re.compile(
    r"""
    [\x00-\x20]*+
    (?:
        ([^\x00-\x20="]++)                                # a key,
        (?:
            = "([^"\\]*+ (?:\\.[^"\\]*+)*+)"              # a value in quotes: the next pair may begin at once,
          | = ([^\x00-\x20="]*+) (?![^\x00-\x20])         # or one without, up to a blank,
          | (?![^\x00-\x20])                              # or none
        )
      | ( [^\x00-\x20="]++ = " .*+                        # quotes that do not end
        | [^\x00-\x20]++ )                                # quotes or `=` where they do not belong
    )
    """,
    re.DOTALL | re.VERBOSE,
)


Pair = tuple[str, str, str, str]
"""A key with its value in quotes and its value without, at least one of the two empty; or, fourth, what is no pair."""


def pairs(line: str) -> list[Pair]:
    """Read a line from left to right."""
    found: list[Pair] = _PAIR.findall(line.rstrip(_BLANKS))
    if "\\" in line or _REPLACEMENT in line:
        return [_checked(*each) for each in found]
    return found


def unquote(text: str) -> str | None:
    r"""Replace the escapes of a value in quotes, which are those of JSON and `\'`; None if one is malformed.

    Control characters are malformed as well. Half a surrogate pair becomes U+FFFD.
    """
    value = _unquote_json(text)
    if value is None and "\\'" in text:
        value = _unquote_json(_ESCAPE.sub(lambda escape: "'" if escape[1] == "'" else escape[0], text))
    return None if value is None else scrub(value)


def _checked(key: str, quoted: str, plain: str, broken: str) -> Pair:
    if _REPLACEMENT in key:
        return "", "", "", key
    if "\\" in quoted:
        value = unquote(quoted)
        return ("", "", "", quoted) if value is None else (key, value, "", "")
    return key, quoted, plain, broken


def _unquote_json(text: str) -> str | None:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return None
