"""Decode bodies of POST /ingest: good entries become one batch, bad ones are listed with their place and reason.

A well-formed body is decoded by msgspec into typed structs and validated by column. Only a body that is not is read
again by the tolerant reader in `salvage.py`, which finds out entry by entry what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import attrs
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Batch, make_entries, text_column
from logpulse.errors import LimitExceededError, LogPulseError
from logpulse.limits import FUTURE_NS, KNOWN_LABELS_BYTES, LABELS_PER_STREAM, LINE_BYTES, OLDEST_NS, STREAMS_PER_PUSH
from logpulse.model.labels import Labels
from logpulse.units import format_time
from logpulse.wire.columns import Columns, Faults, Rejected
from logpulse.wire.metadata import canonical_metadata
from logpulse.wire.salvage import salvage
from logpulse.wire.timestamps import decode_times

LongLines = Literal["reject", "truncate"]
_TRUNCATED: Final = {"truncated": "true"}


class WireEntry(msgspec.Struct, gc=False):
    """One entry of a body."""

    line: str
    ts: str | int | float | None = None
    metadata: dict[str, str] | None = None


class WireStream(msgspec.Struct, gc=False):
    """One stream of a body; its labels stay raw, because the same ones come again and again."""

    labels: msgspec.Raw
    entries: list[WireEntry]


class WirePush(msgspec.Struct):
    """A body of POST /ingest."""

    streams: list[WireStream]


@attrs.frozen
class Push:
    """Hold what a body amounts to: the good entries, and the first refused ones with the count of all refused."""

    batch: Batch
    rejected: tuple[Rejected, ...]
    rejected_count: int


@attrs.define
class IngestDecoder:
    """Decode bodies by one policy; remembers the labels it has validated. Safe to use from several threads."""

    max_labels: int = LABELS_PER_STREAM
    max_line_bytes: int = LINE_BYTES
    long_lines: LongLines = "reject"
    _decoder: msgspec.json.Decoder[WirePush] = attrs.field(factory=lambda: msgspec.json.Decoder(WirePush), init=False)
    _known: dict[bytes, Labels] = attrs.field(factory=dict, init=False)
    _known_bytes: int = attrs.field(default=0, init=False)

    def decode(self, body: bytes, now_ns: int) -> Push:
        """Decode `body`, received at `now_ns` (unix nanoseconds), which is also the time of entries without one.

        Raises:
            BodyFormatError: nothing can be read; the text says where the JSON breaks.
            LimitExceededError: the body names too many streams.
        """
        try:
            wire = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults = Faults()
            labels, columns = salvage(body, error, self._labels, faults.add)
            return self._build(labels, columns, faults, now_ns)
        if len(wire.streams) > STREAMS_PER_PUSH:
            raise LimitExceededError("streams per push", STREAMS_PER_PUSH, len(wire.streams))
        faults = Faults()
        labels = [self._stream_labels(index, stream, faults) for index, stream in enumerate(wire.streams)]
        return self._build(labels, _columns(wire, labels), faults, now_ns)

    def _stream_labels(self, index: int, stream: WireStream, faults: Faults) -> Labels | None:
        raw = bytes(stream.labels)
        known = self._known.get(raw)
        if known is not None:
            return known
        try:
            labels = self._labels(msgspec.json.decode(raw, type=dict[str, str]))
        except (LogPulseError, msgspec.DecodeError, UnicodeDecodeError) as error:
            reason = str(error)
            for entry in range(len(stream.entries)):
                faults.add(index, entry, reason)
            return None
        self._remember(raw, labels)
        return labels

    def _remember(self, raw: bytes, labels: Labels) -> None:
        # Bounded in bytes: the same labels may be written with any number of blanks.
        if self._known_bytes + len(raw) > KNOWN_LABELS_BYTES:
            self._known.clear()
            self._known_bytes = 0
        if len(raw) <= KNOWN_LABELS_BYTES:
            self._known[raw] = labels
            self._known_bytes += len(raw)

    def _labels(self, labels: dict[str, str]) -> Labels:
        return Labels.of(labels, most=self.max_labels)

    def _build(self, labels: Sequence[Labels | None], columns: Columns, faults: Faults, now_ns: int) -> Push:
        ids = np.array([0 if each is None else each.id for each in labels], dtype=np.int64)
        timestamps, problems = decode_times(columns.times, now_ns)
        for row, reason in problems:
            faults.add_row(columns, row, reason)
        good = np.ones(len(columns.lines), dtype=np.bool_)
        good[[row for row, _ in problems]] = False
        for row in np.flatnonzero(good & (timestamps > now_ns + FUTURE_NS)).tolist():
            late = f"ts: must be at most 10 minutes ahead of the server's clock ({format_time(now_ns)})"
            faults.add_row(columns, row, f"{late}, got {format_time(int(timestamps[row]))}")
        for row in np.flatnonzero(good & (timestamps < OLDEST_NS)).tolist():
            faults.add_row(columns, row, f"ts: must not be before 1970, got {timestamps[row]} ns")
        good &= (timestamps <= now_ns + FUTURE_NS) & (timestamps >= OLDEST_NS)
        lines, metadata = text_column(columns.lines), list(columns.metadata or ())
        long = np.flatnonzero(good & (pc.binary_length(lines).to_numpy() > self.max_line_bytes))
        if len(long) and self.long_lines == "truncate":
            lines, metadata = self._truncate(columns, metadata, set(long.tolist()))
        else:
            sizes = pc.binary_length(lines)
            for row in long.tolist():
                fault = LimitExceededError(
                    "line bytes", self.max_line_bytes, sizes[row].as_py(), "ingest.max_line_bytes"
                )
                faults.add_row(columns, row, str(fault))
            good[long] = False
        texts: list[str | None] = []
        for row, pairs in enumerate(metadata):
            try:
                texts.append(canonical_metadata(pairs) if pairs and good[row] else None)
            except LogPulseError as error:
                faults.add_row(columns, row, str(error))
                good[row] = False
                texts.append(None)
        streams = ids[columns.stream] if len(ids) else np.empty(0, dtype=np.int64)
        entries = make_entries(streams, pa.array(timestamps), lines, pa.array(texts, pa.string()) if texts else None)
        if not good.all():
            entries = entries.filter(pa.array(good))
        streams_by_id = {each.id: each for each in labels if each is not None}
        return Push(Batch.of(entries, streams_by_id), faults.shown(), faults.count)

    def _truncate(
        self, columns: Columns, metadata: list[dict[str, str] | None], long: set[int]
    ) -> tuple[pa.Array, list[dict[str, str] | None]]:
        cut = [
            line.encode()[: self.max_line_bytes].decode("utf-8", "ignore") if row in long else line
            for row, line in enumerate(columns.lines)
        ]
        pairs = metadata or [None] * len(cut)
        marked = [{**(each or {}), **_TRUNCATED} if row in long else each for row, each in enumerate(pairs)]
        return pa.array(cut, pa.string()), marked


def _columns(wire: WirePush, labels: Sequence[Labels | None]) -> Columns:
    kept = [(index, stream) for index, stream in enumerate(wire.streams) if labels[index] is not None]
    sizes = np.array([len(stream.entries) for _, stream in kept], dtype=np.int64)
    total = int(sizes.sum())
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    metadata = [entry.metadata for _, stream in kept for entry in stream.entries]
    return Columns(
        stream=np.repeat(np.array([index for index, _ in kept], dtype=np.int64), sizes),
        entry=np.arange(total, dtype=np.int64) - first,
        times=[entry.ts for _, stream in kept for entry in stream.entries],
        lines=[entry.line for _, stream in kept for entry in stream.entries],
        metadata=metadata if any(metadata) else None,
    )
