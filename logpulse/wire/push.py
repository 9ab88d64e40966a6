"""What a body of any push amounts to: the good entries as one batch, the bad ones with their place and reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Batch, make_entries
from logpulse.errors import LimitExceededError, LogPulseError
from logpulse.limits import FUTURE_NS, LINE_BYTES, OLDEST_NS
from logpulse.model.labels import Labels
from logpulse.units import format_time
from logpulse.wire.columns import Columns, Faults, Rejected
from logpulse.wire.metadata import canonical_metadata

LongLines = Literal["reject", "truncate"]
Metadata = Sequence[dict[str, str] | None]
_TRUNCATED: Final = {"truncated": "true"}


@attrs.frozen
class Push:
    """Hold what a body amounts to: the good entries, and the first refused ones with the count of all refused."""

    batch: Batch
    rejected: tuple[Rejected, ...]
    rejected_count: int


@attrs.frozen
class PushBuilder:
    """Validate entries by column, under one policy about long lines, and make a batch of the good ones."""

    max_line_bytes: int = LINE_BYTES
    long_lines: LongLines = "reject"

    def build(self, labels: Sequence[Labels | None], columns: Columns, faults: Faults, now_ns: int) -> Push:
        """Make the push of a body received at `now_ns` (unix nanoseconds).

        `labels` are those of its streams, None for a stream whose entries are in `faults` already; the entries that
        are refused here join them.
        """
        good = np.array([each is not None for each in labels], dtype=np.bool_)[columns.stream]
        for row, reason in _bad_times(columns, now_ns):
            if good[row]:
                faults.add_row(columns, row, reason)
                good[row] = False
        lines, metadata = self._within_length(columns, good, faults)
        texts = _canonical(metadata, columns, good, faults)
        ids = np.array([0 if each is None else each.id for each in labels], dtype=np.int64)
        entries = make_entries(ids[columns.stream], pa.array(columns.times), lines, texts)
        if not good.all():
            entries = entries.filter(pa.array(good))
        streams = {each.id: each for each in labels if each is not None}
        return Push(Batch.of(entries, streams), faults.shown(), faults.count)

    def _within_length(
        self, columns: Columns, good: npt.NDArray[np.bool_], faults: Faults
    ) -> tuple[pa.Array, Metadata | None]:
        sizes = pc.binary_length(columns.lines).to_numpy()
        long = np.flatnonzero(good & (sizes > self.max_line_bytes)).tolist()
        if long and self.long_lines == "truncate":
            return self._truncated(columns, long)
        for row in long:
            fault = LimitExceededError("line bytes", self.max_line_bytes, int(sizes[row]), "ingest.max_line_bytes")
            faults.add_row(columns, row, str(fault))
            good[row] = False
        return columns.lines, columns.metadata

    def _truncated(self, columns: Columns, long: Sequence[int]) -> tuple[pa.Array, Metadata]:
        texts = columns.lines.take(pa.array(long)).to_pylist()
        cut = [text.encode()[: self.max_line_bytes].decode("utf-8", "ignore") for text in texts]
        mask = np.zeros(len(columns.lines), dtype=np.bool_)
        mask[long] = True
        metadata = list(columns.metadata or [None] * len(mask))
        for row in long:
            metadata[row] = {**(metadata[row] or {}), **_TRUNCATED}
        return pc.replace_with_mask(columns.lines, pa.array(mask), pa.array(cut, pa.string())), metadata


def _bad_times(columns: Columns, now_ns: int) -> Iterator[tuple[int, str]]:
    yield from columns.timeless
    times = columns.times
    for row in np.flatnonzero(times > now_ns + FUTURE_NS).tolist():
        late = f"ts: must be at most 10 minutes ahead of the server's clock ({format_time(now_ns)})"
        yield row, f"{late}, got {format_time(int(times[row]))}"
    for row in np.flatnonzero(times < OLDEST_NS).tolist():
        yield row, f"ts: must not be before 1970, got {times[row]} ns"


def _canonical(
    metadata: Metadata | None, columns: Columns, good: npt.NDArray[np.bool_], faults: Faults
) -> pa.Array | None:
    if metadata is None:
        return None
    texts: list[str | None] = []
    for row, pairs in enumerate(metadata):
        try:
            texts.append(canonical_metadata(pairs) if pairs and good[row] else None)
        except LogPulseError as error:
            faults.add_row(columns, row, str(error))
            good[row] = False
            texts.append(None)
    return pa.array(texts, pa.string())
