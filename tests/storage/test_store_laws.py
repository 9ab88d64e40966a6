"""The store against a model, an ordered set of entries: what was acknowledged is found exactly once, always."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

import attrs
import pyarrow.parquet as pq
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from logpulse.limits import DAY_NS
from logpulse.logql.ast import LogQuery, Selector
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Direction
from logpulse.storage.store import Store
from logpulse.storage.view import View

from ..strategies import LogEntry, batch_of, entry_lists
from .opening import POLICY, Clock, opened, stored

RETENTION_DAYS = 3


@attrs.frozen
class HeldView:
    """Be a reader that takes its time: the view, and what it held when it was taken."""

    view: View
    content: Counter[LogEntry]
    release: ExitStack


class StoreMachine(RuleBasedStateMachine):
    """Do anything that happens to a store, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(mkdtemp(prefix="logpulse-store-"))
        self.resources = ExitStack()
        self.resources.callback(shutil.rmtree, self.root)
        self.resources.enter_context(patch("logpulse.storage.compaction.COMPACTION_FANIN", 2))
        self.executor = self.resources.enter_context(Executor(self.root, threads=1, memory=64 << 20))
        self.clock = Clock()
        self.copies = 0
        self.folder = self.root / "0"
        self.expected: dict[LogEntry, int] = {}  # in commit order, each with its arrival
        self.doubtful: set[LogEntry] = set()  # in files that were damaged: they may be gone, but not double
        self.held: list[HeldView] = []
        self.opening = ExitStack()
        self.store: Store

    @initialize()
    def start(self) -> None:
        """Open an empty folder."""
        self._open()

    def teardown(self) -> None:
        """Close and remove everything."""
        self._close()
        self.resources.close()

    def _open(self) -> None:
        policy = attrs.evolve(POLICY, retention_days=RETENTION_DAYS)
        self.opening = ExitStack()
        self.store = self.opening.enter_context(opened(self.folder, policy, self.clock))
        self.engine = Engine(self.store, self.executor)

    def _close(self) -> None:
        self._let_go()
        self.opening.close()

    def _let_go(self) -> None:
        for held in self.held:
            held.release.close()
        self.held.clear()

    # -- what happens to it -------------------------------------------------------------------------------------------

    @rule(pushes=st.lists(entry_lists, min_size=1, max_size=3))
    def append(self, pushes: list[list[LogEntry]]) -> None:
        """Commit some pushes as one group: new entries, late ones, and duplicates of any kind."""
        commit = self.store.append([batch_of(push) for push in pushes])
        sent = [each for push in pushes for each in push]
        fresh = [each for each in dict.fromkeys(sent) if each not in self.expected]
        self.expected.update(dict.fromkeys(fresh, self.clock.now))
        if not self.doubtful:
            assert (commit.batch.rows if commit else 0) == len(fresh)
            assert commit is None or commit.duplicates == len(sent) - len(fresh)
        for each in sent:
            if each in self.doubtful:  # acknowledged anew, at a new place
                self.doubtful.remove(each)
                self._move_to_the_end(each)

    def _move_to_the_end(self, entry: LogEntry) -> None:
        arrival = self.expected.pop(entry)
        self.expected[entry] = arrival

    @rule()
    def flush(self) -> None:
        """Write the head to segments."""
        flushed = self.store.flush()
        assert not self.store.view.batches
        if flushed is not None:
            assert self.store.wal_bytes() == 0

    @rule()
    def compact(self) -> None:
        """Merge small segments."""
        self.store.compact()

    @rule()
    def reopen(self) -> None:
        """Stop in order and start again."""
        self._close()
        self._open()

    @rule()
    def crash(self) -> None:
        """Start from what is on disk at this moment, as after a kill."""
        self.copies += 1
        copy = self.root / str(self.copies)
        shutil.copytree(self.folder, copy)
        self._close()
        shutil.rmtree(self.folder)
        self.folder = copy
        self._open()

    @rule(torn=st.binary(min_size=1, max_size=40))
    def crash_while_writing(self, torn: bytes) -> None:
        """Be killed in the middle of a write that nobody was told about."""
        self._close()
        files = self.store.folder.wal_files()
        if files:
            with files[-1].open("ab") as file:
                file.write(torn)
        self._open()

    @rule(leaving=st.sampled_from(["nothing", "garbage", "an empty file"]))
    def lose_the_catalog(self, leaving: str) -> None:
        """Start without the catalog."""
        self._close()
        catalog = self.store.folder.catalog
        catalog.unlink()
        if leaving == "garbage":
            catalog.write_bytes(b"no database" * 1000)
        elif leaving == "an empty file":
            catalog.touch()
        self._open()

    @precondition(lambda self: self.store.view.segments)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """Lose the second half of a segment."""
        self._let_go()
        segment = data.draw(st.sampled_from(self.store.view.segments))
        for row in pq.read_table(segment.path).to_pylist():
            labels = self.store.index.labels(row["stream"])
            self.doubtful.add(LogEntry(labels, row["timestamp"], row["line"], row["metadata"]))
        with segment.path.open("r+b") as file:
            file.truncate(segment.file_bytes // 2)

    @rule(days=st.sampled_from([0.4, 0.9, 2.0, 5.0]), jumps=st.booleans())
    def retain(self, days: float, jumps: bool) -> None:
        """Let time pass, or the clock jump over it, and delete what is too old."""
        if jumps:
            self.clock.now += int(days * DAY_NS)
        else:
            self.clock.run(int(days * DAY_NS))
        gone = self.store.retain()
        if not gone:
            return
        oldest_kept = self.clock.now - RETENTION_DAYS * DAY_NS
        present = Counter(self._entries())
        for each, arrival in list(self.expected.items()):
            if max(each.timestamp, arrival) < oldest_kept and not present[each]:
                del self.expected[each]
                self.doubtful.discard(each)

    @precondition(lambda self: len(self.held) < 2)
    @rule()
    def hold_a_view(self) -> None:
        """Begin a query that takes its time."""
        release = ExitStack()
        view = release.enter_context(self.store.reading())
        self._read_soundly()
        self.held.append(HeldView(view, Counter(self._entries_of(view)), release))

    @precondition(lambda self: self.held)
    @rule()
    def release_a_view(self) -> None:
        """End it: what it read has not changed, although files may have left the view long ago."""
        held = self.held.pop(0)
        assert stored(self.store, held.view) == held.content
        assert Counter(self._entries_of(held.view)) == held.content
        held.release.close()

    # -- what must hold -----------------------------------------------------------------------------------------------

    def _entries_of(self, view: View) -> list[LogEntry]:
        request = LogsRequest(LogQuery(Selector(())), limit=100_000, direction=Direction.FORWARD)
        page = self.engine.logs_of(view, request, Interrupt())
        assert page.next is None
        return [LogEntry(each.labels, each.timestamp, each.line, each.metadata) for each in page.entries]

    def _entries(self) -> list[LogEntry]:
        with self.store.reading() as view:
            return self._entries_of(view)

    def _read_soundly(self) -> list[LogEntry]:
        """Query; damage that the query finds costs only what was in the damaged file."""
        found = self._entries()
        for each in self.doubtful.difference(found):
            del self.expected[each]
        self.doubtful.intersection_update(found)
        return found

    @invariant()
    def every_entry_is_found_once_in_order(self) -> None:
        """Find what was acknowledged exactly once, by time, and in commit order among equals."""
        found = self._read_soundly()
        assert found == sorted(self.expected, key=lambda each: (each.timestamp, each.labels.id))

    @precondition(lambda self: not self.held)
    @invariant()
    def the_folder_holds_no_leftovers(self) -> None:
        """Keep on disk the segments of the view and no others, and nothing half-written."""
        names = [segment.name for segment in self.store.view.segments]
        assert self.store.folder.segment_names() == names
        assert not list(self.store.folder.root.rglob("*.tmp"))


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=18)
TestStore = StoreMachine.TestCase
