"""The level that an answer shows for an entry, and which labels decide it before anything else is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from logpulse.logql.base import shown_name
from logpulse.logql.record import Origin, Record
from logpulse.model.labels import Labels
from logpulse.model.level import LEVEL_NAMES, UNKNOWN, level_of
from logpulse.wire.metadata import metadata_pairs

LevelOf = Callable[[Mapping[str, str], Mapping[str, str], str], str]
"""Give the level of an entry by the labels and the metadata that an answer shows of it, and by its line as stored."""


@attrs.frozen
class LevelRule:
    """Say how answers find the level of an entry.

    The first of `names` that is among its labels decides alone. Where none is, `otherwise` is the level; None says that
    metadata and line have to be looked at.
    """

    find: LevelOf
    names: tuple[str, ...]
    otherwise: str | None

    def of_labels(self, labels: Mapping[str, str]) -> str:
        """Give the level that labels decide."""
        return self.find(labels, {}, "")


def detected_level(labels: Mapping[str, str], metadata: Mapping[str, str], line: str) -> str:
    """Give the level label, else the level the entry itself shows, else nothing."""
    level = labels.get("level") or level_of(labels, metadata, line)
    return "" if level == UNKNOWN else level


def labelled_level(labels: Mapping[str, str], _metadata: Mapping[str, str], _line: str) -> str:
    """Give the level label or nothing, for servers that do not detect levels."""
    return labels.get("level", "")


DETECTED: Final = LevelRule(detected_level, LEVEL_NAMES, None)
"""The level as `detected_level` gives it."""

LABELLED: Final = LevelRule(labelled_level, ("level",), "")
"""The level as `labelled_level` gives it."""


def shown_parts(record: Record, stream: Labels, metadata: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """Divide what `record` shows into labels and metadata.

    `metadata` is the entry's as it is stored, of which that part is given, under its own names, which the pipeline
    left.
    """
    labels, pairs = dict(record.shown), metadata_pairs(metadata)
    if pairs:
        shown = {name for name, origin in record.origins.items() if origin is Origin.METADATA}
        labels = {name: value for name, value in labels.items() if name not in shown}
        pairs = {key: value for key, value in pairs.items() if shown_name(stream, key) in shown}
    return labels, pairs
