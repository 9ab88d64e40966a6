"""Labels as senders write them, over and over: each text is read and validated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import msgspec

from logpulse.errors import LogPulseError
from logpulse.limits import KNOWN_LABELS_BYTES, KNOWN_LABELS_COST
from logpulse.model.labels import Labels
from logpulse.wire.columns import FaultSink


@attrs.define(eq=False)
class KnownLabels:
    """Remember what `read` made of each text. Safe to use from several threads.

    `read` raises a LogPulseError, or what msgspec does, for a text that holds no labels.
    """

    read: Callable[[bytes], Labels]
    _known: dict[bytes, Labels] = attrs.field(factory=dict, init=False)
    _bytes: int = attrs.field(default=0, init=False)

    def of_streams(self, texts: Sequence[bytes], sizes: Sequence[int], reject: FaultSink) -> list[Labels | None]:
        """Give the labels of a body's streams; where they cannot be read, all entries of the stream are rejected."""
        return [self._known.get(text) or self._learn(text, number, sizes, reject) for number, text in enumerate(texts)]

    def _learn(self, text: bytes, stream: int, sizes: Sequence[int], reject: FaultSink) -> Labels | None:
        try:
            labels = self.read(text)
        except (LogPulseError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = "labels: must be UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            for entry in range(sizes[stream]):
                reject(stream, entry, reason)
            return None
        # Bounded in bytes: the same labels may be written with any number of blanks.
        cost = len(text) + KNOWN_LABELS_COST
        if self._bytes + cost > KNOWN_LABELS_BYTES:
            self._known.clear()
            self._bytes = 0
        if cost <= KNOWN_LABELS_BYTES:
            self._known[text] = labels
            self._bytes += cost
        return labels
