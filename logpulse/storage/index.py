"""The index: which streams exist and which of them a selector names. It holds labels only, never text.

Streams are only ever added to an index; when retention drops some, later views get another one. So a reader needs the
lock just long enough to copy one list of postings.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from logpulse.batch import Int64Array
from logpulse.errors import LogPulseError, OverloadedError
from logpulse.limits import STREAM_LABELS_BYTES
from logpulse.model.labels import Labels, StreamId
from logpulse.model.matcher import Matcher


@attrs.define(eq=False, slots=False)
class StreamCollisionError(LogPulseError):
    """Refuse a stream whose 63-bit id belongs to another stream already."""

    wanted: Labels
    taken: Labels

    def __str__(self) -> str:
        return f"the id of stream {self.wanted} is taken by {self.taken}; change one label value of the new stream"


class StreamIndex:
    """Map stream ids to labels and label values to stream ids. Safe to use from several threads.

    `label_bytes` counts the bytes of all labels as JSON text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[StreamId, Labels] = {}
        self._postings: dict[str, dict[str, list[int]]] = {}
        self.label_bytes = 0

    def __len__(self) -> int:
        return len(self._streams)

    def __contains__(self, stream: StreamId) -> bool:
        return stream in self._streams

    def labels(self, stream: int) -> Labels:
        """Give the labels of a stream.

        Raises:
            KeyError: there is no such stream.
        """
        return self._streams[StreamId(stream)]

    def unknown(self, *groups: Mapping[StreamId, Labels]) -> list[Labels]:
        """Give the streams that are not registered yet, each once.

        Raises:
            StreamCollisionError: two streams, registered or not, share an id.
        """
        fresh: dict[StreamId, Labels] = {}
        for streams in groups:
            for stream, labels in streams.items():
                known = self._streams.get(stream)
                if known is None:
                    known = fresh.setdefault(stream, labels)
                if known is not labels and known != labels:
                    raise StreamCollisionError(labels, known)
        return list(fresh.values())

    def refuse_beyond(self, most_streams: int, fresh: Sequence[Labels]) -> None:
        """Check that there is room for more streams.

        Raises:
            OverloadedError: there would be more than `most_streams`, or their labels would take too much memory.
        """
        total = len(self) + len(fresh)
        if fresh and total > most_streams:
            raise OverloadedError("streams", most_streams, total, "ingest.max_streams", retry_after=60)
        size = self.label_bytes + sum(len(each.encoded) for each in fresh)
        if fresh and size > STREAM_LABELS_BYTES:
            raise OverloadedError("the labels of all streams in bytes", STREAM_LABELS_BYTES, size, retry_after=60)

    def register(self, streams: Iterable[Labels]) -> None:
        """Add streams; known ones are left as they are."""
        with self._lock:
            for labels in streams:
                if labels.id in self._streams:
                    continue
                self._streams[labels.id] = labels
                self.label_bytes += len(labels.encoded)
                for name, value in labels:
                    self._postings.setdefault(name, {}).setdefault(value, []).append(labels.id)

    def keeping(self, alive: Int64Array) -> StreamIndex:
        """Give an index of those streams only that are in `alive`; views that know the others keep this one."""
        with self._lock:
            known = np.fromiter(self._streams, dtype=np.int64, count=len(self._streams))
            kept = known[np.isin(known, alive)].tolist()
            if len(kept) == len(known):
                return self
            streams = [self._streams[StreamId(stream)] for stream in kept]
        rest = StreamIndex()
        rest.register(streams)
        return rest

    def select(self, matchers: Sequence[Matcher]) -> Int64Array:
        """Give the sorted ids of the streams that meet all `matchers`; none means every stream.

        Raises:
            PatternError: a regular expression is malformed.
        """
        with self._lock:
            selected = np.fromiter(self._streams, dtype=np.int64, count=len(self._streams))
        selected.sort()
        for matcher in matchers:
            matches = matcher.predicate()
            # The empty value stands for streams without the label, which have no postings: select what fails instead.
            absent_matches = matches("")
            with self._lock:
                values = list(self._postings.get(matcher.name, {}).items())
            named = [
                stream for value, streams in values if matches(value) != absent_matches for stream in tuple(streams)
            ]
            hit = np.isin(selected, np.array(named, dtype=np.int64))
            selected = selected[~hit] if absent_matches else selected[hit]
        return selected

    def having(self, name: str) -> Int64Array:
        """Give the ids of the streams that have a label `name`, in no order."""
        with self._lock:
            found = [stream for streams in self._postings.get(name, {}).values() for stream in tuple(streams)]
        return np.array(found, dtype=np.int64)

    def names(self, streams: Int64Array) -> list[str]:
        """List the label names of these streams, sorted."""
        return sorted({name for labels in self._each(streams) for name, _ in labels})

    def values(self, name: str, streams: Int64Array) -> list[str]:
        """List the values that label `name` has in these streams, sorted."""
        return sorted({value for labels in self._each(streams) if (value := labels.get(name))})

    def _each(self, streams: Int64Array) -> list[Labels]:
        with self._lock:
            return [self._streams[StreamId(stream)] for stream in streams.tolist() if stream in self._streams]
