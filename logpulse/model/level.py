"""The level of an entry, exact form: from its labels, its metadata, or what its line shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from logpulse.limits import LEVEL_FIELD_CHARACTERS
from logpulse.model.level_json import is_json_object, json_level
from logpulse.model.level_logfmt import logfmt_level
from logpulse.model.level_text import text_level
from logpulse.model.level_words import LOKI_WORDS, OTEL, UNKNOWN, strip_ansi

__all__ = ["LEVEL_NAMES", "UNKNOWN", "detect_level", "level_of", "normalise_level"]

# Loki's names of a level, in its order of precedence.
LEVEL_NAMES: Final = (
    "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText", "lvl", "LVL", "Lvl",
    "severity_text", "Severity_Text", "SEVERITY_TEXT",
)  # fmt: skip
_METADATA_NAMES: Final = ("detected_level", *LEVEL_NAMES)
_LABEL_SET: Final = frozenset(LEVEL_NAMES)
_METADATA_SET: Final = frozenset(_METADATA_NAMES)


def detect_level(line: str) -> str:
    """Give the level a line shows: trace, debug, info, warn, error, critical, fatal, or `unknown`.

    The order: a level field of JSON or logfmt, the beginning of a known format (syslog priority, klog, .NET, ...), the
    first level word. Terminal colours are ignored. Only the first LEVEL_FIELD_CHARACTERS are looked at for fields and
    LEVEL_SCAN_CHARACTERS for words, so time does not grow with the line. Broken lines are no error.
    """
    text = strip_ansi(line[:LEVEL_FIELD_CHARACTERS])
    if is_json_object(text):
        return json_level(text)
    return logfmt_level(text) if "=" in text else text_level(text)


def normalise_level(value: str) -> str:
    """Give a level that somebody set explicitly in Loki's spelling: `Warning` is warn, `ERR` error.

    A value that Loki does not know is kept as it is: `notice` stays `notice`.
    """
    return LOKI_WORDS.get(value.strip().lower(), value)


def level_of(labels: Mapping[str, str], metadata: Mapping[str, str], line: str) -> str:
    """Give an entry's level: an explicit one of its labels, then of its metadata, else what its line shows.

    Within each, the first of Loki's names that is present and not empty decides; metadata may also name a
    `detected_level`, before them, and OpenTelemetry's `severity_number`, after them.
    """
    explicit = _named(labels, LEVEL_NAMES, _LABEL_SET) or _named(metadata, _METADATA_NAMES, _METADATA_SET)
    if explicit:
        return normalise_level(explicit)
    severity = metadata.get("severity_number")
    return _severity_level(severity) if severity else detect_level(line)


def _named(pairs: Mapping[str, str], names: tuple[str, ...], known: frozenset[str]) -> str:
    if known.isdisjoint(pairs):
        return ""
    return next((value for name in names if (value := pairs.get(name))), "")


def _severity_level(severity: str) -> str:
    """Read OpenTelemetry's number as Loki does: what is no number is info, a number out of range unknown."""
    digits = severity.strip()
    if not digits.removeprefix("-").isdecimal():
        return "info"
    return OTEL.get(int(digits), UNKNOWN) if len(digits) < 4 else UNKNOWN
