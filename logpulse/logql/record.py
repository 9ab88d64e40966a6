"""One entry on its way through a pipeline: its line and labels as they stand, and where each label came from."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final

import attrs

from logpulse.limits import EXTRACTED_LABELS

ERROR: Final = "__error__"
ERROR_DETAILS: Final = "__error_details__"
EXTRACTED_SUFFIX: Final = "_extracted"
_TOO_MANY_LABELS: Final = "LabelLimitErr"  # Loki has no such error, and no such limit
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


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
    """Be one entry in a pipeline. Stages change `line`, `error`, and labels only through the methods.

    `timestamp` is unix nanoseconds. `labels` holds stream labels, metadata and parsed labels alike: what templates,
    label filters and parsers see. The failure of a stage is none of them: `error` names it, empty without one, and
    `shown` adds it to the labels as `__error__`. (A label of that name may come out of a line all the same.)
    """

    __slots__ = ("_extracted", "_own", "_written", "base", "error", "error_details", "labels", "line", "timestamp")

    def __init__(self, timestamp: int, line: str, base: Base) -> None:
        self.timestamp = timestamp
        self.line = line
        self.base = base
        self.labels: Mapping[str, str] = base.labels
        self.error = ""
        self.error_details = ""
        self._own: dict[str, str] | None = None
        # What parsers found, also where the label is gone again: they do not set it twice.
        self._extracted: Mapping[str, str] = _NONE
        self._written: dict[str, Origin] | None = None

    # -- what stages do -----------------------------------------------------------------------------------------------

    def set(self, name: str, value: str) -> None:
        """Give the label `name` a value, as the pipeline's own work; it may be empty."""
        self._place(name, value, Origin.PARSED)

    def rename(self, name: str, source: str) -> None:
        """Give the value of `source` to `name`, with its origin, and remove `source`; do nothing if there is none."""
        if source in self.labels:
            value, origin = self.labels[source], self._origin(source)
            self.drop(source)
            self._place(name, value, origin)

    def drop(self, name: str) -> None:
        """Remove the label `name` if there is one."""
        if name in self.labels:
            del self._owned()[name]

    def extract(self, found: dict[str, str]) -> None:
        """Add the labels that a parser found, which become the record's own.

        One that clashes with a stream label or metadata is `<name>_extracted`. Where a parser has found a name before,
        the first value stays. Beyond EXTRACTED_LABELS they are left out, with an error.
        """
        base = self.base
        if not base.labels.keys().isdisjoint(found):
            found = self._renamed(found)
        if self._extracted:
            found = {name: value for name, value in found.items() if name not in self._extracted}
        room = EXTRACTED_LABELS - len(self._extracted)
        if len(found) > room:
            found = dict(islice(found.items(), max(0, room)))
            self.fail(_TOO_MANY_LABELS, f"a line may have {EXTRACTED_LABELS} labels that parsers find")
        if self._own is None:
            self.labels = self._own = {**base.labels, **found}
        else:
            self._own.update(found)
        if self._written is not None:
            for name in found:
                self._written.pop(name, None)
        self._extracted = {**self._extracted, **found} if self._extracted else found

    def fail(self, error: str, details: str = "") -> None:
        """Note that a stage failed on this entry; the latest error is the one that shows."""
        self.error = error
        self.error_details = details

    # -- what others ask ----------------------------------------------------------------------------------------------

    def clashes(self, name: str) -> bool:
        """Tell whether what a parser finds as `name` is `<name>_extracted`: it names a stream label, or metadata."""
        return name in self.base.labels and (
            name not in self.base.origins or (name in self.labels and self._origin(name) is Origin.METADATA)
        )

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Where each label came from that is no stream label."""
        if self._own is None:
            return self.base.origins
        origins = {name: self._origin(name) for name in self.labels}
        return {name: origin for name, origin in origins.items() if origin is not Origin.STREAM}

    @property
    def shown(self) -> Mapping[str, str]:
        """The labels of an answer: `labels`, with the error and its details. These two count as parsed.

        Details whose error was dropped show only beside other labels than those of the stream, as in Loki.
        """
        details = self.error_details
        if not self.error and (not details or not (self.base.origins or self.labels != self.base.labels)):
            return self.labels
        shown = dict(self.labels)
        if self.error:
            shown[ERROR] = self.error
        if details:
            shown[ERROR_DETAILS] = details
        return shown

    # -----------------------------------------------------------------------------------------------------------------

    def _owned(self) -> dict[str, str]:
        if self._own is None:
            self.labels = self._own = dict(self.base.labels)
        return self._own

    def _place(self, name: str, value: str, origin: Origin) -> None:
        self._owned()[name] = value
        if self._written is None:
            self._written = {}
        self._written[name] = origin

    def _origin(self, name: str) -> Origin:
        if self._written is not None and name in self._written:
            return self._written[name]
        if name in self._extracted:
            return Origin.PARSED
        return self.base.origins.get(name, Origin.STREAM)

    def _renamed(self, found: dict[str, str]) -> dict[str, str]:
        renamed: dict[str, str] = {}
        for name, value in found.items():
            renamed.setdefault(f"{name}{EXTRACTED_SUFFIX}" if self.clashes(name) else name, value)
        return renamed


Test = Callable[[Record], bool]
"""The exact form of a stage: it changes the record; False drops the entry."""

Sample = Callable[[Record], float | None]
"""The exact form of `unwrap`: the value of the entry's sample; None leaves it out."""

Check = Callable[[], None]
"""Raise an error to stop the work on an entry half-way."""


def never_stop() -> None:
    """Let the work go on."""
