"""Decide what is too old to keep. Whole segments go; age counts from the later of an entry's time and its arrival."""

from __future__ import annotations

from collections.abc import Sequence

from logpulse.limits import DAY_NS
from logpulse.storage.segment import Segment


def expired_segments(segments: Sequence[Segment], retention_days: int, now_ns: int) -> tuple[Segment, ...]:
    """Choose the segments all of whose entries are older than `retention_days`; 0 days keeps everything."""
    if retention_days == 0:
        return ()
    oldest_kept = now_ns - retention_days * DAY_NS
    return tuple(each for each in segments if max(each.facts.newest, each.facts.arrival) < oldest_kept)
