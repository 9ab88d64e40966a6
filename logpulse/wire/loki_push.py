"""Decode bodies of Loki's push, in JSON and in protobuf, to what a body of /ingest is decoded to."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from logpulse.errors import BodyFormatError, BodyTooLargeError, LimitExceededError, NoStreamsError
from logpulse.limits import LABEL_TEXT_BYTES, LABELS_PER_STREAM, STREAMS_PER_PUSH
from logpulse.model.labels import Labels
from logpulse.wire.columns import Faults, LabelledColumns
from logpulse.wire.known_labels import KnownLabels
from logpulse.wire.label_text import read_label_text
from logpulse.wire.loki_json import read_json, read_label_object, read_legacy_json
from logpulse.wire.loki_protobuf import read_protobuf
from logpulse.wire.push import Push, PushBuilder
from logpulse.wire.service_name import CompleteLabels, as_sent
from logpulse.wire.snappy import unpack_snappy


@attrs.define(eq=False)
class LokiDecoder:
    """Decode bodies by one policy; remembers the labels it has validated. Safe to use from several threads.

    Each `decode…` takes a body received at `now_ns` (unix nanoseconds) and raises:

    * BodyFormatError: it cannot be read; nothing of it can be stored. NoStreamsError: it names no stream.
    * BodyTooLargeError: it unpacks to too much, or a label text is too long.
    * LimitExceededError: it has too many different streams, too many entries, or too many texts.
    """

    max_labels: int = LABELS_PER_STREAM
    complete_labels: CompleteLabels = as_sent
    builder: PushBuilder = attrs.field(factory=PushBuilder)
    _objects: KnownLabels = attrs.field(init=False)
    _texts: KnownLabels = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._objects = KnownLabels(lambda text: self._labels(read_label_object(text)))
        self._texts = KnownLabels(lambda text: self._labels(read_label_text(text.decode("utf-8", "replace"))))

    def decode_json(self, body: bytes, now_ns: int) -> Push:
        """Decode JSON of today's shape."""
        return self._push(read_json(body), self._objects, now_ns)

    def decode_legacy_json(self, body: bytes, now_ns: int) -> Push:
        """Decode JSON of the shape that `/api/prom/push` takes."""
        return self._push(read_legacy_json(body), self._texts, now_ns)

    def decode_protobuf(self, body: bytes, now_ns: int) -> Push:
        """Decode protobuf in a raw snappy block."""
        return self._push(read_protobuf(unpack_snappy(body)), self._texts, now_ns)

    def _push(self, wire: LabelledColumns, known: KnownLabels, now_ns: int) -> Push:
        if not wire.labels:
            raise NoStreamsError("error at least one valid stream is required for ingestion")
        longest = max(map(len, wire.labels))
        if longest > LABEL_TEXT_BYTES:
            raise BodyTooLargeError("label text bytes", LABEL_TEXT_BYTES, longest)
        # Many senders make a stream of each line, so what counts is how many different ones there are.
        if len(wire.labels) > STREAMS_PER_PUSH and (different := len(set(wire.labels))) > STREAMS_PER_PUSH:
            raise LimitExceededError("streams per push", STREAMS_PER_PUSH, different)
        faults = Faults()
        labels = known.of_streams(wire.labels, wire.sizes, faults.add)
        return self.builder.build(labels, wire.columns, faults, now_ns)

    def _labels(self, sent: Mapping[str, str]) -> Labels:
        if not any(sent.values()):
            raise BodyFormatError("error at least one label pair is required per stream")
        complete = self.complete_labels(sent)
        return Labels.of(complete, most=self.max_labels + len(complete) - len(sent))
