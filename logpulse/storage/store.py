"""The store: one data folder, opened, appended to, read through views, flushed, pruned and closed.

Two locks: `_append` serialises whatever touches the WAL, `_publish` guards the swap of the current view. Readers hold
neither while they read. Segments that left the view are deleted when the last reader that may see them has gone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs

from logpulse.batch import Batch, concat
from logpulse.errors import DamagedFileError, OverloadedError, UnavailableError
from logpulse.limits import DISK_RESERVE_BYTES, STREAMS
from logpulse.storage.catalog import Catalog, CatalogContents
from logpulse.storage.clock import ClockWatch
from logpulse.storage.compaction import choose_run, merge
from logpulse.storage.duplicates import without_duplicates
from logpulse.storage.filenames import DataFolder
from logpulse.storage.files import lack_of_space, locked, make_folder
from logpulse.storage.flush import write_segments
from logpulse.storage.head import Head, HeadBatch
from logpulse.storage.index import StreamIndex
from logpulse.storage.newest import NewestTimes
from logpulse.storage.problems import Problems
from logpulse.storage.readers import Readers
from logpulse.storage.recovery import open_catalog, prepare_folder, replay
from logpulse.storage.retention import expired_segments
from logpulse.storage.segment import Segment
from logpulse.storage.view import View
from logpulse.storage.wal import Wal, WalSync

_LOG: Final = logging.getLogger("logpulse.storage")


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


@attrs.frozen
class Flushed:
    """Describe one flush."""

    segments: tuple[Segment, ...]
    rows: int
    text_bytes: int
    seconds: float


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
        self.wal_failure = ""  # why the last write of the WAL failed; the next one tries again
        self._catalog = catalog
        self._wal = wal
        self._clock = clock
        self._newest = NewestTimes()
        self._append = threading.Lock()
        self._flush = threading.Lock()
        self._readers = Readers()
        self._publish = self._readers.changed
        self._view = View()
        self._watch = ClockWatch(monotonic)

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """The current view, for a look at its numbers. To read segments use `reading`."""
        return self._view

    @property
    def index(self) -> StreamIndex:
        """The streams of the current view."""
        return self._view.index

    @contextmanager
    def reading(self) -> Iterator[View]:
        """Take the current view; its segments stay on disk until the block ends."""
        with self._publish:
            view = self._view
            self._readers.enter(view.generation)
        try:
            yield view
        finally:
            with self._publish:
                self._readers.leave(view.generation)
            self._delete_unread()

    # -- writing ------------------------------------------------------------------------------------------------------

    def append(self, batches: Sequence[Batch]) -> Commit | None:
        """Make the entries of `batches` durable and visible as one WAL record; None if all were stored already.

        Raises:
            UnavailableError: the disk is full or broken, or memory is full because flushing fails; nothing is visible.
            OverloadedError: the entries would create more streams than allowed.
            StreamCollisionError: two streams share an id.
        """
        with self._append:
            if obstacle := self.obstacle():
                raise UnavailableError(obstacle)
            fresh = self.index.unknown(*(batch.streams for batch in batches))
            batch = concat(batches)
            most, total = self.policy.max_streams, len(self.index) + len(fresh)
            if total > most:
                raise OverloadedError("streams", most, total, "ingest.max_streams", retry_after=60)
            rest = self._without_duplicates(batch)
            if not rest.rows:
                return None
            arrival = self._clock()
            with self._wal_failures():
                sequence = self._wal.append(arrival, rest)
            self.index.register(fresh)
            self._take_in(HeadBatch(rest, sequence, sequence, arrival))
            return Commit(sequence, rest, batch.rows - rest.rows)

    def sync(self) -> None:
        """Make everything appended durable, for `wal_sync: interval`.

        Raises:
            UnavailableError: the disk refuses.
        """
        with self._append, self._wal_failures():
            self._wal.sync()

    def flush(self) -> Flushed | None:
        """Turn the head into segments and let its WAL files go; None if there is nothing to flush.

        Raises:
            OSError: the entries stay in memory and in the WAL, and the next flush tries again.
        """
        with self._flush:
            began = time.perf_counter()
            sealed = self._seal()
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
            with self._append, self._publish:
                for segment in segments:
                    self._newest.note_flushed(segment)
                everything = tuple(sorted([*self._view.segments, *segments], key=lambda each: each.name))
                self._view = attrs.evolve(self._view, segments=everything, sealed=())
            with self._append:
                self._wal.release(last)
            rows = sum(each.batch.rows for each in sealed)
            text = sum(each.batch.text_bytes for each in sealed)
            return Flushed(tuple(segments), rows, text, time.perf_counter() - began)

    def retain(self) -> tuple[Segment, ...]:
        """Delete the segments beyond the retention period, and streams without entries; return what was deleted.

        Raises:
            OSError: the catalog cannot be written; nothing was deleted.
        """
        with self._flush:
            now = self._clock()
            record = self._watch.observe(now)
            try:
                self._catalog.note_clock(record)
            except OSError as error:
                _LOG.warning("a restart will doubt the clock anew, as the catalog cannot be written: %s", error)
            if record.is_doubted:
                _LOG.warning("retention deletes nothing: the clock jumped by more than a day and is not believed yet")
                return ()
            expired = expired_segments(self._view.segments, self.policy.retention_days, now)
            if expired:
                self._remove(expired)
                self._delete_unread()
            return expired

    def compact(self) -> Segment | None:
        """Merge one run of small segments; None if there is none worth it. Queries and pushes go on meanwhile.

        Raises:
            OSError: the disk refuses; nothing has changed.
        """
        with self.reading() as view:
            run = choose_run(view.segments)
            if not run:
                return None
            try:
                merged = merge(self.folder, run, self.index.labels, self.policy.chunk_bytes)
            except DamagedFileError as error:
                self.set_aside(next(each for each in run if each.path == error.path), error.reason)
                return None
        with self._flush:
            present = {each.name for each in self._view.segments}
            if not present.issuperset(each.name for each in run):  # retention or damage was faster
                merged.path.unlink()
                return None
            try:
                self._catalog.replace(run, [merged])
            except OSError:
                merged.path.unlink()
                raise
            self._leave_view(run, merged)
            self._doom(run)
        self._delete_unread()
        return merged

    def set_aside(self, segment: Segment, reason: str) -> None:
        """Take a damaged segment out of the view and into quarantine; the rest goes on being served."""
        with self._flush:
            if all(each.name != segment.name for each in self._view.segments):
                return
            self._catalog.replace([segment], [])
            self._leave_view((segment,))
            self.problems.quarantine(segment.path, "segment_damaged", reason)

    def obstacle(self) -> str:
        """Say why pushes cannot be taken now; empty when they can."""
        view = self._view
        if view.head_bytes > self.policy.head_bytes:
            return f"{view.head_bytes} bytes wait to be flushed, more than the limit of {self.policy.head_bytes}"
        return lack_of_space(self.folder.root, self.policy.disk_reserve_bytes)

    def wal_bytes(self) -> int:
        """Count the bytes of the WAL on disk."""
        return self._wal.stored_bytes()

    def close(self, patience: float = 5.0) -> None:
        """Make everything durable and let go of the files; waits up to `patience` seconds for readers.

        Raises:
            OSError: the last sync failed.
        """
        with self._publish:
            self._readers.wait_for_none(patience)
        with self._flush, self._append:
            try:
                self._wal.close()
            finally:
                self._catalog.close()

    # -- inside -------------------------------------------------------------------------------------------------------

    def recover(self, contents: CatalogContents, store_id: bytes) -> None:
        """Take in what was on disk: streams and segments, then the WAL records that are not in them."""
        segments, flushed_sequence = contents.segments, contents.flushed_sequence
        self.index.register(contents.streams)
        for segment in segments:
            self._newest.note_flushed(segment)
        # Without its catalog the store still knows which numbers are used up: segment names are made of them.
        used = max((segment.facts.last_sequence for segment in segments), default=0)
        self._view = attrs.evolve(self._view, sequence=max(flushed_sequence, used), segments=tuple(segments))
        for record in replay(self.folder, store_id, flushed_sequence, self.problems):
            fresh = self.index.unknown(record.batch.streams)
            self.index.register(fresh)
            rest = self._without_duplicates(record.batch)
            if rest.rows:
                self._take_in(HeadBatch(rest, record.sequence, record.sequence, record.arrival))
            self._view = attrs.evolve(self._view, sequence=max(self._view.sequence, record.sequence))
        self._wal.continue_after(self._view.sequence)
        arrivals = [each.facts.arrival for each in segments] + [each.arrival for each in self._view.batches]
        self._watch.begin(contents.clock, max(arrivals, default=0))

    @contextmanager
    def _wal_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.wal_failure = f"the WAL cannot be written: {error.strerror or error}"
            raise UnavailableError(self.wal_failure) from error
        self.wal_failure = ""

    def _without_duplicates(self, batch: Batch) -> Batch:
        while True:
            try:
                with self.reading() as view:
                    return without_duplicates(batch, self._newest, view.batches, view.segments)
            except DamagedFileError as error:
                damaged = next(each for each in view.segments if each.path == error.path)
                self._leave_view((damaged,))
                self.problems.quarantine(damaged.path, "segment_damaged", error.reason)

    def _take_in(self, batch: HeadBatch) -> None:
        """Make a durable batch visible."""
        self._newest.note_seen(batch.batch)
        with self._publish:
            head = self._view.head.appended(batch)
            sequence = max(self._view.sequence, batch.last_sequence)
            self._view = attrs.evolve(self._view, sequence=sequence, head=head)

    def _seal(self) -> tuple[HeadBatch, ...]:
        """Move the head's batches aside, still visible, and give all that wait for the disk."""
        with self._append:
            if self._view.head.rows:
                self._wal.roll()
                with self._publish:
                    sealed = (*self._view.sealed, *self._view.head.batches)
                    self._view = attrs.evolve(self._view, sealed=sealed, head=Head())
            return self._view.sealed

    def _remove(self, segments: Sequence[Segment]) -> None:
        self._catalog.replace(segments, [])
        self._leave_view(segments)
        with self._append, self._publish:
            alive = self._view.all_streams()
            self._view = attrs.evolve(self._view, index=self._view.index.keeping(alive))
        self._catalog.keep_streams(alive.tolist())
        self._doom(segments)

    def _leave_view(self, segments: Sequence[Segment], *successors: Segment) -> None:
        names = {segment.name for segment in segments}
        with self._publish:
            kept = [each for each in self._view.segments if each.name not in names]
            present = tuple(sorted([*kept, *successors], key=lambda each: each.name))
            self._view = attrs.evolve(self._view, segments=present, generation=self._view.generation + 1)

    def _doom(self, segments: Sequence[Segment]) -> None:
        with self._publish:
            self._readers.doom(segments, self._view.generation)

    def _delete_unread(self) -> None:
        self._readers.delete_unread(self._view.generation)


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
        store.recover(recovered.contents, store_id)
        yield store
