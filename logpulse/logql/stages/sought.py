"""The names that a parser has to look for in a line, so that the labels wanted later come out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

import attrs

from logpulse.logql.record import EXTRACTED_SUFFIX, Base, Record
from logpulse.logql.stages.json_pick import JsonPick

_KNOWN: Final = 64  # ways in which the labels wanted clash with those of streams; most queries meet one


@attrs.frozen(eq=False, slots=False)
class Sought:
    """Map the names to look for to the labels they become: the same, or with the suffix of those that clash.

    `complete` tells whether they are all that is wanted: then a parser has done its work when it has found them, and
    what follows in the line cannot fail any more. A wanted label of the stream is never found, so that the line is
    read to its end, as Loki does.
    """

    labels: Mapping[str, str]
    complete: bool

    @cached_property
    def pick(self) -> JsonPick:
        """What finds these names in JSON without reading all of it."""
        return JsonPick(list(self.labels))

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
        self._candidates = names | {name.removesuffix(EXTRACTED_SUFFIX) for name in names}
        self._latest: tuple[Base, Sought] | None = None
        self._known: dict[frozenset[str], Sought] = {}

    def sought(self, record: Record) -> Sought:
        """Give what to look for in the line of `record`."""
        if record.labels is not record.base.labels:  # metadata that was dropped does not clash any more
            return self._sought(record)
        latest = self._latest
        if latest is None or latest[0] is not record.base:
            latest = self._latest = record.base, self._sought(record)
        return latest[1]

    def _sought(self, record: Record) -> Sought:
        clashing = frozenset(filter(record.clashes, self._candidates))
        known = self._known.get(clashing)
        if known is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[clashing] = self._with(clashing)
        return known

    def _with(self, clashing: frozenset[str]) -> Sought:
        labels = {name: name for name in sorted(self._names - clashing)}
        labels |= {name: f"{name}{EXTRACTED_SUFFIX}" for name in sorted(clashing)}
        labels = {name: label for name, label in labels.items() if label in self._names}
        return Sought(labels, complete=self._names == set(labels.values()))
