"""Answers with `context`: matches in order, each with the entries around it in its stream."""

from __future__ import annotations

from itertools import islice

import attrs

from logpulse.limits import CONTEXT_MATCHES, PAGE_TEXT_BYTES
from logpulse.query.logs import Match, PageReader, cursor_after
from logpulse.query.neighbours import Neighbourhood, NeighbourReader
from logpulse.query.result import Cursor, Entry, LogsPage, Side
from logpulse.query.scan import Position, RowOrder


@attrs.frozen(eq=False)
class ContextReader:
    """Make pages of what `reader` matches and of the neighbours of that."""

    reader: PageReader
    neighbours: NeighbourReader
    order: RowOrder

    def read(self, limit: int, cursor: Cursor | None) -> LogsPage:
        """Give the next matches after `cursor`, each with its whole context, in all up to `limit` entries.

        The first match is there with its context even where these alone are more. The cursor leads on behind the last
        match.

        Raises:
            QueryMemoryError, QueryCancelledError, StorageError, LimitExceededError: as the engine's `logs`.
        """
        most = self.neighbours.most
        expected = limit // (1 + most.before + most.after) + 1
        matches = self.reader.matches(expected + 1, cursor)
        page = _Page(limit)
        while batch := list(islice(matches, min(expected, CONTEXT_MATCHES))):
            around = self.neighbours.around([match.row.position for match in batch])
            for match, near in zip(batch, around, strict=True):
                if not page.take(match, near):
                    return self._finished(page, cursor_after(list(page.matches.values()), cursor))
        return self._finished(page, None)

    def _finished(self, page: _Page, following: Cursor | None) -> LogsPage:
        entries: dict[Position, Entry] = dict(page.matches)
        for row in self.neighbours.rows(page.sides.keys()):
            entries[row.position] = attrs.evolve(self.reader.stored(row), side=page.sides[row.position])
        ordered = sorted(entries.items(), key=lambda each: each[0], reverse=self.order.is_backward)
        return LogsPage(tuple(entry for _, entry in ordered), following, self.reader.meter.stats)


@attrs.define(eq=False)
class _Page:
    """Gather matches in their order and the rows around them, each once."""

    limit: int
    matches: dict[Position, Entry] = attrs.field(factory=dict)
    sides: dict[Position, Side] = attrs.field(factory=dict)
    _text: int = 0

    def take(self, match: Match, near: Neighbourhood) -> bool:
        """Add a match with its context, unless the page would hold too much then and is not empty."""
        own = match.row.position
        sizes = {each.position: each.size for each in (*near.earlier, *near.later)}
        sizes[own] = len(match.entry.record.line)
        # One by one: the difference of two views walks through all of the second.
        new = [each for each in sizes if each not in self.matches and each not in self.sides]
        text = self._text + sum(sizes[each] for each in new)
        held = len(self.matches) + len(self.sides) + len(new)
        if self.matches and (held > self.limit or text > PAGE_TEXT_BYTES):
            return False
        self._text = text
        self.matches[own] = match.entry
        self.sides.pop(own, None)
        # What stands between two matches belongs to the earlier one as long as that reaches.
        for each in near.earlier:
            if each.position not in self.matches:
                self.sides.setdefault(each.position, Side.BEFORE)
        for each in near.later:
            if each.position not in self.matches:
                self.sides[each.position] = Side.AFTER
        return True
