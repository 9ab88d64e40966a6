"""Hypothesis strategies for labels, entries and batches, and what tests need to make batches by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from logpulse.batch import Batch, make_entries
from logpulse.limits import DAY_NS, SECOND_NS
from logpulse.model.labels import MAIN_LABELS, Labels
from logpulse.wire.metadata import canonical_metadata

NOON = 1_768_478_400 * SECOND_NS
"""2026-01-15T12:00:00Z in unix nanoseconds: the moment around which tests live."""


@attrs.frozen
class LogEntry:
    """Be what makes an entry: two equal ones are one."""

    labels: Labels
    timestamp: int
    line: str
    metadata: str | None = None


def entry(line: str, timestamp: int = NOON, *, metadata: dict[str, str] | None = None, **labels: str) -> LogEntry:
    """Make an entry by hand; without labels it belongs to the stream `{service="api"}`."""
    return LogEntry(
        Labels.of(labels or {"service": "api"}),
        timestamp,
        line,
        canonical_metadata(metadata) if metadata else None,
    )


def batch_of(entries: Sequence[LogEntry]) -> Batch:
    """Put entries into a batch, in this order."""
    return Batch(
        make_entries(
            np.array([each.labels.id for each in entries], dtype=np.int64),
            pa.array([each.timestamp for each in entries], pa.int64()),
            pa.array([each.line for each in entries], pa.string()),
            pa.array([each.metadata for each in entries], pa.string()),
        ),
        {each.labels.id: each.labels for each in entries},
    )


def entries_of(batches: Iterable[Batch]) -> list[LogEntry]:
    """Read the entries of batches back, in their order."""
    return [
        LogEntry(batch.streams[row["stream"]], row["timestamp"], row["line"], row["metadata"])
        for batch in batches
        for row in batch.entries.to_pylist()
    ]


# No lone surrogates, which have no UTF-8 form.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
label_names = st.one_of(
    st.sampled_from([*MAIN_LABELS, "env", "level", "__meta"]),
    st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True),
)
label_values = st.one_of(
    st.sampled_from(["api", "web", "a=b", 'quo"te', "back\\slash", "new\nline"]), texts.filter(bool)
)
label_maps = st.dictionaries(label_names, label_values, min_size=1, max_size=5)
labels = label_maps.map(Labels.of)

# Few streams, times and lines, so that entries meet: duplicates, equal times, late ones.
few_streams = st.sampled_from(
    [Labels.of({"service": "api"}), Labels.of({"service": "api", "env": "test"}), Labels.of({"job": "cron"})]
)
few_times = st.one_of(
    st.integers(0, 3).map(lambda step: NOON + step),
    st.integers(-2, 2).map(lambda days: NOON + days * DAY_NS),
    st.integers(0, 2 * DAY_NS).map(lambda offset: NOON - offset),
)
few_lines = st.sampled_from(["", "a", "b", "GET / 200", 'é "quoted"\n\ttab', "x" * 300])
few_metadata = st.sampled_from([None, '{"trace":"1"}', '{"trace":"2"}'])
entries = st.builds(LogEntry, few_streams, few_times, few_lines, few_metadata)
entry_lists = st.lists(entries, min_size=1, max_size=12)
batches = entry_lists.map(batch_of)
