"""Decide what is too old to keep. Whole segments go; age counts from the later of an entry's time and its arrival."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from logpulse.limits import DAY_NS
from logpulse.storage.segment import Segment


@attrs.frozen
class Expired:
    """Hold the segments to delete, or the reason why a doubtful clock forbids deleting anything."""

    segments: tuple[Segment, ...] = ()
    refusal: str = ""


def expired_segments(segments: Sequence[Segment], retention_days: int, now_ns: int, last_run_ns: int) -> Expired:
    """Choose the segments all of whose entries are older than `retention_days`; 0 days keeps everything.

    A clock that moved by more than a day and the time since the last run (`last_run_ns`; 0 on the first run) is not
    trusted: a wrong clock must not delete an archive.
    """
    if retention_days == 0:
        return Expired()
    if last_run_ns and abs(now_ns - last_run_ns) > DAY_NS:
        return Expired(refusal="the clock moved by more than a day since retention last ran")
    oldest_kept = now_ns - retention_days * DAY_NS
    return Expired(tuple(each for each in segments if max(each.facts.newest, each.facts.arrival) < oldest_kept))
