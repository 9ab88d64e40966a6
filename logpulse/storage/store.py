"""The store: one data folder, opened, appended to, read through views, flushed, pruned and closed.

Two locks: `_flush` serialises whatever changes the segments, `_append` whatever touches the WAL; who holds both took
`_flush` first. Readers hold neither. Segments that left the view go with the last reader that may see them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import attrs

from logpulse.batch import Batch, concat
from logpulse.errors import DamagedFileError, StorageError, UnavailableError
from logpulse.limits import DISK_RESERVE_BYTES, STREAMS
from logpulse.storage.catalog import Catalog
from logpulse.storage.compaction import choose_run, merge
from logpulse.storage.current_view import CurrentView
from logpulse.storage.duplicates import without_duplicates
from logpulse.storage.filenames import DataFolder
from logpulse.storage.files import lack_of_space, locked, make_folder
from logpulse.storage.flush import Flushed, write_segments
from logpulse.storage.head import HeadBatch
from logpulse.storage.index import StreamIndex
from logpulse.storage.newest import NewestTimes
from logpulse.storage.problems import Problems
from logpulse.storage.readers import Readers
from logpulse.storage.recovery import Recovered, open_catalog, prepare_folder, replay
from logpulse.storage.retention import Retention
from logpulse.storage.salvage import salvage
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import verify_chunks
from logpulse.storage.view import View
from logpulse.storage.wal import Wal, WalSync

_LOG: Final = logging.getLogger("logpulse.storage")
Result = TypeVar("Result")


@attrs.frozen
class StorePolicy:
    """Say how a store keeps its data: what is durable when, how large its parts are and how long they live."""

    wal_sync: WalSync = "always"
    chunk_bytes: int = 1 << 20
    head_bytes: int = 256 << 20  # in memory and not on disk yet; pushes wait for the flusher above it
    retention_days: int = 7
    max_streams: int = STREAMS
    disk_reserve_bytes: int = DISK_RESERVE_BYTES


@attrs.frozen
class Commit:
    """Hold what one append made durable: the new entries, without those that were stored already."""

    sequence: int
    batch: Batch
    duplicates: int


class Store:
    """Keep entries durably in one folder. Open it with `open_store`."""

    def __init__(
        self,
        folder: DataFolder,
        policy: StorePolicy,
        problems: Problems,
        catalog: Catalog,
        wal: Wal,
        clock: Callable[[], int],
        monotonic: Callable[[], int],
    ) -> None:
        self.folder = folder
        self.policy = policy
        self.problems = problems
        self.wal_failure = ""  # why the last write of the WAL failed, until one succeeds
        self._catalog = catalog
        self._wal = wal
        self._clock = clock
        self._newest = NewestTimes()
        self._append = threading.Lock()
        self._flush = threading.Lock()
        self._readers = Readers()
        self._current = CurrentView(self._readers)
        self._retention = Retention(catalog, self._current, monotonic)

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """The current view, for a look at its numbers. To read segments use `reading`."""
        return self._current.view

    @property
    def index(self) -> StreamIndex:
        """The streams of the current view."""
        return self._current.view.index

    def reading(self) -> AbstractContextManager[View]:
        """Take the current view; its segments stay on disk until the block ends."""
        return self._current.reading()

    # -- writing ------------------------------------------------------------------------------------------------------

    def append(self, batches: Sequence[Batch]) -> Commit | None:
        """Make the entries of `batches` durable and visible as one WAL record; None if all were stored already.

        Raises:
            UnavailableError: the disk is full or broken, or memory is full because flushing fails; nothing is visible.
            LimitExceededError: they need more streams, more labels or a larger record than allowed.
            StreamCollisionError: two streams share an id.
        """
        try:
            return self._past_damage(partial(self._commit, batches))
        except (StorageError, OSError) as error:
            raise UnavailableError(f"stored entries cannot be compared with new ones: {error}") from error

    def sync(self) -> None:
        """Make everything appended durable, for `wal_sync: interval`.

        Raises:
            UnavailableError: the disk refuses.
        """
        with self._append, self._wal_failures():
            if self._wal.sync():
                self.wal_failure = ""

    def mend_wal(self) -> None:
        """After a failed write, see whether the disk takes data again, so that pushes are not what finds out.

        Raises:
            UnavailableError: it does not.
        """
        with self._append, self._wal_failures():
            if self.wal_failure:
                self._wal.prove()
                self.wal_failure = ""

    def flush(self) -> Flushed | None:
        """Turn the head into segments and let its WAL files go; None if there is nothing to flush.

        Raises:
            OSError: the entries stay in memory and in the WAL, and the next flush tries again.
        """
        with self._flush:
            began = time.perf_counter()
            with self._append:
                if self.view.head.rows:
                    self._wal.roll()
                    self._current.seal()
            sealed = self.view.sealed
            if not sealed:
                return None
            segments = write_segments(self.folder, sealed, self.policy.chunk_bytes)
            last = sealed[-1].last_sequence
            streams = {labels.id: labels for each in sealed for labels in each.batch.streams.values()}
            try:
                self._catalog.add(segments, streams.values(), last)
            except OSError:
                for segment in segments:  # or the next start would adopt them beside those of the next flush
                    segment.path.unlink(missing_ok=True)
                raise
            with self._append:
                for segment in segments:
                    self._newest.note_flushed(segment)
                self._current.exchange_sealed(segments)
                self._wal.release(last)
            rows = sum(each.batch.rows for each in sealed)
            text = sum(each.batch.text_bytes for each in sealed)
            return Flushed(tuple(segments), rows, text, time.perf_counter() - began)

    def retain(self) -> tuple[Segment, ...]:
        """Delete the segments beyond the retention period, and streams without entries; return what was deleted."""
        with self._flush:
            expired = self._retention.apply(self._clock(), self.policy.retention_days)
            if expired:
                with self._append:
                    alive = self._current.forget_streams()
                    self._newest.keep(alive)
                self._retention.keep_streams(alive)
            return expired

    def compact(self, stopped: Callable[[], bool] = lambda: False) -> Segment | None:
        """Merge one run of small segments; None if there is none worth it. Queries and pushes go on meanwhile.

        Asks `stopped` now and then, and gives up when it says so. Leaves the disk's reserve alone.

        Raises:
            OSError, StorageError: the disk refuses, or a segment cannot be read now; nothing has changed.
        """
        with self.reading() as view:
            run = choose_run(view.segments)
            needed = self.policy.disk_reserve_bytes + sum(each.file_bytes for each in run)
            if not run or lack_of_space(self.folder.root, needed):
                return None
            try:
                merged = merge(self.folder, run, self.index.labels, self.policy.chunk_bytes, stopped)
            except DamagedFileError as error:
                self.set_aside(next(each for each in run if each.path == error.path), error.reason)
                return None
            if merged is None:
                return None
        with self._flush:
            present = {each.name for each in self.view.segments}
            if not present.issuperset(each.name for each in run):  # retention or damage was faster
                merged.path.unlink()
                return None
            try:
                self._catalog.replace(run, [merged])
            except OSError:
                merged.path.unlink()
                raise
            self._current.exchange(run, [merged])
            self._current.doom(run)
        self._current.delete_unread()
        return merged

    def verify(self, segment: Segment, chunk: int) -> bool:
        """Prove one chunk of a segment that was in a view some time ago; False if it has left since.

        Raises:
            DamagedFileError: it is not what was written.
            StorageError: it cannot be read now, which says nothing about it.
        """
        with self.reading() as view:
            if segment not in view.segments:
                return False
            verify_chunks(segment, [chunk])
            return True

    def set_aside(self, segment: Segment, reason: str) -> None:
        """Take a damaged segment out of the view, and serve what is whole of it from another that replaces it.

        Its file goes to quarantine as it is. A segment that has left the view already is let be.

        Raises:
            StorageError: what is whole of it cannot be read now; nothing has changed.
        """
        with self._flush:
            if all(each.name != segment.name for each in self.view.segments):
                return
            evidence = self.problems.keep_evidence(segment.path)
            try:
                saved = salvage(self.folder, segment, self.index.labels)
            except OSError as error:
                saved, reason = None, f"{reason}; nothing of it could be saved: {error}"
            successors = [] if saved is None else [saved]
            try:
                self._catalog.replace([segment], successors)
            except OSError as error:  # the next start finds out by itself
                _LOG.warning("the catalog still lists the damaged segment %s: %s", segment.name, error)
            self._current.exchange([segment], successors)
            reason = f"{reason}; {saved.facts.rows if saved else 0} of its {segment.facts.rows} entries were saved"
            if evidence is None:  # no second name for it: readers find it gone
                self.problems.quarantine(segment.path, "segment_damaged", reason)
            else:
                self.problems.add("segment_damaged", f"{segment.name} was moved to {evidence}: {reason}")
                self._current.doom([segment])
        self._current.delete_unread()

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be flushed that pushes have to wait for the flusher."""
        return self.view.head_bytes > self.policy.head_bytes

    def obstacle(self) -> str:
        """Say why pushes cannot be taken now; empty when they can."""
        if self.is_full:
            return f"{self.view.head_bytes} bytes wait to be flushed, over the limit of {self.policy.head_bytes}"
        return lack_of_space(self.folder.root, self.policy.disk_reserve_bytes)

    def wal_bytes(self) -> int:
        """Count the bytes of the WAL on disk."""
        return self._wal.stored_bytes()

    def close(self, patience: float = 5.0) -> None:
        """Make everything durable and let go of the files; waits up to `patience` seconds for readers.

        Raises:
            OSError: the last sync failed.
        """
        self._readers.wait_for_none(patience)
        with self._flush, self._append:
            try:
                self._wal.close()
            finally:
                self._catalog.close()

    # -- inside -------------------------------------------------------------------------------------------------------

    def recover(self, recovered: Recovered, store_id: bytes) -> None:
        """Take in what was on disk: streams and segments, then the WAL records that are not in them."""
        contents = recovered.contents
        self.index.register(contents.streams)
        for segment in contents.segments:
            self._newest.note_flushed(segment)
        self._current.begin(recovered.last_sequence, contents.segments)
        for record in replay(self.folder, store_id, contents.flushed_sequence, recovered.next_sequence, self.problems):
            self.index.register(self.index.unknown(record.batch.streams))
            rest = self._past_damage(partial(self._without_duplicates, record.batch))
            if rest.rows:
                self._take_in(HeadBatch(rest, record.sequence, record.sequence, record.arrival))
            self._current.note_sequence(record.sequence)
        self._wal.continue_after(self.view.sequence)
        arrivals = [each.facts.arrival for each in contents.segments] + [each.arrival for each in self.view.batches]
        self._retention.begin(contents.clock, max(arrivals, default=0))

    def _commit(self, batches: Sequence[Batch]) -> Commit | None:
        with self._append:
            if obstacle := self.obstacle():
                raise UnavailableError(obstacle)
            fresh = self.index.unknown(*(batch.streams for batch in batches))
            self.index.refuse_beyond(self.policy.max_streams, fresh)
            batch = concat(batches)
            rest = self._without_duplicates(batch)
            if not rest.rows:
                return None
            arrival = self._clock()
            with self._wal_failures():
                sequence = self._wal.append(arrival, rest)
                self.wal_failure = ""
            self.index.register(fresh)
            self._take_in(HeadBatch(rest, sequence, sequence, arrival))
            return Commit(sequence, rest, batch.rows - rest.rows)

    @contextmanager
    def _wal_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.wal_failure = f"the WAL cannot be written: {error.strerror or error}"
            raise UnavailableError(self.wal_failure) from error

    def _past_damage(self, work: Callable[[], Result]) -> Result:
        """Do something that reads segments, each time anew when a damaged one had to be set aside."""
        while True:
            try:
                return work()
            except DamagedFileError as error:
                for segment in self.view.segments:
                    if segment.path == error.path:
                        self.set_aside(segment, error.reason)

    def _without_duplicates(self, batch: Batch) -> Batch:
        with self.reading() as view:
            return without_duplicates(batch, self._newest, view.batches, view.segments)

    def _take_in(self, batch: HeadBatch) -> None:
        self._newest.note_seen(batch.batch)
        self._current.take_in(batch)


