"""The labels that entries begin with: those of their stream and those of their metadata."""

from __future__ import annotations

from logpulse.limits import KNOWN_METADATA, KNOWN_METADATA_CHARACTERS
from logpulse.logql.label_name import label_name
from logpulse.logql.record import EXTRACTED_SUFFIX, Base, Origin
from logpulse.model.labels import Labels, StreamId
from logpulse.wire.metadata import metadata_pairs


def make_base(labels: Labels, metadata: str | None) -> Base:
    """Fold canonical metadata into the labels of a stream.

    Metadata names become label names, one that a stream label has `<name>_extracted`; empty values are left out.
    """
    stream = labels.as_dict()
    folded, origins = dict(stream), dict[str, Origin]()
    for key, value in metadata_pairs(metadata).items():
        shown = shown_name(labels, key)
        if value and shown:
            folded[shown] = value
            origins[shown] = Origin.METADATA
    return Base(folded, origins)


def shown_name(labels: Labels, key: str) -> str:
    """Give the label that metadata with this key becomes, beside the labels of its stream; empty for none."""
    name = label_name(key)
    return f"{name}{EXTRACTED_SUFFIX}" if labels.get(name) else name


class Bases:
    """Make the bases of entries, each once for the entries that share it. For one thread at a time."""

    def __init__(self) -> None:
        self._plain: dict[StreamId, Base] = {}
        self._with_metadata: dict[tuple[StreamId, str], Base] = {}

    def of(self, labels: Labels, metadata: str | None) -> Base:
        """Give the base of entries of the stream `labels` with this canonical metadata."""
        if metadata is None:
            base = self._plain.get(labels.id)
            if base is None:
                base = self._plain[labels.id] = make_base(labels, None)
            return base
        known = self._with_metadata.get((labels.id, metadata))
        if known is not None:
            return known
        base = make_base(labels, metadata)
        if len(metadata) <= KNOWN_METADATA_CHARACTERS:
            if len(self._with_metadata) >= KNOWN_METADATA:
                self._with_metadata.clear()
            self._with_metadata[labels.id, metadata] = base
        return base
