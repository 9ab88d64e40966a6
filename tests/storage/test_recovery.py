"""Opening a folder after anything: locks, other versions, lost and damaged files, full disks."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import attrs
import msgspec
import pyarrow.parquet as pq
import pytest

from logpulse.errors import (
    DamagedFileError,
    LimitExceededError,
    NewerFormatError,
    OverloadedError,
    StorageError,
    StoreLockedError,
    UnavailableError,
)
from logpulse.limits import DAY_NS
from logpulse.model.labels import Labels
from logpulse.storage.catalog import Catalog
from logpulse.storage.index import StreamCollisionError
from logpulse.storage.segment import FOOTER_KEY

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, opened, problem_codes, stored


def snapshot(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder but the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def lines(path: Path) -> tuple[list[str], list[str]]:
    """Open a store and list its lines and its problems."""
    with opened(path) as store:
        return sorted(each.line for each in stored(store).elements()), problem_codes(store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with two segments and something in the WAL."""
    with opened(tmp_path / "data") as store:
        store.append([batch_of([entry("one"), entry("yesterday", NOON - DAY_NS)])])
        store.flush()
        store.append([batch_of([entry("three", NOON + 1, service="web")])])
    return tmp_path / "data"


EVERYTHING = ["one", "three", "yesterday"]


# -- who may open it --------------------------------------------------------------------------------------------------


def test_a_second_opener_is_refused_and_told_who_is_there(folder: Path) -> None:
    before = snapshot(folder)
    with opened(folder):
        with pytest.raises(StoreLockedError, match=rf"process {os.getpid()} .*storage\.path"), opened(folder):
            pass
        assert snapshot(folder) == before
    assert lines(folder) == (EVERYTHING, [])


def test_the_lock_of_a_killed_process_is_no_obstacle(folder: Path) -> None:
    holding = (
        "import sys, time\nfrom pathlib import Path\nfrom logpulse.storage.files import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holding, str(folder / "lock")], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(StoreLockedError, match=f"process {process.pid}"), opened(folder):
            pass
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert lines(folder) == (EVERYTHING, [])


def test_the_folder_is_private(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "wal").iterdir())


@pytest.mark.parametrize("name", ["plain", "with blank", "ünïcode", "br[ack]ets*?"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    with opened(tmp_path / "deep" / name) as store:
        store.append([batch_of([entry("one")])])
    assert lines(tmp_path / "deep" / name) == (["one"], [])


# -- other versions ---------------------------------------------------------------------------------------------------


def make_format_newer(folder: Path) -> None:
    """Say that a later version wrote the folder."""
    (folder / "FORMAT").write_text("logpulse 2 0123456789abcdef\n")


def make_catalog_newer(folder: Path) -> None:
    """Say that a later version wrote the catalog."""
    import sqlite3

    with sqlite3.connect(folder / "catalog.sqlite") as database:
        database.execute("pragma user_version = 2")
    database.close()


def make_segment_newer(folder: Path) -> None:
    """Say that a later version wrote a segment, which the catalog does not know."""
    path = next((folder / "segments").glob("*/*.parquet"))
    table = pq.read_table(path)
    facts = msgspec.json.decode(pq.read_metadata(path).metadata[FOOTER_KEY])
    facts["format"] = 2
    footer = {**pq.read_metadata(path).metadata, FOOTER_KEY: msgspec.json.encode(facts)}
    pq.write_table(table.replace_schema_metadata(footer), path.with_name(path.name.replace("-0000.", "-0007.")))


@pytest.mark.parametrize("change", [make_format_newer, make_catalog_newer, make_segment_newer])
def test_data_of_a_later_version_is_refused_unchanged(folder: Path, change: object) -> None:
    assert callable(change)
    change(folder)
    before = snapshot(folder)
    with pytest.raises(NewerFormatError, match="2 is newer than this LogPulse reads"), opened(folder):
        pass
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "text", ["", "logpulse", "logpulse one x", "logpulse 1 abc", "something else entirely", "\0" * 40]
)
def test_a_format_file_that_makes_no_sense_is_refused_unchanged(folder: Path, text: str) -> None:
    (folder / "FORMAT").write_text(text)
    before = snapshot(folder)
    with pytest.raises(DamagedFileError, match="restore it or move it away"), opened(folder):
        pass
    assert snapshot(folder) == before


# -- lost and damaged files -------------------------------------------------------------------------------------------


def test_leftovers_of_unfinished_work_are_removed(folder: Path) -> None:
    leftover = next((folder / "segments").glob("*/*.parquet")).with_suffix(".parquet.tmp")
    leftover.write_bytes(b"half a segment")
    assert lines(folder) == (EVERYTHING, [])
    assert not leftover.exists()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    names = ("thesis.tmp", "segments/notes.tmp", "segments/2026-01-15/mine.parquet.tmp", "wal/mine.tmp")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "folder.tmp").mkdir()
    assert lines(tmp_path) == ([], [])
    assert all((tmp_path / name).read_text() == "mine" for name in names)
    assert (tmp_path / "folder.tmp").is_dir()


