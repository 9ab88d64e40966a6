"""The words and numbers by which programs name levels, and the levels they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

UNKNOWN: Final = "unknown"

# Loki's words. Only these change an explicit value: an unusual level somebody chose is worth more than a guess.
LOKI_WORDS: Final[Mapping[str, str]] = {
    "trace": "trace",
    "trc": "trace",
    "debug": "debug",
    "dbg": "debug",
    "info": "info",
    "inf": "info",
    "information": "info",
    "warn": "warn",
    "wrn": "warn",
    "warning": "warn",
    "error": "error",
    "err": "error",
    "critical": "critical",
    "fatal": "fatal",
}
# Words of further formats: .NET, syslog, Java, logrus, Serilog, Go, MySQL.
WORDS: Final[Mapping[str, str]] = {
    **LOKI_WORDS,
    **dict.fromkeys(("trce", "trac", "verbose", "vrb", "finer", "finest"), "trace"),
    **dict.fromkeys(("dbug", "debu", "fine", "config"), "debug"),
    **dict.fromkeys(("informational", "notice", "note"), "info"),
    **dict.fromkeys(("severe", "fail", "eror", "erro"), "error"),
    **dict.fromkeys(("crit", "alert", "emerg", "emergency", "dpanic"), "critical"),
    **dict.fromkeys(("ftl", "fata", "panic", "pani"), "fatal"),
}
LETTERS: Final[Mapping[str, str]] = {
    "v": "trace",
    "t": "trace",
    "d": "debug",
    "i": "info",
    "w": "warn",
    "e": "error",
    "c": "critical",
    "f": "fatal",
}

PINO: Final[Mapping[int, str]] = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
PYTHON: Final[Mapping[int, str]] = {10: "debug", 20: "info", 30: "warn", 40: "error", 50: "critical"}
SYSLOG: Final[Mapping[int, str]] = {
    **dict.fromkeys((0, 1, 2), "critical"),
    3: "error",
    4: "warn",
    **dict.fromkeys((5, 6), "info"),
    7: "debug",
}
WINDOWS: Final[Mapping[int, str]] = {1: "critical", 2: "error", 3: "warn", 4: "info", 5: "trace"}
ZAP: Final[Mapping[int, str]] = {-1: "debug", 0: "info", 1: "warn", 2: "error", 3: "critical", 4: "fatal", 5: "fatal"}
OTEL: Final[Mapping[int, str]] = {
    **dict.fromkeys(range(1, 5), "trace"),
    **dict.fromkeys(range(5, 9), "debug"),
    **dict.fromkeys(range(9, 13), "info"),
    **dict.fromkeys(range(13, 17), "warn"),
    **dict.fromkeys(range(17, 21), "error"),
    **dict.fromkeys(range(21, 25), "fatal"),
}

# Members that only one format writes beside a numeric level. `name":` is JSON, `name=` logfmt.
_PINO_MEMBER: Final = re.compile(r'\b(?:pid|hostname|v|time)(?:"\s*+:|=)')
_GELF_MEMBER: Final = re.compile(r'\bshort_message(?:"\s*+:|=)')
_WINDOWS_MEMBER: Final = re.compile(r'\b(?:event_id|EventID|eventId|levelText|channel|Channel)(?:"\s*+:|=)')
_NUMBER: Final = re.compile(r"-?[0-9]{1,3}")
_ANSI: Final = re.compile(r"\x1b\[[0-?]*+[ -/]*+[@-~]")


def strip_ansi(text: str) -> str:
    """Remove the colours and other control sequences of terminals."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def word_level(word: str) -> str:
    """Give the level a level field's word means: a full name, an abbreviation or a single letter; else `unknown`."""
    lowered = word.strip().lower()
    return WORDS.get(lowered) or LETTERS.get(lowered, UNKNOWN)


def field_level(name: str, value: str, line: str) -> str:
    """Give the level that the field `name` of `line` means by `value`, a word or a number; else `unknown`.

    `name` is in lower case; it and the other fields of `line` tell whose numbers they are.
    """
    if _NUMBER.fullmatch(value):
        return _number_level(name, int(value), line)
    return word_level(strip_ansi(value))


def _number_level(name: str, number: int, line: str) -> str:
    if name == "levelno":
        return PYTHON.get(number, UNKNOWN)
    if name in ("severity_number", "severitynumber"):
        return OTEL.get(number, UNKNOWN)
    if name in ("severity", "priority"):
        return SYSLOG.get(number, UNKNOWN)
    if number >= 10:
        # Only these three are contested; 30 and 40 under this name are pino's far more often than Python's.
        contested = number in (10, 20, 50) and _PINO_MEMBER.search(line) is None
        return (PYTHON if contested else PINO).get(number, UNKNOWN)
    if _GELF_MEMBER.search(line):
        return SYSLOG.get(number, UNKNOWN)
    if _WINDOWS_MEMBER.search(line):
        return WINDOWS.get(number, UNKNOWN)
    return ZAP.get(number) or SYSLOG.get(number, UNKNOWN)
