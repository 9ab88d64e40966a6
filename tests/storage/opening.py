"""Open stores for tests: small parts, a clock that stands still, and no wait for the disk."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import attrs
import pyarrow.parquet as pq

from logpulse.storage.store import Store, StorePolicy, open_store
from logpulse.storage.view import View

from ..strategies import NOON, LogEntry, entries_of

POLICY = StorePolicy(wal_sync="none", chunk_bytes=1 << 10, disk_reserve_bytes=0)


@attrs.define
class Clock:
    """Give a time that only the test moves: `now` is what the clock shows, `ran` what has passed."""

    now: int = NOON

    ran: int = 0

    def __call__(self) -> int:
        return self.now

    def monotonic(self) -> int:
        """Give the time that passed, whatever the clock shows."""
        return self.ran

    def run(self, nanoseconds: int) -> None:
        """Let time pass."""
        self.now += nanoseconds
        self.ran += nanoseconds


def opened(path: Path, policy: StorePolicy = POLICY, clock: Clock | None = None) -> AbstractContextManager[Store]:
    """Open a store at `path`."""
    clock = clock or Clock()
    return open_store(path, policy, clock=clock, monotonic=clock.monotonic)


def stored(store: Store, view: View | None = None) -> Counter[LogEntry]:
    """Count every entry that the view holds, by reading its files and batches without the query engine."""
    found: list[LogEntry] = []
    with store.reading() as current:
        view = view or current
        for segment in view.segments:
            found += [
                LogEntry(view.index.labels(row["stream"]), row["timestamp"], row["line"], row["metadata"])
                for row in pq.read_table(segment.path).to_pylist()
            ]
        found += entries_of(each.batch for each in view.batches)
    return Counter(found)


def problem_codes(store: Store) -> list[str]:
    """List the codes of the problems found since the start."""
    return [problem.code for problem in store.problems.listed()]
