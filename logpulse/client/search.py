"""The query command: pages in, one answer out that reads downwards in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import attrs
import msgspec

from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.render import Renderer
from logpulse.client.wire import Page, Stats
from logpulse.errors import InvalidRequestError
from logpulse.units import format_byte_size


@attrs.define
class Totals:
    """Add up what the pages of one query held and cost; `seconds` is what the operator waited."""

    entries: int = 0
    series: int = 0
    pages: int = 0
    stats: Stats = attrs.field(factory=Stats)
    seconds: float = 0.0

    def add(self, page: Page) -> None:
        """Count one page."""
        self.entries += len(page.logs)
        self.series += len(page.series)
        self.pages += 1
        self.stats += page.stats

    def __str__(self) -> str:
        found = f"{self.series:,} series" if self.series else f"{self.entries:,} entries"
        stats = self.stats
        return (
            f"{found} in {self.seconds:.3f} s ({self.pages} requests, {stats.execution_time:,.0f} ms in the server): "
            f"{stats.queried_chunks:,} chunks, {stats.scanned_lines:,} lines, "
            f"{format_byte_size(stats.scanned_bytes)} scanned"
        )


def search(
    client: ApiClient,
    query: LogQuery,
    most: int | None,
    renderer: Renderer,
    write: Callable[[bytes], None],
    advance: Callable[[int], None],
) -> Totals:
    """Write at most `most` entries of a query, None for all, always with the newest last; give what it took.

    A forward query is written page by page as it arrives. A backward one is held until its last page is there, since
    that page holds the oldest entries: so it needs a bound. `advance` is told the number of entries of each page.

    Raises:
        BadQueryError, ServerUnreachableError, ServerRefusedError, UnexpectedAnswerError: as `ApiClient.pages`; what was
            written until then is right and complete up to its last entry.
        OSError: from `write`.
    """
    began, totals = time.monotonic(), Totals()

    def counted(pages: Iterable[Page]) -> Iterator[Page]:
        for page in pages:
            totals.add(page)
            advance(len(page.logs))
            yield page

    pages = counted(client.pages(query, most))
    try:
        for page in _oldest_first(pages) if query.direction is Direction.BACKWARD else pages:
            write(renderer.entries(page.logs) + renderer.series(page.series))
    except (msgspec.DecodeError, InvalidRequestError) as error:
        raise UnexpectedAnswerError("the server", f"sent an entry that cannot be read: {error}") from error
    totals.seconds = time.monotonic() - began
    return totals


def _oldest_first(pages: Iterable[Page]) -> Iterator[Page]:
    for page in reversed(list(pages)):
        yield msgspec.structs.replace(page, logs=page.logs[::-1])
