"""Several record batches addressed as one, without being joined: a flush then needs no second copy of the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from logpulse.batch import Int64Array, entry_bytes, make_entries, stream_column, timestamp_column


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
        parts = [
            (batch, pa.array(rows[by_home[cuts[home] : cuts[home + 1]]] - self._starts[home]))
            for home, batch in enumerate(self._batches)
            if cuts[home] < cuts[home + 1]
        ]
        places = np.empty(len(rows), dtype=np.int64)
        places[by_home] = np.arange(len(rows))
        lines, metadata = (_gathered(parts, name, pa.array(places)) for name in ("line", "metadata"))
        return make_entries(self.streams[rows], pa.array(self.timestamps[rows]), lines, metadata)


def _gathered(parts: Sequence[tuple[pa.RecordBatch, pa.Array]], name: str, places: pa.Array) -> pa.Array | None:
    """Copy the rows of one column out of each batch, and then to their places; None where all of it is null."""
    if all(batch.column(name).null_count == batch.num_rows for batch, _ in parts):
        return None
    pieces = [batch.column(name).take(rows) for batch, rows in parts]
    return (pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)).take(places)
