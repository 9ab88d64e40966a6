"""The newest timestamp of each stream: what is later than it cannot be a duplicate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from logpulse.batch import Batch, Int64Array, stream_column, strictly_ordered, timestamp_column
from logpulse.storage.segment import Segment

Mask = npt.NDArray[np.bool_]
_NEVER = -1  # before every timestamp


class NewestTimes:
    """Remember the newest time of each stream, of all its entries and of those in segments. One thread at a time."""

    def __init__(self) -> None:
        self._ids = np.empty(0, dtype=np.int64)  # sorted
        self._seen = np.empty(0, dtype=np.int64)
        self._flushed = np.empty(0, dtype=np.int64)

    def note_seen(self, batch: Batch) -> None:
        """Take in a committed batch."""
        streams, times = stream_column(batch.entries), timestamp_column(batch.entries)
        np.maximum.at(self._seen, self._places(streams), times)

    def note_flushed(self, segment: Segment) -> None:
        """Take in a new segment."""
        places = self._places(segment.streams.ids)
        self._seen[places] = np.maximum(self._seen[places], segment.streams.newest)
        self._flushed[places] = np.maximum(self._flushed[places], segment.streams.newest)

    def keep(self, alive: Int64Array) -> None:
        """Forget every stream but these: of a stream without entries nothing can be a duplicate."""
        kept = np.isin(self._ids, alive)
        self._ids, self._seen, self._flushed = self._ids[kept], self._seen[kept], self._flushed[kept]

    def candidates(self, batch: Batch) -> tuple[Mask, Mask]:
        """Mark the entries that may be duplicates at all, and among them those that segments may hold."""
        streams, times = stream_column(batch.entries), timestamp_column(batch.entries)
        places = self._places(streams)
        late: Mask = times <= self._seen[places]
        if not strictly_ordered(batch.entries):
            order = np.lexsort((times, streams))
            same = (np.diff(streams[order]) == 0) & (np.diff(times[order]) == 0)
            late[order[1:][same]] = True
            late[order[:-1][same]] = True
        return late, late & (times <= self._flushed[places])

    def _places(self, streams: Int64Array) -> Int64Array:
        """Give the index of each stream, making room for new ones."""
        places = np.searchsorted(self._ids, streams)
        known = places < len(self._ids)
        known[known] = self._ids[places[known]] == streams[known]
        if known.all():
            return places
        fresh = np.unique(streams[~known])
        at = np.searchsorted(self._ids, fresh)
        self._ids = np.insert(self._ids, at, fresh)
        self._seen = np.insert(self._seen, at, _NEVER)
        self._flushed = np.insert(self._flushed, at, _NEVER)
        return np.searchsorted(self._ids, streams)
