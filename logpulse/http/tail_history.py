"""What a tail begins with: the newest entries of one view, the oldest of them first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial

import attrs

from logpulse.http.context import Services
from logpulse.http.tail_request import History
from logpulse.limits import HISTORY_PAGE
from logpulse.logql.ast import LogQuery
from logpulse.query.engine import LogsRequest
from logpulse.query.result import Cursor, Direction, Entry, LogsPage
from logpulse.storage.view import View


@attrs.frozen
class LeftOut:
    """Tell that at least one entry from `oldest` to `newest` (unix nanoseconds) is not part of the history."""

    oldest: int
    newest: int


@attrs.frozen(eq=False)
class TailHistory:
    """Read the entries of `query` in `view` that `asked` names, holding one page of them at a time."""

    services: Services
    view: View
    query: LogQuery
    asked: History

    async def pages(self) -> AsyncGenerator[Sequence[Entry] | LeftOut, None]:
        """Give entries in the order of time. What is left out though it was asked for by its time comes first.

        More than a page is read twice: backward to find its beginning, then forward from there.
        """
        most = self.asked.newest
        page = first = await self._page(most, Direction.BACKWARD, None)
        found = len(first.entries)
        while page.next is not None and found < most:
            page = await self._page(most - found, Direction.BACKWARD, page.next)
            found += len(page.entries)
        before = None if page.next is None else await self._entry_after(page.next)
        if before is not None and self.asked.start is not None:
            yield LeftOut(self.asked.start, before.timestamp)
        if page is first:
            yield first.entries[::-1]
            return
        cursor = None if before is None else Cursor(before.timestamp, before.stream, before.digest, 1)
        while found > 0:
            page = await self._page(found, Direction.FORWARD, cursor)
            yield page.entries
            found -= len(page.entries)
            cursor = page.next
            if cursor is None:
                return

    async def _entry_after(self, cursor: Cursor) -> Entry:
        return (await self._page(1, Direction.BACKWARD, cursor)).entries[0]

    async def _page(self, most: int, direction: Direction, cursor: Cursor | None) -> LogsPage:
        asked = LogsRequest(
            self.query,
            start=self.asked.start or 0,
            limit=min(most, HISTORY_PAGE),
            direction=direction,
            cursor=cursor,
        )
        return await self.services.queries.run("tail_history", partial(self.services.engine.logs_of, self.view, asked))
