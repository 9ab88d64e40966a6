"""Decode bodies of POST /ingest: good entries become one batch, bad ones are listed with their place and reason.

A well-formed body is decoded by msgspec into typed structs and validated by column. Only a body that is not is read
again by the tolerant reader in `salvage.py`, which finds out entry by entry what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import msgspec

from logpulse.batch import text_column
from logpulse.errors import LimitExceededError
from logpulse.limits import LABELS_PER_STREAM, LINE_BYTES, STREAMS_PER_PUSH
from logpulse.model.labels import Labels
from logpulse.wire.columns import Columns, Faults, places
from logpulse.wire.json_bound import check_strings
from logpulse.wire.known_labels import KnownLabels
from logpulse.wire.push import LongLines, Push, PushBuilder
from logpulse.wire.salvage import salvage
from logpulse.wire.text_pairs import text_pairs
from logpulse.wire.timestamps import decode_times


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


@attrs.define(eq=False)
class IngestDecoder:
    """Decode bodies by one policy; remembers the labels it has validated. Safe to use from several threads."""

    max_labels: int = LABELS_PER_STREAM
    max_line_bytes: int = LINE_BYTES
    long_lines: LongLines = "reject"
    _decoder: msgspec.json.Decoder[WirePush] = attrs.field(factory=lambda: msgspec.json.Decoder(WirePush), init=False)
    _known: KnownLabels = attrs.field(init=False)
    _builder: PushBuilder = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._known = KnownLabels(lambda text: self._labels(text_pairs(msgspec.json.decode(text), "labels")))
        self._builder = PushBuilder(self.max_line_bytes, self.long_lines)

    def decode(self, body: bytes, now_ns: int) -> Push:
        """Decode `body`, received at `now_ns` (unix nanoseconds), which is also the time of entries without one.

        Raises:
            BodyFormatError: nothing can be read; the text says where the JSON breaks.
            LimitExceededError: the body has too many streams, entries or texts.
        """
        check_strings(body)
        faults = Faults()
        try:
            wire = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            labels, columns = salvage(body, error, self._labels, faults.add, now_ns)
            return self._builder.build(labels, columns, faults, now_ns)
        if len(wire.streams) > STREAMS_PER_PUSH:
            raise LimitExceededError("streams per push", STREAMS_PER_PUSH, len(wire.streams))
        sizes = [len(stream.entries) for stream in wire.streams]
        labels = self._known.of_streams([bytes(stream.labels) for stream in wire.streams], sizes, faults.add)
        return self._builder.build(labels, _columns(wire, sizes, now_ns), faults, now_ns)

    def _labels(self, labels: dict[str, str]) -> Labels:
        return Labels.of(labels, most=self.max_labels)


def _columns(wire: WirePush, sizes: Sequence[int], now_ns: int) -> Columns:
    at = places(sizes)
    entries = [entry for stream in wire.streams for entry in stream.entries]
    metadata = [entry.metadata for entry in entries]
    timed = decode_times([entry.ts for entry in entries], now_ns)
    lines = text_column([entry.line for entry in entries])
    return Columns(*at, *timed, lines, metadata if any(metadata) else None)
