"""Entries as LogPulse's own API shows them, in query answers and live frames alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from logpulse.logql.base import shown_name
from logpulse.logql.record import Origin
from logpulse.model.level import UNKNOWN, level_of
from logpulse.query.result import Entry
from logpulse.units import format_time
from logpulse.wire.metadata import metadata_pairs


class EntryJson(msgspec.Struct):
    """One entry of an answer; `context` is there, and true, only if it is shown as the context of another one."""

    id: str
    timestamp: str
    level: str
    message: str
    labels: dict[str, str]
    metadata: dict[str, str]
    context: bool | msgspec.UnsetType = msgspec.UNSET


LevelOf = Callable[[Mapping[str, str], Mapping[str, str], str], str]


def detected_level(labels: Mapping[str, str], metadata: Mapping[str, str], line: str) -> str:
    """Give the level label, else the level the entry itself shows, else nothing."""
    level = labels.get("level") or level_of(labels, metadata, line)
    return "" if level == UNKNOWN else level


def labelled_level(labels: Mapping[str, str], _metadata: Mapping[str, str], _line: str) -> str:
    """Give the level label or nothing, for servers that do not detect levels."""
    return labels.get("level", "")


def entry_json(entry: Entry, level: LevelOf) -> EntryJson:
    """Write one entry."""
    record = entry.record
    labels, metadata = dict(record.shown), metadata_pairs(entry.metadata)
    if metadata:
        origins = record.origins
        shown = {name for name, origin in origins.items() if origin is Origin.METADATA}
        labels = {name: value for name, value in labels.items() if name not in shown}
        metadata = {key: value for key, value in metadata.items() if shown_name(entry.labels, key) in shown}
    return EntryJson(
        id=entry.id,
        timestamp=format_time(entry.timestamp),
        level=level(labels, metadata, entry.line),
        message=record.line,
        labels=labels,
        metadata=metadata,
        context=msgspec.UNSET if entry.side is None else True,
    )
