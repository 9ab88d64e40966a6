"""The head: recent batches in memory, each of them in the WAL. Immutable: appending gives a new head.

Batches coalesce as they age, each new one merging with neighbours not much larger than itself, so that n pushes of one
line leave about log n batches and each entry is copied about log n times.
"""

from __future__ import annotations

from functools import cached_property

import attrs
import numpy as np

from logpulse.batch import Batch, Int64Array, concat, stream_column
from logpulse.limits import COALESCE_BYTES, COALESCE_ROWS


@attrs.frozen(slots=False, eq=False)
class HeadBatch:
    """Hold the entries of the WAL records `first_sequence` to `last_sequence`; `arrival` is that of the newest."""

    batch: Batch
    first_sequence: int
    last_sequence: int
    arrival: int

    @cached_property
    def stream_ids(self) -> Int64Array:
        """The distinct stream ids, sorted."""
        return np.unique(stream_column(self.batch.entries))

    def merged_with(self, later: HeadBatch) -> HeadBatch:
        """Join with the batch committed right after this one."""
        joined = concat([self.batch, later.batch])
        return HeadBatch(joined, self.first_sequence, later.last_sequence, max(self.arrival, later.arrival))


@attrs.frozen
class Head:
    """Hold batches in commit order."""

    batches: tuple[HeadBatch, ...] = ()
    nbytes: int = 0
    rows: int = 0

    def appended(self, batch: HeadBatch) -> Head:
        """Give the head with one more batch, coalesced with its smaller neighbours."""
        batches = list(self.batches)
        last = batch
        while batches and batches[-1].batch.rows <= 2 * last.batch.rows and self._small(batches[-1], last):
            last = batches.pop().merged_with(last)
        return Head((*batches, last), self.nbytes + batch.batch.nbytes, self.rows + batch.batch.rows)

    @staticmethod
    def _small(left: HeadBatch, right: HeadBatch) -> bool:
        rows, size = left.batch.rows + right.batch.rows, left.batch.nbytes + right.batch.nbytes
        return rows <= COALESCE_ROWS and size <= COALESCE_BYTES
