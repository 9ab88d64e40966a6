"""The seams between the pages of one answer: `context` shows an entry on each page that has a match near it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import attrs
import msgspec

from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.wire import EntryMark, Page
from logpulse.errors import InvalidRequestError
from logpulse.limits import SEAM_HELD, SEAM_REMEMBERED
from logpulse.units import parse_rfc3339

_MARK = msgspec.json.Decoder(EntryMark)


def may_repeat(query: str) -> bool:
    """Tell whether pages of a query may show an entry twice; a false alarm costs a look at each entry."""
    return "context" in query.lower()


@attrs.frozen
class _Placed:
    entry: msgspec.Raw
    id: str
    time: int
    is_context: bool

    @classmethod
    def of(cls, entry: msgspec.Raw) -> _Placed:
        mark = _MARK.decode(entry)
        return cls(entry, mark.id, parse_rfc3339(mark.timestamp), mark.context)


@attrs.define
class Seam:
    """Leave out of each page what those before it have shown, as far as SEAM_REMEMBERED entries back.

    Context behind the last match of a page is held back until the next page tells which of it matches itself: an entry
    that does is given as a match. `sign` is 1 where the oldest page comes first, -1 where the newest does.
    """

    sign: int
    _held: list[_Placed] = attrs.field(factory=list)
    _given: dict[str, None] = attrs.field(factory=dict)

    def joined(self, page: Page) -> Page:
        """Give the page that follows without its repeats, and what was held back before it in its place in time.

        Raises:
            UnexpectedAnswerError: an entry cannot be read.
        """
        found = self._with_held(page)
        matches = (number for number in range(len(found), 0, -1) if not found[number - 1].is_context)
        kept = max(next(matches, 0), len(found) - SEAM_HELD)
        self._held = found[kept:]
        return self._give(page, found[:kept])

    def closed(self, page: Page) -> Page:
        """Give the last page likewise, with all that was held back.

        Raises:
            UnexpectedAnswerError: an entry cannot be read.
        """
        found, self._held = self._with_held(page), []
        return self._give(page, found)

    def _with_held(self, page: Page) -> list[_Placed]:
        try:
            new = [_Placed.of(entry) for entry in page.logs]
        except (msgspec.DecodeError, InvalidRequestError) as error:
            raise UnexpectedAnswerError("the server", f"sent an entry that cannot be read: {error}") from error
        matches = {each.id for each in new if not each.is_context}
        held = [each for each in self._held if each.id not in matches]
        waiting = {each.id for each in held}
        fresh = [each for each in new if each.id not in self._given and each.id not in waiting]
        return list(heapq.merge(held, fresh, key=lambda each: self.sign * each.time))

    def _give(self, page: Page, found: Sequence[_Placed]) -> Page:
        for each in found:
            self._given[each.id] = None
        while len(self._given) > SEAM_REMEMBERED:
            del self._given[next(iter(self._given))]
        return msgspec.structs.replace(page, logs=[each.entry for each in found])