def test_a_lost_format_file_loses_nothing(folder: Path) -> None:
    before = (folder / "FORMAT").read_text()
    (folder / "FORMAT").unlink()
    assert lines(folder) == (EVERYTHING, [])
    assert (folder / "FORMAT").read_text() == before
    assert (folder / "FORMAT").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [None, b"", b"no database at all" * 100], ids=["lost", "empty", "garbage"])
def test_a_lost_catalog_loses_nothing(folder: Path, content: bytes | None) -> None:
    catalog = folder / "catalog.sqlite"
    catalog.unlink()
    if content is not None:
        catalog.write_bytes(content)
    expected = ["catalog_damaged"] if content else []
    assert lines(folder) == (EVERYTHING, expected)
    assert lines(folder) == (EVERYTHING, []), "rebuilt once and for all"


def test_a_flipped_bit_anywhere_in_the_catalog_loses_nothing(folder: Path, tmp_path: Path) -> None:
    data = (folder / "catalog.sqlite").read_bytes()
    for number, position in enumerate([*range(0, 120, 7), *range(120, len(data), len(data) // 25)]):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(folder, copy)
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        (copy / "catalog.sqlite").write_bytes(damaged)
        try:
            found, _ = lines(copy)
        except NewerFormatError:
            assert 60 <= position < 64, "the version itself"
            continue
        assert found == EVERYTHING, position


def test_numbers_go_on_where_they_were_when_the_catalog_is_lost(folder: Path) -> None:
    with opened(folder) as store:
        store.flush()
        used = store.view.sequence
    (folder / "catalog.sqlite").unlink()
    with opened(folder) as store:
        assert store.view.sequence == used
        commit = store.append([batch_of([entry("four", NOON + 2)])])
        assert commit is not None
        assert commit.sequence == used + 1
        store.flush()
        assert [each.facts.first_sequence for each in store.view.segments].count(used + 1) == 1


def test_a_missing_segment_is_reported_once(folder: Path) -> None:
    next((folder / "segments").glob("2026-01-14/*.parquet")).unlink()
    assert lines(folder) == (["one", "three"], ["segment_missing"])
    assert lines(folder) == (["one", "three"], [])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 5000], ids=["empty", "magic only", "garbage"])
def test_a_damaged_segment_found_while_rebuilding_is_kept_as_evidence(folder: Path, content: bytes) -> None:
    (folder / "catalog.sqlite").unlink()
    segment = next((folder / "segments").glob("2026-01-14/*.parquet"))
    segment.write_bytes(content)
    assert lines(folder) == (["one", "three"], ["segment_damaged"])
    assert (folder / "quarantine" / segment.name).read_bytes() == content
    assert lines(folder) == (["one", "three"], [])


def test_a_lost_wal_file_is_reported_also_if_it_was_the_first(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("one")])])
        store.flush()
        for number in (2, 3):
            store.append([batch_of([entry(f"{number}", NOON + number)])])
            store._wal.roll()
    (tmp_path / "wal" / "0000000000000002.wal").unlink()
    assert lines(tmp_path) == (["3", "one"], ["wal_gap"])
    (tmp_path / "catalog.sqlite").unlink()
    assert lines(tmp_path) == (["3", "one"], []), "without its catalog nobody knows what should be there"


