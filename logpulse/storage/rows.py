"""Several record batches addressed as one, without being joined: a flush then needs no second copy of the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array, concat_entries, entry_bytes, stream_column, timestamp_column


class Rows:
    """Number the entries of `batches` through, in order."""

    def __init__(self, batches: Sequence[pa.RecordBatch]) -> None:
        self._batches = batches
        self._starts = np.cumsum([0] + [batch.num_rows for batch in batches[:-1]])
        self.streams = np.concatenate([stream_column(batch) for batch in batches])
        self.timestamps = np.concatenate([timestamp_column(batch) for batch in batches])
        self.sizes = np.concatenate([entry_bytes(batch) for batch in batches])

    def take(self, rows: Int64Array) -> pa.RecordBatch:
        """Copy the entries with these numbers, in this order."""
        homes = np.searchsorted(self._starts, rows, side="right") - 1
        by_home = np.argsort(homes, kind="stable")
        cuts = np.searchsorted(homes[by_home], np.arange(len(self._batches) + 1))
        pieces = [
            batch.take(pa.array(rows[by_home[cuts[home] : cuts[home + 1]]] - self._starts[home]))
            for home, batch in enumerate(self._batches)
            if cuts[home] < cuts[home + 1]
        ]
        places = np.empty(len(rows), dtype=np.int64)
        places[by_home] = np.arange(len(rows))
        return concat_entries(pieces).take(pa.array(places))
