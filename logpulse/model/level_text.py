"""The level of plain text: the beginnings of known formats, then a level word near the start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from logpulse.limits import LEVEL_SCAN_CHARACTERS
from logpulse.model.level_words import LETTERS, LOKI_WORDS, SYSLOG, UNKNOWN, WORDS

# One alternative for each format whose level is not a bounded word, or is one only in this place. Every repetition
# is bounded or possessive, so a refusal is linear.
_PREFIX: Final = re.compile(
    r"""
      <(?P<priority>[0-9]{1,3})>                                                        # syslog, kernel, systemd
    | (?P<klog>[IWEF])(?:0[1-9]|1[0-2])[0-3][0-9][ ]                                    # glog, Kubernetes
    | (?P<lower>trce|dbug|fail|crit|panic):(?:\s|$)                                     # .NET console, Go runtime
    | (?P<java>CONFIG|FINE|FINER|FINEST):(?:\s|$)                                       # java.util.logging
    | [0-9]{2}-[A-Z][a-z]{2}-[0-9]{4}[ ][0-9:.]{8,18}[ ](?P<tomcat>CONFIG|FINE|FINER|FINEST)[ ]
    | (?P<logrus>TRAC|DEBU|ERRO|FATA|PANI)\[[0-9]                                       # logrus on a terminal
    | \[[^\[\]]{1,40}\][ ]\[[a-z0-9_]{0,40}:
      (?P<apache>emerg|alert|crit|error|warn|notice|info|debug|trace(?=[1-8]))[1-8]?\]  # Apache's error log
    | [0-9]{1,10}:[A-Z][ ][0-9]{2}[ ][A-Z][a-z]{2}[ ][0-9]{4}[ ][0-9:.]{8,16}[ ](?P<redis>[-.*#])[ ]
    | (?:\S++[ ]){2,4}\[[0-9]{2}/(?P<access>[A-Z][a-z]{2})/[0-9]{4}:[0-9]{2}:           # Apache, nginx access logs
    """,
    re.VERBOSE,
)
_REDIS: Final[Mapping[str, str]] = {".": "debug", "-": "debug", "*": "info", "#": "warn"}
# Loki's words stand for a level anywhere; the others only in capitals or in brackets, as most are also plain English.
_GUARDED: Final = (
    "emerg", "emergency", "alert", "crit", "notice", "note", "severe", "panic",
    "inf", "wrn", "dbg", "trc", "vrb", "ftl",
)  # fmt: skip
_LOKI_SCANNED: Final = ("trace", "debug", "fatal", "critical", "error", "err", "warning", "warn", "info")
# Loki's boundaries. The left one is consumed: it is what the search is quick at finding. PostgreSQL writes two blanks.
_WORD: Final = re.compile(
    r"""[ \t\n\[({"'=|](?=[acdefilnpstvw])(?:("""
    + "|".join(_LOKI_SCANNED)
    + ")|("
    + "|".join(_GUARDED)
    + r""")|(log|debug)[1-5]?(?=:[ ][ ]))(?=[ \t\n\[\](){}:,!"'=|]|\Z)"""
)
_LOWER: Final = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def text_level(text: str) -> str:
    """Give the level that plain text shows in its first LEVEL_SCAN_CHARACTERS, `unknown` if it shows none.

    The earliest bounded word wins, as in Loki. Lines of access logs have no level, whatever their URLs say.
    """
    head = text[:LEVEL_SCAN_CHARACTERS]
    prefix = _PREFIX.match(head)
    level = _prefix_level(prefix) if prefix else None
    return level or _scan(head)


def _prefix_level(prefix: re.Match[str]) -> str | None:
    """Give the level of a known beginning, None if the numbers in it are out of range."""
    form = prefix.lastgroup or ""
    found = prefix[form]
    match form:
        case "priority":
            return SYSLOG[int(found) & 7] if int(found) < 192 else None
        case "klog":
            return LETTERS[found.lower()]
        case "redis":
            return _REDIS[found]
        case "access":
            return UNKNOWN
        case _:
            return WORDS[found.lower()]


def _scan(head: str) -> str:
    padded = " " + head
    lowered = padded.lower()
    if len(lowered) != len(padded):  # some letters become two; positions must hold in both
        lowered = padded.translate(_LOWER)
    for found in _WORD.finditer(lowered):
        if found[1]:
            return LOKI_WORDS[found[1]]
        begin, end = found.start() + 1, found.end()
        shouted = padded[begin:end].isupper()
        if found[2] and (shouted or (padded[begin - 1] == "[" and padded[end : end + 1] == "]")):
            return WORDS[found[2]]
        if found[3] and shouted:
            return "info" if found[3] == "log" else "debug"
    return UNKNOWN