def test_a_segment_brought_back_by_hand_leaves_no_gap(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as store:
        for number in range(5):
            store.append([batch_of([entry(f"a{number}", NOON + number)])])
        store.flush()
        (segment,) = store.view.segments
    with opened(tmp_path / "b") as store:
        store.append([batch_of([entry("b")])])
        store.flush()
    brought = tmp_path / "b" / "segments" / segment.name
    shutil.copy(segment.path, brought)
    with opened(tmp_path / "b") as store:
        store.append([batch_of([entry("c")])])
        assert problem_codes(store) == []
    assert lines(tmp_path / "b") == (["a0", "a1", "a2", "a3", "a4", "b", "c"], [])


def test_a_wal_full_of_nothing_opens(folder: Path) -> None:
    for path in (folder / "wal").iterdir():
        path.write_bytes(b"\0" * 5000)
    assert lines(folder) == (["one", "yesterday"], [])


# -- disks that refuse ------------------------------------------------------------------------------------------------


def fake_disk(free: int) -> SimpleNamespace:
    """Describe a disk with `free` bytes left."""
    return SimpleNamespace(f_bavail=free, f_blocks=free, f_frsize=1)


def test_a_full_disk_refuses_pushes_and_serves_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(folder, attrs.evolve(POLICY, disk_reserve_bytes=1000)) as store:
        monkeypatch.setattr(os, "statvfs", lambda _: fake_disk(999))
        before = store.view
        with pytest.raises(UnavailableError, match=r"less than 1000 bytes free.*storage\.retention_days"):
            store.append([batch_of([entry("refused", NOON + 9)])])
        assert store.view is before
        assert len(stored(store)) == 3
        store.flush()
        store.retain()
        monkeypatch.setattr(os, "statvfs", lambda _: fake_disk(1000))
        assert store.append([batch_of([entry("accepted", NOON + 9)])]) is not None


def refuse(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_without_a_byte_left_starts_and_serves_all_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "other") as other:
        other.append([batch_of([entry("adopted", service="other")])])
        other.flush()
        (segment,) = other.view.segments
    shutil.copy(segment.path, folder / "segments" / segment.name.replace("-0000.", "-0005."))
    next((folder / "segments").glob("2026-01-14/*.parquet")).unlink()
    torn = max((folder / "wal").iterdir())
    torn.write_bytes(torn.read_bytes() + b"a write that never finished")
    with monkeypatch.context() as patch:
        patch.setattr("logpulse.storage.problems.make_folder", refuse)
        patch.setattr(Catalog, "add", refuse)
        patch.setattr(Catalog, "replace", refuse)
        assert lines(folder) == (["adopted", "one", "three"], ["segment_missing", "wal_tail_torn"])
    assert lines(folder) == (["adopted", "one", "three"], ["segment_missing"])
    assert lines(folder) == (["adopted", "one", "three"], [])


def test_a_push_that_cannot_be_compared_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object) -> None:
        raise StorageError(folder, "Too many open files")

    with opened(folder) as store:
        with monkeypatch.context() as patch:
            patch.setattr("logpulse.storage.duplicates.read_rows", lacking)
            with pytest.raises(UnavailableError, match=r"cannot be compared.*Too many open files"):
                store.append([batch_of([entry("one")])])
        assert problem_codes(store) == []
        assert store.append([batch_of([entry("one")])]) is None


def test_a_sync_with_nothing_to_do_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with opened(tmp_path, attrs.evolve(POLICY, wal_sync="interval")) as store:
        store.append([batch_of([entry("one")])])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", broken)
            with pytest.raises(UnavailableError):
                store.sync()
            store.sync()
            assert store.wal_failure
            with pytest.raises(UnavailableError):
                store.mend_wal()
        assert store.wal_failure
        store.mend_wal()
        assert not store.wal_failure
        store.mend_wal()
        assert store.append([batch_of([entry("two", NOON + 1)])]) is not None


