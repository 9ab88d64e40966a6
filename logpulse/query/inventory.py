"""The inventory: which streams there are in a range of time and how much they hold, without a look at what they say.

Ranges are unix nanoseconds with both ends inclusive, as those of Loki's routes for metadata. Which streams have entries
in a range is judged by segment; sizes are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array
from logpulse.errors import StorageError
from logpulse.logql.ast import Selector
from logpulse.model.labels import Labels
from logpulse.model.matcher import Matcher
from logpulse.query.buckets import Buckets
from logpulse.query.detected_labels import detect_labels
from logpulse.query.executor import Executor, ScanTask, UnreadableSourceError
from logpulse.query.index_stats import IndexStats, index_stats
from logpulse.query.interrupt import Interrupt
from logpulse.query.label_counts import LabelCounts, label_counts
from logpulse.query.matrix import Matrix
from logpulse.query.result import ScanStats
from logpulse.query.stream_totals import StreamTotals, entry_totals, metadata_totals, stream_totals
from logpulse.query.volume import VolumeRequest, volumes
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import is_sound
from logpulse.storage.store import Store
from logpulse.storage.view import View


@attrs.frozen(eq=False)
class VolumesAnswer:
    """Hold volumes and what they were counted of."""

    volumes: Matrix
    stats: ScanStats


@attrs.frozen(eq=False)
class Inventory:
    """Look a store over. Safe to use from several threads.

    Every method raises QueryCancelledError once its interrupt is pulled. Those that count raise LimitExceededError
    where there is too much to tell apart, and StorageError if a segment cannot be read though nothing is wrong with it.
    """

    _store: Store
    _executor: Executor

    def series(self, selectors: Sequence[Selector], start: int, end: int, interrupt: Interrupt) -> list[Labels]:
        """List the streams that at least one of `selectors` selects, sorted."""
        view = self._store.view
        found: set[int] = set()
        for selector in selectors:
            interrupt.check()
            found.update(_streams(view, selector.matchers, start, end).tolist())
        return sorted((view.index.labels(stream) for stream in found), key=lambda labels: labels.pairs)

    def detected_labels(self, selector: Selector, start: int, end: int) -> dict[str, int]:
        """Map the labels of the selected streams that are useful for choosing to the number of their values."""
        view = self._store.view
        streams = _streams(view, selector.matchers, start, end).tolist()
        return dict(detect_labels(view.index.labels(stream) for stream in streams))

    def index_stats(self, selector: Selector, start: int, end: int, interrupt: Interrupt) -> IndexStats:
        """Count what the selected streams hold."""
        buckets = Buckets.whole(start, end)
        with self._store.reading() as view:
            streams = _streams(view, selector.matchers, buckets.start, buckets.end)
            totals = stream_totals(view, streams, buckets, partial(self._scanned, interrupt))
            return index_stats(view, totals, buckets)

    def label_counts(self, selector: Selector, start: int, end: int, interrupt: Interrupt) -> LabelCounts:
        """Count the entries of the selected streams by their labels."""
        buckets = Buckets.whole(start, end)
        with self._store.reading() as view:
            streams = _streams(view, selector.matchers, buckets.start, buckets.end)
            totals = entry_totals(view, streams, buckets, partial(self._scanned, interrupt))
            return label_counts(totals, view.index.labels, interrupt)

    def volumes(self, request: VolumeRequest, interrupt: Interrupt) -> VolumesAnswer:
        """Measure the text of the selected streams."""
        buckets = request.buckets
        with self._store.reading() as view:
            streams = _streams(view, request.matchers, buckets.start, buckets.end)
            scan = partial(self._scanned, interrupt)
            lines = stream_totals(view, streams, buckets, scan)
            totals = StreamTotals.joined([lines, metadata_totals(view, streams, buckets, scan)])
            interrupt.check()
            counted = ScanStats(0, int(lines.entries.sum()), int(lines.text_bytes.sum()))
            return VolumesAnswer(volumes(totals, request, view.index.labels), counted)

    def _scanned(self, interrupt: Interrupt, segment: Segment, task: ScanTask) -> pa.Table | None:
        try:
            return self._executor.run(task, interrupt)
        except UnreadableSourceError as error:
            if is_sound(segment):
                raise StorageError(segment.path, error.reason) from error
            self._store.set_aside(segment, error.reason)
            return None


def _streams(view: View, matchers: Sequence[Matcher], start: int, end: int) -> Int64Array:
    return np.intersect1d(view.index.select(matchers), view.streams_between(start, end + 1), assume_unique=True)
