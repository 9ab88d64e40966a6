"""Answer log queries: newest (or oldest) sources first, stopping as soon as no source left can hold a better row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import attrs

from logpulse.limits import CURSOR_REPEATS, FIRST_WAVE_BYTES, PAGE_TEXT_BYTES, WAVE_GROWTH
from logpulse.logql.record import Base, Origin, Record
from logpulse.logql.stages.predicate import SqlPredicate
from logpulse.model.labels import Labels
from logpulse.query.executor import Executor, QueryMemoryError, ScanTask
from logpulse.query.interrupt import Interrupt
from logpulse.query.planner import LogPlan, Source
from logpulse.query.result import Cursor, Direction, Entry, LabelsOf, LogsPage, ScanStats
from logpulse.query.scan import RowOrder, frugal_scan_tasks, scan_tasks
from logpulse.wire.metadata import metadata_pairs


@attrs.frozen(order=False)
class Row:
    """Hold one found row; `origin` and `row_number` give its place among entries equal in time and stream."""

    timestamp: int
    stream: int
    origin: str
    row_number: int
    line: str
    metadata: str | None

    @property
    def position(self) -> tuple[int, int, str, int]:
        """The key of the total order of rows."""
        return self.timestamp, self.stream, self.origin, self.row_number


ReadSources = Callable[[Sequence[Source], Sequence[SqlPredicate], int], list[Row]]


def read_page(
    plan: LogPlan,
    direction: Direction,
    limit: int,
    cursor: Cursor | None,
    labels_of: LabelsOf,
    read: ReadSources,
) -> LogsPage:
    """Give up to `limit` entries after `cursor`, and the cursor of the last one unless it is the last of all.

    `read` answers the first rows of some sources under some bounds, in order.
    """
    skip = 0 if cursor is None else min(cursor.repeats, CURSOR_REPEATS)
    stats = ScanStats()
    while True:
        wanted = skip + limit + 1
        rows, cost = _first_rows(plan, direction, wanted, cursor, read)
        stats += cost
        found = _after(rows, cursor, labels_of)
        if len(rows) < wanted or len(found) > limit:
            break
        skip = max(1, 2 * skip)  # entries that came late moved the cursor's entry down, or beyond what was read
    page = _within_size(found[:limit])
    entries = tuple(_entry(row, labels_of) for row in page)
    more = len(found) > len(page)
    return LogsPage(entries, _cursor_after(entries, cursor) if more and entries else None, stats)


def _first_rows(
    plan: LogPlan, direction: Direction, wanted: int, cursor: Cursor | None, read: ReadSources
) -> tuple[list[Row], ScanStats]:
    forward = direction is Direction.FORWARD
    waiting = sorted(plan.sources, key=(lambda s: s.oldest) if forward else (lambda s: -s.newest))
    bounds = [] if cursor is None else [_from_cursor(cursor, direction)]
    rows: list[Row] = []
    # Without a line filter every row counts, and one source mostly has enough of them.
    stats, budget = ScanStats(), FIRST_WAVE_BYTES if plan.predicates else 1
    while waiting:
        limit_time = rows[wanted - 1].timestamp if len(rows) >= wanted else None
        if limit_time is not None:
            waiting = [s for s in waiting if (s.oldest <= limit_time if forward else s.newest >= limit_time)]
        wave, waiting = _next_wave(waiting, budget)
        if not wave:
            break
        known = [] if limit_time is None else [SqlPredicate(f'"timestamp" {"<=" if forward else ">="} {limit_time}')]
        rows += read(wave, [*bounds, *known], wanted)
        rows.sort(key=lambda row: row.position, reverse=not forward)
        del rows[wanted:]
        stats += _cost(plan, wave)
        budget = max(budget * WAVE_GROWTH, FIRST_WAVE_BYTES)
    return rows, stats


def _next_wave(waiting: list[Source], budget: int) -> tuple[list[Source], list[Source]]:
    """Take sources off the front until they hold `budget` bytes of text; at least one."""
    taken = 0
    for number, source in enumerate(waiting):
        taken += source.text_bytes
        if taken >= budget:
            return waiting[: number + 1], waiting[number + 1 :]
    return waiting, []


def _cost(plan: LogPlan, wave: Sequence[Source]) -> ScanStats:
    stats = ScanStats()
    for source in wave:
        if source.segment is None:
            stats += ScanStats(0, sum(each.batch.rows for each in source.batches), source.text_bytes)
        else:
            rows, text_bytes = source.segment.text_of(plan.streams)
            stats += ScanStats(len(source.segment.chunk_numbers(plan.streams)), rows, text_bytes)
    return stats


def _from_cursor(cursor: Cursor, direction: Direction) -> SqlPredicate:
    way = ">" if direction is Direction.FORWARD else "<"
    place = cursor.timestamp, cursor.timestamp, cursor.stream
    return SqlPredicate(f'"timestamp" {way} ? or ("timestamp" = ? and stream {way}= ?)', place)


def _after(rows: Sequence[Row], cursor: Cursor | None, labels_of: LabelsOf) -> list[Row]:
    """Drop the rows up to the cursor's entry, which are all of them if it may stand behind them.

    Where retention has deleted that entry meanwhile, the page goes on behind all that equal it in time and stream.
    """
    if cursor is None:
        return list(rows)
    for number, row in enumerate(rows):
        if (row.timestamp, row.stream) != (cursor.timestamp, cursor.stream):
            return list(rows[number:])
        if _entry(row, labels_of).digest == cursor.digest:
            return list(rows[number + 1 :])
    return []


def _within_size(rows: Sequence[Row]) -> Sequence[Row]:
    size = 0
    for number, row in enumerate(rows):
        size += len(row.line)
        if size > PAGE_TEXT_BYTES and number:
            return rows[:number]
    return rows


def _cursor_after(entries: Sequence[Entry], before: Cursor | None) -> Cursor:
    last = entries[-1]
    repeats = sum(1 for each in entries if (each.timestamp, each.stream) == (last.timestamp, last.stream))
    if before is not None and (before.timestamp, before.stream) == (last.timestamp, last.stream):
        repeats += before.repeats
    return Cursor(last.timestamp, last.stream, last.digest, repeats)


def _entry(row: Row, labels_of: LabelsOf) -> Entry:
    return make_entry(row.stream, row.timestamp, row.line, row.metadata, labels_of(row.stream))


def make_entry(stream: int, timestamp: int, line: str, metadata: str | None, labels: Labels) -> Entry:
    """Make an entry whose record is as it begins."""
    shown = labels.as_dict()
    origins = {}
    for name, value in metadata_pairs(metadata).items():
        label = re.sub("[^a-zA-Z0-9_]", "_", name)
        label = f"{label}_extracted" if labels.get(label) else label
        if value:
            shown[label], origins[label] = value, Origin.METADATA
    return Entry(stream, timestamp, line, metadata, labels, Record(timestamp, line, Base(shown, origins)))


def source_reader(plan: LogPlan, direction: Direction, executor: Executor, interrupt: Interrupt) -> ReadSources:
    """Read sources by scan tasks, the frugal ones where whole rows take too much memory."""
    order = RowOrder(direction)

    def read(sources: Sequence[Source], bounds: Sequence[SqlPredicate], limit: int) -> list[Row]:
        try:
            return run(scan_tasks(plan, sources, bounds, order, limit))
        except QueryMemoryError:
            return run(frugal_scan_tasks(plan, sources, bounds, order, limit))

    def run(tasks: Sequence[ScanTask]) -> list[Row]:
        rows: list[Row] = []
        for task in tasks:
            interrupt.check()
            table = executor.run(task, interrupt)
            columns = (
                table.column(name).to_pylist()
                for name in ("timestamp", "stream", "origin", "row_number", "line", "metadata")
            )
            rows += [Row(*values) for values in zip(*columns, strict=True)]
        return rows

    return read
