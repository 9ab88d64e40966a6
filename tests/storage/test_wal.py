"""Writing the write-ahead log: what is acknowledged is read back, what failed never comes back."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logpulse.batch import Batch
from logpulse.errors import LimitExceededError
from logpulse.storage.filenames import DataFolder
from logpulse.storage.wal import (
    WalRecord,
    WalSync,
)
from logpulse.storage.wal_reader import WalDamage

from ..strategies import NOON, batch_of, batches, entries_of, entry
from .wal_records import content, numbered, open_wal, read_file, replayed


@given(st.lists(batches, min_size=1, max_size=6), st.sampled_from(["always", "interval", "none"]), st.data())
@settings(max_examples=30)
def test_files_read_back_what_was_appended(found: list[Batch], sync: WalSync, data: st.DataObject) -> None:
    with TemporaryDirectory() as root:
        folder = DataFolder(Path(root))
        folder.wal.mkdir()
        wal = open_wal(folder, sync)
        for number, batch in enumerate(found, 1):
            if data.draw(st.booleans(), label="roll"):
                wal.roll()
            assert wal.append(NOON + number, batch) == number
        wal.close()
        assert replayed(folder) == [content(record) for record in numbered(found)]
        flushed = data.draw(st.integers(0, len(found)), label="flushed")
        assert replayed(folder, flushed) == [content(record) for record in numbered(found)[flushed:]]


@attrs.define
class FailingCall:
    """Fail the calls whose numbers (from 1) are given, and count all."""

    failing: frozenset[int]
    error: int
    count: int = 0

    def tick(self) -> None:
        """Raise if this call is to fail."""
        self.count += 1
        if self.count in self.failing:
            raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("cut_off", [True, False], ids=["remains cut off", "remains on disk"])
@pytest.mark.parametrize("failed", [1, 2, 3])
def test_a_record_whose_sync_failed_never_comes_back(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch, failed: int, cut_off: bool
) -> None:
    call = FailingCall(frozenset([failed]), errno.EIO)
    poisoned: set[int] = set()
    close = os.close

    def fdatasync(file: int) -> None:
        assert file not in poisoned, "fdatasync must not be tried again on the same descriptor"
        poisoned.add(file)
        call.tick()
        poisoned.remove(file)

    def close_and_forget(file: int) -> None:
        poisoned.discard(file)
        close(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    monkeypatch.setattr(os, "close", close_and_forget)
    if not cut_off:
        monkeypatch.setattr(os, "ftruncate", FailingTruncate())
    wal = open_wal(wal_folder)
    good = []
    for number in range(1, 5):
        batch = batch_of([entry(f"line {number}")])
        if number == failed:
            with pytest.raises(OSError, match="Input/output"):
                wal.append(NOON, batch)
        else:
            good.append((wal.append(NOON, batch), NOON, tuple(entries_of([batch]))))
    wal.close()
    assert [sequence for sequence, _, _ in good] == [1, 2, 3]
    assert replayed(wal_folder) == good


class FailingTruncate:
    """Refuse to cut a file, as a broken disk does."""

    def __call__(self, file: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("written", [0, 1, 40, 200])
def test_a_write_that_stops_halfway_leaves_nothing(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    wal = open_wal(wal_folder)
    wal.append(NOON, batch_of([entry("before")]))
    real = os.writev

    def writev(file: int, pieces: Sequence[memoryview]) -> int:
        if written:
            os.write(file, b"".join(bytes(piece) for piece in pieces)[:written])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "writev", writev)
    with pytest.raises(OSError, match="No space"):
        wal.append(NOON, batch_of([entry("lost")]))
    monkeypatch.setattr(os, "writev", real)
    assert not [each for path in wal_folder.wal_files() for each in read_file(path) if isinstance(each, WalDamage)]
    assert wal.append(NOON, batch_of([entry("after")])) == 2
    wal.close()
    assert [lines[0].line for _, _, lines in replayed(wal_folder)] == ["before", "after"]


@given(st.integers(1, 37))
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_short_writes_are_finished(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    def writev(file: int, pieces: Sequence[memoryview]) -> int:
        return os.write(file, b"".join(bytes(piece) for piece in pieces)[:step])

    with TemporaryDirectory() as root, monkeypatch.context() as patch:
        folder = DataFolder(Path(root))
        folder.wal.mkdir()
        patch.setattr(os, "writev", writev)
        wal = open_wal(folder)
        wal.append(NOON, batch_of([entry("in small pieces")]))
        wal.close()
        assert [lines[0].line for _, _, lines in replayed(folder)] == ["in small pieces"]


def test_a_deleted_file_is_not_written_to_in_silence(wal_folder: DataFolder) -> None:
    wal = open_wal(wal_folder)
    wal.append(NOON, batch_of([entry("deleted with its file")]))
    wal_folder.wal_files()[0].unlink()
    with pytest.raises(OSError, match="deleted"):
        wal.append(NOON, batch_of([entry("not acknowledged")]))
    assert wal.append(NOON, batch_of([entry("in a new file")])) == 2
    wal.close()
    assert [lines[0].line for _, _, lines in replayed(wal_folder)] == ["in a new file"]


def test_a_record_above_the_limit_is_refused_before_it_is_written(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logpulse.storage.wal.WAL_RECORD_BYTES", 2000)
    wal = open_wal(wal_folder)
    with pytest.raises(LimitExceededError, match="bytes of one commit is limited to 2000"):
        wal.append(NOON, batch_of([entry("x" * 3000)]))
    assert wal.append(NOON, batch_of([entry("small")])) == 1
    wal.close()
    assert len(replayed(wal_folder)) == 1


def test_files_are_bounded_and_records_do_not_cross_them(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logpulse.storage.wal.WAL_FILE_BYTES", 1500)
    wal = open_wal(wal_folder)
    for number in range(12):
        wal.append(NOON, batch_of([entry(f"line {number}")]))
    assert len(wal_folder.wal_files()) > 2
    assert wal.stored_bytes() == sum(path.stat().st_size for path in wal_folder.wal_files())
    wal.close()
    assert [sequence for sequence, _, _ in replayed(wal_folder)] == list(range(1, 13))


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 9), st.booleans())
@settings(max_examples=60)
def test_release_deletes_only_files_that_hold_nothing_newer(rolls: list[bool], up_to: int, closed: bool) -> None:
    with TemporaryDirectory() as root:
        folder = DataFolder(Path(root))
        folder.wal.mkdir()
        wal = open_wal(folder, "none")
        for number, roll in enumerate(rolls):
            if roll:
                wal.roll()
            wal.append(NOON, batch_of([entry(f"line {number}")]))
        if closed:
            wal.roll()
        wal.release(up_to)
        kept = {sequence for sequence, _, _ in replayed(folder)}
        assert kept >= set(range(up_to + 1, len(rolls) + 1))
        for path in folder.wal_files() if closed else folder.wal_files()[:-1]:
            last = [each.sequence for each in read_file(path) if isinstance(each, WalRecord)][-1]
            assert last > up_to, "nothing else is kept"
        wal.append(NOON, batch_of([entry("after")]))
        wal.close()
        assert max(sequence for sequence, _, _ in replayed(folder)) == len(rolls) + 1


def test_nothing_is_written_to_a_file_whose_name_is_not_durable(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    wal = open_wal(wal_folder)
    with monkeypatch.context() as patch:

        def fail(_: Path) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        patch.setattr("logpulse.storage.wal.sync_folder", fail)
        for _ in range(2):
            with pytest.raises(OSError, match="Too many open files"):
                wal.append(NOON, batch_of([entry("refused")]))
        patch.setattr("logpulse.storage.wal.sync_folder", synced.append)
        assert wal.append(NOON, batch_of([entry("durable")])) == 1
        assert synced == [wal_folder.wal]
    wal.close()
    assert [lines[0].line for _, _, lines in replayed(wal_folder)] == ["durable"]


def test_a_proof_leaves_nothing_behind(wal_folder: DataFolder) -> None:
    wal = open_wal(wal_folder)
    wal.append(NOON, batch_of([entry("before")]))
    wal.prove()
    assert wal.append(NOON, batch_of([entry("after")])) == 2
    wal.prove()
    wal.close()
    assert [lines[0].line for _, _, lines in replayed(wal_folder)] == ["before", "after"]


@pytest.mark.parametrize("call", ["write", "fdatasync", "ftruncate"])
def test_a_proof_that_fails_says_so(wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    wal = open_wal(wal_folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="Input/output"):
            wal.prove()
    assert wal.append(NOON, batch_of([entry("after")])) == 1
    wal.close()
    assert [lines[0].line for _, _, lines in replayed(wal_folder)] == ["after"]


def test_a_file_that_goes_while_it_is_counted_counts_for_nothing(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = open_wal(wal_folder)
    wal.append(NOON, batch_of([entry("x")]))
    size = wal.stored_bytes()
    gone = wal_folder.wal / "0000000000000009.wal"
    monkeypatch.setattr(DataFolder, "wal_files", lambda folder: [*folder.wal.glob("*.wal"), gone])
    assert wal.stored_bytes() == size > 0
    wal.close()


def test_always_syncs_before_append_returns_and_interval_only_when_asked(
    wal_folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = FailingCall(frozenset(), 0)
    monkeypatch.setattr(os, "fdatasync", lambda file: call.tick())
    wal = open_wal(wal_folder, "always")
    wal.append(NOON, batch_of([entry("a")]))
    wal.append(NOON, batch_of([entry("b")]))
    assert call.count == 2
    wal.sync()
    assert call.count == 2, "nothing new to sync"
    wal.close()
    lazy = open_wal(wal_folder, "interval", first=3)
    lazy.append(NOON, batch_of([entry("c")]))
    assert call.count == 2
    lazy.sync()
    assert call.count == 3
    lazy.append(NOON, batch_of([entry("d")]))
    lazy.close()
    assert call.count == 4, "closing syncs what is left"
    never = open_wal(wal_folder, "none", first=5)
    never.append(NOON, batch_of([entry("e")]))
    never.close()
    assert call.count == 4
