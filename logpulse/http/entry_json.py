"""Entries as LogPulse's own API shows them, in query answers and live frames alike."""

from __future__ import annotations

import msgspec

from logpulse.query.entry_level import LevelOf, shown_parts
from logpulse.query.result import Entry
from logpulse.units import format_time


class EntryJson(msgspec.Struct):
    """One entry of an answer; `context` is there, and true, only if it is shown as the context of another one."""

    id: str
    timestamp: str
    level: str
    message: str
    labels: dict[str, str]
    metadata: dict[str, str]
    context: bool | msgspec.UnsetType = msgspec.UNSET


def entry_json(entry: Entry, level: LevelOf) -> EntryJson:
    """Write one entry."""
    labels, metadata = shown_parts(entry.record, entry.labels, entry.metadata)
    return EntryJson(
        id=entry.id,
        timestamp=format_time(entry.timestamp),
        level=level(labels, metadata, entry.line),
        message=entry.record.line,
        labels=labels,
        metadata=metadata,
        context=msgspec.UNSET if entry.side is None else True,
    )