@contextmanager
def open_store(
    path: Path,
    policy: StorePolicy,
    *,
    clock: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], int] = time.monotonic_ns,
    on_wal_sync: Callable[[float], None] = lambda _: None,
) -> Iterator[Store]:
    """Open the data folder at `path`, creating it if need be, replay its WAL, and close it at the end.

    Args:
        clock: the wall clock in unix nanoseconds.
        monotonic: a clock in nanoseconds that never jumps, to tell when the other one did.
        on_wal_sync: told the seconds each fdatasync of the WAL took.

    Raises:
        StoreLockedError: another process uses the folder.
        NewerFormatError: a later version wrote it; nothing was changed.
        DamagedFileError: its format file makes no sense; nothing was changed.
        OSError: the folder cannot be created or written.
    """
    folder = DataFolder(path.resolve())
    make_folder(folder.root)
    with ExitStack() as stack:
        stack.enter_context(locked(folder.lock))
        store_id = prepare_folder(folder)
        problems = Problems(folder)
        recovered = open_catalog(folder, problems)
        wal = Wal(folder, store_id, policy.wal_sync, on_wal_sync, time.perf_counter)
        store = Store(folder, policy, problems, recovered.catalog, wal, clock, monotonic)
        stack.callback(store.close)
        store.recover(recovered, store_id)
        yield store
