"""How many entries have each value of each label, counted by stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.result import LabelsOf
from logpulse.query.stream_totals import StreamTotals

LabelCounts = Mapping[str, Mapping[str, int]]
"""The entries of each value of each label."""


def label_counts(totals: StreamTotals, labels_of: LabelsOf, interrupt: Interrupt) -> LabelCounts:
    """Sum up the entries of streams by their labels; streams without any count for nothing.

    Raises:
        QueryCancelledError: `interrupt` was pulled.
    """
    streams, places = np.unique(totals.streams, return_inverse=True)
    entries = np.zeros(len(streams), dtype=np.int64)
    np.add.at(entries, places, totals.entries)
    counts: dict[str, dict[str, int]] = {}
    for stream, number in checked(zip(streams.tolist(), entries.tolist(), strict=True), interrupt):
        for name, value in labels_of(stream) if number else ():
            values = counts.setdefault(name, {})
            values[value] = values.get(value, 0) + number
    return counts
