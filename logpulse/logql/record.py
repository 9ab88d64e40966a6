"""One entry on its way through a pipeline: its line and labels as they stand, and where each label came from."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

ERROR: Final = "__error__"
ERROR_DETAILS: Final = "__error_details__"


class Origin(enum.Enum):
    """Where a label came from. What the pipeline writes is PARSED, even under the name of a stream label."""

    STREAM = "stream"
    METADATA = "structuredMetadata"
    PARSED = "parsed"


@attrs.frozen(eq=False)
class Base:
    """Hold the labels that entries of one stream with the same metadata begin with, shared by all of them.

    `origins` names only those that are no stream labels. Metadata names are label names already, and one that a stream
    label has is `<name>_extracted`, as Loki shows them.
    """

    labels: Mapping[str, str]
    origins: Mapping[str, Origin] = MappingProxyType({})


class Record:
    """Be one entry in a pipeline. Stages change `line`, and labels only through `set` and `drop`.

    `timestamp` is unix nanoseconds. `labels` holds what is visible: stream labels, metadata and parsed labels alike;
    an error of a stage is the label `__error__`. `origins` is kept for every label that is no stream label.
    """

    __slots__ = ("_owned", "base", "labels", "line", "origins", "timestamp")

    def __init__(self, timestamp: int, line: str, base: Base) -> None:
        self.timestamp = timestamp
        self.line = line
        self.base = base
        self.labels: Mapping[str, str] = base.labels
        self.origins: Mapping[str, Origin] = base.origins
        self._owned: tuple[dict[str, str], dict[str, Origin]] | None = None

    def set(self, name: str, value: str) -> None:
        """Give the label `name` a value, as the pipeline's own work; it may be empty."""
        labels, origins = self._owned or self._own()
        labels[name] = value
        origins[name] = Origin.PARSED

    def drop(self, name: str) -> None:
        """Remove the label `name` if there is one."""
        if name in self.labels:
            labels, origins = self._owned or self._own()
            del labels[name]
            origins.pop(name, None)

    def fail(self, error: str, details: str) -> None:
        """Note that a stage failed on this entry; the latest error is the one that shows."""
        self.set(ERROR, error)
        self.set(ERROR_DETAILS, details)

    def _own(self) -> tuple[dict[str, str], dict[str, Origin]]:
        self._owned = dict(self.base.labels), dict(self.base.origins)
        self.labels, self.origins = self._owned
        return self._owned
