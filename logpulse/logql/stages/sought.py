"""The names that a parser has to look for in a line, so that the labels wanted later come out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from logpulse.logql.record import EXTRACTED_SUFFIX, Base, Record


@attrs.frozen(eq=False)
class Sought:
    """Map the names to look for to the labels they become: the same, or with the suffix of those that clash.

    `complete` tells whether they are all that is wanted: then a parser has done its work when it has found them, and
    what follows in the line cannot fail any more. A wanted label of the stream is never found, so that the line is
    read to its end, as Loki does.
    """

    labels: Mapping[str, str]
    complete: bool

    def may_hold(self, prefix: str) -> bool:
        """Tell whether an object whose members are named `<prefix>_…` may hold one of the names."""
        return any(name.startswith(prefix) for name in self.labels)

    def is_fulfilled_by(self, found: Iterable[str]) -> bool:
        """Tell whether nothing is left to look for once these names are found."""
        return self.complete and {self.labels[name] for name in found}.issuperset(self.labels.values())


class Wanted:
    """Say what to look for in each line of a pipeline that wants the labels `names`."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._latest: tuple[Base, Sought] | None = None

    def sought(self, record: Record) -> Sought:
        """Give what to look for in the line of `record`."""
        if record.labels is not record.base.labels:  # metadata that was dropped does not clash any more
            return self._sought(record)
        if self._latest is None or self._latest[0] is not record.base:
            self._latest = record.base, self._sought(record)
        return self._latest[1]

    def _sought(self, record: Record) -> Sought:
        labels = {name: name for name in self._names if not record.clashes(name)}
        for name in self._names:
            original = name.removesuffix(EXTRACTED_SUFFIX)
            if original != name and record.clashes(original):
                labels[original] = name
        return Sought(labels, complete=self._names == set(labels.values()))