def test_a_data_folder_that_is_gone_refuses_pushes(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as store:
        store.append([batch_of([entry("before")])])
        shutil.rmtree(tmp_path / "data")
        with pytest.raises(UnavailableError, match=r"storage\.path cannot be used"):
            store.append([batch_of([entry("not acknowledged")])])


def test_a_wal_folder_that_is_gone_refuses_pushes_until_it_is_back(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.append([batch_of([entry("before")])])
        shutil.rmtree(tmp_path / "wal")
        for _ in range(2):
            with pytest.raises(UnavailableError, match="the WAL cannot be written"):
                store.append([batch_of([entry("not acknowledged", NOON + 1)])])
        assert store.wal_failure
        (tmp_path / "wal").mkdir()
        assert store.append([batch_of([entry("after", NOON + 2)])]) is not None
        assert not store.wal_failure
    assert lines(tmp_path)[0] == ["after"]


def test_a_wal_that_cannot_be_written_shows_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened(folder) as store:
        before = stored(store)
        with monkeypatch.context() as patch:
            patch.setattr(os, "writev", full)
            with pytest.raises(UnavailableError, match="No space left"):
                store.append([batch_of([entry("refused", NOON + 9, service="brand new")])])
        assert stored(store) == before
        assert not [each for each in store.index.values("service", store.index.select([])) if each == "brand new"]
        assert store.append([batch_of([entry("refused", NOON + 9, service="brand new")])]) is not None
    assert lines(folder)[0] == ["one", "refused", "three", "yesterday"]


def test_a_full_disk_is_no_damage_of_the_catalog(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    class FullDatabase(sqlite3.Connection):
        """Fail every statement as SQLite does on a full disk."""

        def execute(self, *_: object) -> sqlite3.Cursor:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    before = snapshot(folder)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: real(path, factory=FullDatabase, **options))
    with pytest.raises(OSError, match="disk is full"), opened(folder):
        pass
    monkeypatch.undo()
    assert snapshot(folder) == before
    assert lines(folder) == (EVERYTHING, [])


def test_an_up_to_date_catalog_is_opened_without_writing(folder: Path) -> None:
    path = folder / "catalog.sqlite"
    path.chmod(0o400)
    before = path.stat().st_mtime_ns
    Catalog(path).close()
    assert path.stat().st_mtime_ns == before


# -- limits -----------------------------------------------------------------------------------------------------------


def test_too_much_waiting_for_a_flush_refuses_pushes(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(POLICY, head_bytes=100)) as store:
        assert store.append([batch_of([entry("", metadata={"trace": "x" * 65})])]) is not None
        with pytest.raises(UnavailableError, match="101 bytes wait to be flushed, over the limit of 100"):
            store.append([batch_of([entry("more", NOON + 1)])])
        store.flush()
        assert store.append([batch_of([entry("more", NOON + 1)])]) is not None


def test_too_many_streams_are_refused_as_a_whole(tmp_path: Path) -> None:
    with opened(tmp_path, attrs.evolve(POLICY, max_streams=2)) as store:
        store.append([batch_of([entry("a", service="a"), entry("b", service="b")])])
        with pytest.raises(OverloadedError, match=r"streams is limited to 2, got 3; raise ingest\.max_streams"):
            store.append([batch_of([entry("a2", NOON + 1, service="a"), entry("c", service="c")])])
        assert sorted(each.line for each in stored(store)) == ["a", "b"]
        assert store.append([batch_of([entry("a2", NOON + 1, service="a")])]) is not None


def test_labels_that_take_too_much_memory_are_refused_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logpulse.storage.index.STREAM_LABELS_BYTES", 50)
    with opened(tmp_path) as store:
        store.append([batch_of([entry("a", service="a" * 20)])])
        with pytest.raises(OverloadedError, match="labels of all streams in bytes is limited to 50, got 68"):
            store.append([batch_of([entry("b", service="b" * 20)])])
        assert store.append([batch_of([entry("a2", NOON + 1, service="a" * 20)])]) is not None
        assert len(store.index) == 1


def test_a_commit_above_the_size_of_a_record_leaves_the_server_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logpulse.storage.wal.WAL_RECORD_BYTES", 2000)
    with opened(tmp_path) as store:
        with pytest.raises(LimitExceededError, match="bytes of one commit"):
            store.append([batch_of([entry("x" * 3000)])])
        assert not store.wal_failure
        assert store.append([batch_of([entry("x")])]) is not None


def test_a_stream_whose_id_is_taken_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        mine, other = Labels.of({"service": "a"}), Labels.of({"service": "b"})
        other.__dict__["id"] = mine.id
        store.append([batch_of([entry("a", service="a")])])
        fake = batch_of([entry("b", service="a")])
        with pytest.raises(StreamCollisionError, match=r'\{service="b"\} is taken by \{service="a"\}'):
            store.append([attrs.evolve(fake, streams={mine.id: other})])
        assert len(stored(store)) == 1


def test_storage_errors_name_the_file() -> None:
    error = DamagedFileError(Path("/data/x"), "no footer", 17)
    assert str(error) == "/data/x: damaged at byte 17: no footer"
    assert isinstance(error, StorageError)


def test_the_catalog_survives_power_loss_with_its_folder(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite")
    (level,) = catalog._database.execute("pragma synchronous").fetchone()
    catalog.close()
    assert level == 3, "extra: the folder is synced when the journal goes"
