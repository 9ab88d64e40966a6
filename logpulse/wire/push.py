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
from logpulse.model.labels import Labels, StreamId
from logpulse.units import format_time
from logpulse.wire.columns import Columns, Faults, Rejected
from logpulse.wire.metadata import canonical_metadata, with_mark

LongLines = Literal["reject", "truncate"]
_TRUNCATED: Final = ("truncated", "true")


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
        streams, labels = _told_apart(labels, columns, faults)
        good = np.array([each is not None for each in labels], dtype=np.bool_)[columns.stream]
        for row, reason in _bad_times(columns, now_ns):
            if good[row]:
                faults.add_row(columns, row, reason)
                good[row] = False
        lines, texts = self._within_length(columns, good, faults)
        ids = np.array([0 if each is None else each.id for each in labels], dtype=np.int64)
        entries = make_entries(ids[columns.stream], pa.array(columns.times), lines, texts)
        if not good.all():
            entries = entries.filter(pa.array(good))
        return Push(Batch.of(entries, streams), faults.shown(), faults.count)

    def _within_length(
        self, columns: Columns, good: npt.NDArray[np.bool_], faults: Faults
    ) -> tuple[pa.Array, pa.Array | None]:
        sizes = pc.binary_length(columns.lines).to_numpy()
        long = np.flatnonzero(good & (sizes > self.max_line_bytes)).tolist()
        if self.long_lines == "reject":
            for row in long:
                fault = LimitExceededError("line bytes", self.max_line_bytes, int(sizes[row]), "ingest.max_line_bytes")
                faults.add_row(columns, row, str(fault))
                good[row] = False
            long = []
        texts = _canonical(columns, good, faults)
        if not long:
            return columns.lines, texts
        return self._cut(columns.lines, long), _marked(texts, len(good), long)

    def _cut(self, lines: pa.Array, long: Sequence[int]) -> pa.Array:
        texts = lines.take(pa.array(long)).to_pylist()
        cut = [text.encode()[: self.max_line_bytes].decode("utf-8", "ignore") for text in texts]
        mask = np.zeros(len(lines), dtype=np.bool_)
        mask[long] = True
        return pc.replace_with_mask(lines, pa.array(mask), pa.array(cut, pa.string()))


def _told_apart(
    labels: Sequence[Labels | None], columns: Columns, faults: Faults
) -> tuple[dict[StreamId, Labels], Sequence[Labels | None]]:
    """Give the streams by id, and `labels` without those whose id belongs to others; these entries are refused."""
    streams: dict[StreamId, Labels] = {}
    strangers = []
    for number, each in enumerate(labels):
        if each is not None and (taken := streams.setdefault(each.id, each)) is not each and taken != each:
            strangers.append(number)
            for row in np.flatnonzero(columns.stream == number).tolist():
                faults.add_row(columns, row, f"labels: the id of stream {each} is taken by {taken} in this push")
    if strangers:
        labels = [None if number in strangers else each for number, each in enumerate(labels)]
    return streams, labels


def _bad_times(columns: Columns, now_ns: int) -> Iterator[tuple[int, str]]:
    yield from columns.timeless
    times = columns.times
    for row in np.flatnonzero(times > now_ns + FUTURE_NS).tolist():
        late = f"ts: must be at most 10 minutes ahead of the server's clock ({format_time(now_ns)})"
        yield row, f"{late}, got {format_time(int(times[row]))}"
    for row in np.flatnonzero(times < OLDEST_NS).tolist():
        yield row, f"ts: must not be before 1970, got {times[row]} ns"


def _canonical(columns: Columns, good: npt.NDArray[np.bool_], faults: Faults) -> pa.Array | None:
    if columns.metadata is None:
        return None
    texts: list[str | None] = []
    for row, pairs in enumerate(columns.metadata):
        try:
            texts.append(canonical_metadata(pairs) if pairs and good[row] else None)
        except LogPulseError as error:
            faults.add_row(columns, row, str(error))
            good[row] = False
            texts.append(None)
    return pa.array(texts, pa.string())


def _marked(texts: pa.Array | None, rows: int, long: Sequence[int]) -> pa.Array:
    metadata: list[str | None] = [None] * rows if texts is None else texts.to_pylist()
    for row in long:
        metadata[row] = with_mark(metadata[row], *_TRUNCATED)
    return pa.array(metadata, pa.string())
