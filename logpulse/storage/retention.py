"""Decide what is too old to keep, and let it go, also where a full disk stands in the way.

Whole segments go; age counts from the later of an entry's time and its arrival.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from logpulse.batch import Int64Array
from logpulse.limits import DAY_NS
from logpulse.storage.catalog import Catalog
from logpulse.storage.clock import ClockRecord, ClockWatch
from logpulse.storage.current_view import CurrentView
from logpulse.storage.segment import Segment

_LOG: Final = logging.getLogger("logpulse.storage")


def expired_segments(segments: Sequence[Segment], retention_days: int, now_ns: int) -> tuple[Segment, ...]:
    """Choose the segments all of whose entries are older than `retention_days`; 0 days keeps everything."""
    if retention_days == 0:
        return ()
    oldest_kept = now_ns - retention_days * DAY_NS
    return tuple(each for each in segments if max(each.facts.newest, each.facts.arrival) < oldest_kept)


class Retention:
    """Take expired segments out of the view, the catalog and the disk. One thread at a time.

    Args:
        monotonic: a clock in nanoseconds that never jumps, to tell when the other one did.
    """

    def __init__(self, catalog: Catalog, current: CurrentView, monotonic: Callable[[], int]) -> None:
        self._catalog = catalog
        self._current = current
        self._watch = ClockWatch(monotonic)
        self._unlisted: tuple[Segment, ...] = ()  # gone, though the catalog could not be told yet

    def begin(self, clock: ClockRecord, newest_arrival: int) -> None:
        """Take over what an earlier process knew of the clock; see `ClockWatch.begin`."""
        self._watch.begin(clock, newest_arrival)

    def apply(self, now: int, retention_days: int) -> tuple[Segment, ...]:
        """Delete what is too old at `now` (unix nanoseconds), unless the clock is in doubt; give what was deleted."""
        if self._unlisted:
            self._unlist(())
        record = self._watch.observe(now)
        try:
            self._catalog.note_clock(record)
        except OSError as error:
            _LOG.warning("a restart will doubt the clock anew, as the catalog cannot be written: %s", error)
        if record.is_doubted:
            _LOG.warning("retention deletes nothing: the clock jumped by more than a day and is not believed yet")
            return ()
        expired = expired_segments(self._current.view.segments, retention_days, now)
        if expired:
            told = self._unlist(expired)
            self._current.exchange(expired)
            self._current.doom(expired)
            self._current.delete_unread()
            if not told:  # a full disk has no room for the catalog's journal until a file has gone
                self._unlist(())
        return expired

    def keep_streams(self, alive: Int64Array) -> None:
        """Drop every stream but these from the catalog."""
        try:
            self._catalog.keep_streams(alive.tolist())
        except OSError as error:
            _LOG.warning("streams without entries stay in the catalog: %s", error)

    def _unlist(self, segments: Sequence[Segment]) -> bool:
        """Drop segments from the catalog, with those it could not be told of before; tell whether that succeeded."""
        self._unlisted = (*self._unlisted, *segments)
        try:
            self._catalog.replace(self._unlisted, [])
        except OSError as error:
            _LOG.warning("the catalog still lists %d segments that are gone: %s", len(self._unlisted), error)
            return False
        self._unlisted = ()
        return True
