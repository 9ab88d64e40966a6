"""Answer log queries: rows in order, each through the pipeline, until the page is full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from logpulse.limits import CURSOR_REPEATS, PAGE_TEXT_BYTES
from logpulse.logql.base import Bases
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.query.dedup import ShownKeys
from logpulse.query.interrupt import Interrupt
from logpulse.query.meter import Meter
from logpulse.query.ordered_rows import OrderedRows
from logpulse.query.result import Cursor, Entry, LabelsOf, LogsPage
from logpulse.query.row_reader import Row


@attrs.frozen(eq=False)
class Match:
    """Hold an entry that the answer shows, and the row it stands in."""

    row: Row
    entry: Entry


@attrs.define(eq=False)
class PageReader:
    """Make a page of entries of ordered rows: `pipeline` decides each and gives it its labels.

    Those whose keys `shown` has are left out; it lives as long as one answer.
    """

    rows: OrderedRows
    pipeline: Pipeline
    labels_of: LabelsOf
    interrupt: Interrupt
    meter: Meter
    shown: ShownKeys
    _bases: Bases = attrs.field(factory=Bases, init=False)

    def read(self, limit: int, cursor: Cursor | None) -> LogsPage:
        """Give up to `limit` entries after `cursor`, and the cursor of the last one unless it is the last of all.

        Raises:
            QueryCancelledError: the interrupt was pulled.
            LimitExceededError: `dedup` has too many keys.
        """
        entries: list[Entry] = []
        text = 0
        for match in self.matches(limit + 1, cursor):
            text += len(match.entry.record.line)
            if len(entries) == limit or (text > PAGE_TEXT_BYTES and entries):
                return LogsPage(tuple(entries), cursor_after(entries, cursor), self.meter.stats)
            entries.append(match.entry)
        return LogsPage(tuple(entries), None, self.meter.stats)

    def matches(self, first: int, cursor: Cursor | None) -> Iterator[Match]:
        """Give the entries after `cursor` that the answer shows, in order; about `first` rows are read at first.

        Raises:
            QueryCancelledError: the interrupt was pulled.
            LimitExceededError: `dedup` has too many keys.
        """
        skip = 0 if cursor is None else min(cursor.repeats, CURSOR_REPEATS)
        start = None if cursor is None else (cursor.timestamp, cursor.stream)
        waiting, run, check = cursor, self.pipeline.run, self.interrupt.check
        twins = _Twins()
        exact = 0 if self.pipeline.is_idle else 1
        for portion in self.rows.portions(skip + first, start):
            for row in portion:
                check()  # at each row, as one with a long template takes up to TEMPLATE_SECONDS
                self.meter.exact_rows += exact
                if waiting is not None:
                    # Where retention has deleted the cursor's entry, the page goes on behind all that equal it in time
                    # and stream.
                    if (row.timestamp, row.stream) == (waiting.timestamp, waiting.stream):
                        record = self._record(row)
                        if self._entry(row, record).digest == waiting.digest:
                            waiting = None
                        if run(record):
                            twins.has(row, record)
                        continue
                    waiting = None
                record = self._record(row)
                if run(record) and not twins.has(row, record) and not self.shown.has(record, row.stream):
                    yield Match(row, self._entry(row, record))

    def stored(self, row: Row) -> Entry:
        """Give the entry of a row as it is stored."""
        return self._entry(row, self._record(row))

    def _record(self, row: Row) -> Record:
        return Record(row.timestamp, row.line, self._bases.of(self.labels_of(row.stream), row.metadata))

    def _entry(self, row: Row, record: Record) -> Entry:
        return Entry(row.stream, row.timestamp, row.line, row.metadata, self.labels_of(row.stream), record)


@attrs.define(eq=False)
class _Twins:
    """Find entries that only their metadata told apart, once the pipeline has made their labels equal.

    Such entries have one time and one stream, so they stand side by side; each shows once, as in Loki.
    """

    _place: tuple[int, int] = (0, 0)
    _seen: dict[str, list[Record]] = attrs.field(factory=dict)

    def has(self, row: Row, record: Record) -> bool:
        """Tell whether a twin of the entry came before, and remember the entry."""
        place = row.timestamp, row.stream
        if place != self._place:
            self._place, self._seen = place, {row.line: [record]}
            return False
        alike = self._seen.setdefault(row.line, [])
        if any(other.shown == record.shown for other in alike):
            return True
        alike.append(record)
        return False


def cursor_after(entries: Sequence[Entry], before: Cursor | None) -> Cursor:
    """Give the cursor behind the last of the `entries` that match, which a page shows after the cursor `before`."""
    last = entries[-1]
    repeats = sum(1 for each in entries if (each.timestamp, each.stream) == (last.timestamp, last.stream))
    if before is not None and (before.timestamp, before.stream) == (last.timestamp, last.stream):
        repeats += before.repeats
    return Cursor(last.timestamp, last.stream, last.digest, repeats)
