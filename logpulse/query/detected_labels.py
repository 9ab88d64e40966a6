"""Labels that are worth choosing streams by: those whose values are more than ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from typing import Final

from logpulse.logql.conversion import ConversionError, parse_float
from logpulse.model.labels import Labels

_ALWAYS: Final = frozenset({"cluster", "namespace", "instance", "pod"})
_FLAGS: Final = frozenset({"0", "1"})
_HEX: Final = "[0-9a-fA-F]"
_UUID_TEXT: Final = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUID: Final = re.compile(rf"(?:urn:uuid:)?{_UUID_TEXT}|\{{{_UUID_TEXT}\}}|{_HEX}{{32}}", re.IGNORECASE)


def detect_labels(streams: Iterable[Labels]) -> Mapping[str, int]:
    """Map the names of useful labels, sorted, to the number of their values in `streams`.

    A label is of no use if all its values are numbers or UUIDs, unless it is one of a few well-known names, or a flag
    with the values 0 and 1. These are Loki's rules.
    """
    values: dict[str, set[str]] = {}
    for labels in streams:
        for name, value in labels:
            values.setdefault(name, set()).add(value)
    return {name: len(values[name]) for name in sorted(values) if name in _ALWAYS or _tells_more_than_ids(values[name])}


def _tells_more_than_ids(values: Set[str]) -> bool:
    return values <= _FLAGS or not all(map(_is_id, values))


def _is_id(value: str) -> bool:
    try:
        parse_float(value)
    except ConversionError:
        return _UUID.fullmatch(value) is not None
    return True
