"""Write entries as the body of a push, and find an entry again by its place there."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import msgspec

from agent.entry import Entry, LabelPairs


class _WireEntry(msgspec.Struct, omit_defaults=True):
    ts: str
    line: str
    metadata: dict[str, str] = {}


class _WireStream(msgspec.Struct):
    labels: dict[str, str]
    entries: list[_WireEntry]


class _WirePush(msgspec.Struct):
    streams: list[_WireStream]


@attrs.frozen
class PushBody:
    """Hold the JSON of a push; `places` gives for each stream the indices of its entries in what was encoded."""

    json: bytes
    places: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> PushBody:
        """Encode entries, those of one stream together, in their order."""
        streams: dict[LabelPairs, _WireStream] = {}
        places: dict[LabelPairs, list[int]] = {}
        for place, entry in enumerate(entries):
            stream = streams.get(entry.labels)
            if stream is None:
                stream = streams[entry.labels] = _WireStream(dict(entry.labels), [])
                places[entry.labels] = []
            stream.entries.append(_WireEntry(str(entry.time), entry.line, entry.metadata))
            places[entry.labels].append(place)
        json = msgspec.json.encode(_WirePush(list(streams.values())))
        return cls(json, tuple(tuple(each) for each in places.values()))

    def place(self, stream: int, entry: int) -> int | None:
        """Give the index of the entry at a place in the JSON, None if there is no such place."""
        if 0 <= stream < len(self.places) and 0 <= entry < len(self.places[stream]):
            return self.places[stream][entry]
        return None
