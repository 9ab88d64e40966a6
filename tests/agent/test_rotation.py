"""Files that are renamed, truncated, replaced, deleted and linked while the agent follows them or is stopped."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from agent.follower import Follower
from agent.identity import Identity, Mark, open_regular
from agent.pipeline.labelling import StreamLabels, no_level
from agent.positions import Record
from agent.tailed_file import Change, TailedFile
from agent.timeline import Timeline

from .fake_server import FakeServer
from .running import Workplace, append, open_files, opened, until

LONG = "x" * 300


def numbered(first: int, last: int, padding: str = "") -> list[str]:
    """Give lines that are all different."""
    return [f"line {number} {padding}" for number in range(first, last)]


def write(path: Path, lines: list[str]) -> None:
    """Append lines."""
    append(path, "".join(f"{line}\n" for line in lines))


def move(log: Path) -> None:
    """Rotate by renaming."""
    log.rename(f"{log}.1")


def copy(log: Path) -> None:
    """Rotate by copying and truncating."""
    shutil.copyfile(log, f"{log}.1")
    os.truncate(log, 0)


ROTATIONS = pytest.mark.parametrize("rotate", [move, copy])
PATTERNS = pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
PADDINGS = pytest.mark.parametrize("padding", ["", LONG])


@ROTATIONS
@PATTERNS
@PADDINGS
async def test_rotation_while_running(
    place: Workplace, server: FakeServer, rotate: object, pattern: str, padding: str
) -> None:
    assert callable(rotate)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    lines = numbered(0, 60, padding)
    async with place.following():
        write(log, lines[:20])
        await server.wait_for_lines(*lines[:20])
        write(log, lines[20:40])
        rotate(log)
        write(log, lines[40:])
        await server.wait_for_lines(*lines)
    await place.once()
    assert server.lines == lines
    assert server.lines_of(log) == lines


@ROTATIONS
@PATTERNS
@PADDINGS
@pytest.mark.parametrize("after", [3, 50])
async def test_rotation_while_stopped(
    place: Workplace, server: FakeServer, rotate: object, pattern: str, padding: str, after: int
) -> None:
    """The new file is smaller and larger than the old one was."""
    assert callable(rotate)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    lines = numbered(0, 15 + after, padding)
    write(log, lines[:10])
    await place.once()
    write(log, lines[10:15])
    rotate(log)
    write(log, lines[15:])
    await place.once()
    await place.once()
    assert Counter(server.lines) == Counter(lines)
    assert server.lines_of(log) == [line for line in lines if line in server.lines_of(log)]


async def test_a_file_that_is_only_renamed_is_not_sent_again(place: Workplace, server: FakeServer) -> None:
    write(place.logs / "app.log", numbered(0, 5))
    await place.once()
    (place.logs / "app.log").rename(place.logs / "renamed.log")
    await place.once()
    (place.logs / "renamed.log").rename(place.logs / "app.log.1")
    await place.once()
    assert len(server.stored) == 5


async def test_a_file_that_was_renamed_out_of_sight_is_finished(place: Workplace, server: FakeServer) -> None:
    """While the agent was stopped, to a name that no pattern names; an unfinished line counts then."""
    write(place.logs / "app.log", numbered(0, 5))
    await place.once()
    append(place.logs / "app.log", "rest\nunfinished")
    (place.logs / "app.log").rename(place.logs / "kept")
    write(place.logs / "app.log", ["new"])
    await place.once()
    assert server.lines_of(place.logs / "app.log") == [*numbered(0, 5), "rest", "unfinished", "new"]


def test_a_file_rewritten_between_a_look_and_a_read(tmp_path: Path) -> None:
    """The bytes before the position are looked at in the same read: no fragment of a new line is taken for a line."""
    log = tmp_path / "app.log"
    write(log, numbered(0, 5))
    descriptor = open_regular(str(log))
    record = Record(Identity.of(os.fstat(descriptor)), str(log), str(log))
    tail = TailedFile(descriptor, str(log), record, StreamLabels({}, str(log), no_level), Timeline(), 1024)
    try:
        assert tail.look() is Change.WRITTEN
        chunk = tail.read()
        assert chunk is not None
        assert [entry.line for entry in chunk.entries] == numbered(0, 5)
        log.write_text("".join(f"{line}\n" for line in numbered(1000, 1100)))
        assert tail.read() is None
        assert tail.look() is Change.TRUNCATED
    finally:
        tail.close()


async def test_a_writer_that_keeps_the_renamed_file(place: Workplace, server: FakeServer) -> None:
    log = place.logs / "app.log"
    async with place.following():
        with log.open("a") as writer:
            writer.write("before\n")
            writer.flush()
            await server.wait_for_lines("before")
            move(log)
            writer.write("after the renaming\nunfinished")
        await server.wait_for_lines("after the renaming", "unfinished")
        write(log, ["new"])
        await server.wait_for_lines("new")
    assert server.lines_of(log) == ["before", "after the renaming", "unfinished", "new"]


@PATTERNS
@pytest.mark.parametrize("shifts", [True, False])
async def test_rotations_while_the_server_is_away(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch, pattern: str, shifts: bool
) -> None:
    """Files wait for the ones that they follow, also for one that was renamed again meanwhile."""
    told: list[str] = []
    leave, come_back = Follower.leave, Follower.come_back

    def noting_leave(each: Follower) -> None:
        told.append(f"{each.tail.path} left")
        leave(each)

    def noting_come_back(each: Follower, path: str) -> None:
        told.append(f"{path} found")
        come_back(each, path)

    monkeypatch.setattr(Follower, "leave", noting_leave)
    monkeypatch.setattr(Follower, "come_back", noting_come_back)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    place.set("batch", "max_bytes", "20KiB")
    lines = numbered(0, 1_040, LONG)
    async with place.following():
        write(log, lines[:1])
        await server.wait_for_lines(*lines[:1])
        server.stop()
        write(log, lines[1:1_000])  # more than what is read while nothing is taken
        for number, begin in enumerate(range(1_000, 1_040, 10)):
            for old in range(number, 0, -1) if shifts else ():
                log.with_name(f"app.log.{old}").rename(f"{log}.{old + 1}")
            log.rename(f"{log}.{1 if shifts else number + 1}")
            write(log, lines[begin : begin + 10])
            known = f"{log}.{1 if shifts else number + 1} found" if pattern.endswith("*") else f"{log} left"
            await until(lambda: told.count(known) > (number if shifts or known.endswith("left") else 0))  # noqa: B023
        await server.start_again()
        await server.wait_for(lambda: len(server.stored) >= len(lines))
    assert server.lines_of(log) == lines


@PATTERNS
async def test_copied_and_truncated_while_much_of_it_is_unread(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    """A line comes between copy and truncation and is seen: it alone is lost, as it is in neither file."""
    sizes: list[int] = []
    look = TailedFile.look

    def noting(tail: TailedFile) -> Change:
        sizes.append(os.fstat(tail.descriptor).st_size)
        return look(tail)

    monkeypatch.setattr(TailedFile, "look", noting)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    place.set("batch", "max_bytes", "20KiB")
    lines = numbered(0, 3000, LONG)
    async with place.following():
        write(log, lines[:10])
        await server.wait_for_lines(*lines[:10])
        server.stop()
        write(log, lines[10:])
        await until(lambda: log.stat().st_size in sizes)
        shutil.copyfile(log, f"{log}.1")
        write(log, ["in neither"])
        await until(lambda: log.stat().st_size in sizes)
        os.truncate(log, 0)
        write(log, ["new"])
        await server.start_again()
        await server.wait_for_lines(*lines, "new")
    assert Counter(server.lines) - Counter(["in neither"]) == Counter([*lines, "new"])


@pytest.mark.parametrize("padding", ["", LONG])
async def test_truncated_and_grown_beyond_the_old_end(place: Workplace, server: FakeServer, padding: str) -> None:
    log = place.logs / "app.log"
    header = "header " + "h" * 1100
    async with place.following():
        write(log, [header, *numbered(0, 3, padding)])
        await server.wait_for_lines(*numbered(0, 3, padding))
        log.write_text("".join(f"{line}\n" for line in [header, *numbered(100, 120, padding)]))
        await server.wait_for_lines(*numbered(100, 120, padding))
    assert Counter(server.lines) == Counter([header, header, *numbered(0, 3, padding), *numbered(100, 120, padding)])


async def test_a_copy_with_a_hole_in_it(place: Workplace, server: FakeServer) -> None:
    """The writer does not append but goes on at its old place after the truncation."""
    log = place.logs / "app.log"
    async with place.following():
        with log.open("w") as writer:
            writer.write("before\n" * 100)
            writer.flush()
            await server.wait_for(lambda: len(server.stored) == 100)
            os.truncate(log, 0)
            writer.write("behind the hole\n")
            writer.flush()
            await server.wait_for_lines("behind the hole")
    assert Counter(server.lines) == Counter({"before": 100, "behind the hole": 1})


@pytest.mark.parametrize("is_running", [True, False])
async def test_atomic_replacement_by_a_longer_copy(place: Workplace, server: FakeServer, is_running: bool) -> None:
    log = place.logs / "app.log"
    lines = numbered(0, 10, "with enough text to be told apart")

    def replace() -> None:
        write(place.logs / "app.tmp", lines)
        (place.logs / "app.tmp").rename(log)

    write(log, lines[:7])
    if is_running:
        async with place.following():
            await server.wait_for_lines(*lines[:7])
            replace()
            await server.wait_for_lines(*lines)
    else:
        await place.once()
        replace()
    await place.once()
    assert server.lines == lines


def shift(log: Path, most: int = 9) -> None:
    """Make room for a rotation."""
    Path(f"{log}.{most}").unlink(missing_ok=True)
    for number in range(most, 0, -1):
        if Path(f"{log}.{number}").exists():
            Path(f"{log}.{number}").rename(f"{log}.{number + 1}")


@ROTATIONS
@PATTERNS
@PADDINGS
@pytest.mark.parametrize("unread", [0, 3])
@pytest.mark.parametrize("is_running", [True, False])
async def test_rotated_twice_unseen(
    place: Workplace, server: FakeServer, rotate: object, pattern: str, padding: str, unread: int, is_running: bool
) -> None:
    """Between two looks, or while the agent is stopped: the file in the middle was never seen under its name."""
    assert callable(rotate)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    lines = numbered(0, 30, padding)

    def rotate_twice() -> None:
        write(log, lines[10 : 10 + unread])
        for begin, end in ((10 + unread, 20), (20, 30)):
            shift(log)
            rotate(log)
            write(log, lines[begin:end])

    write(log, lines[:10])
    if is_running:
        async with place.following():
            await server.wait_for_lines(*lines[:10])
            rotate_twice()
            await server.wait_for_lines(*lines)
    else:
        await place.once()
        rotate_twice()
    await place.once()
    await place.once()
    assert Counter(server.lines) == Counter(lines)
    if pattern == "app.log":
        assert server.lines_of(log) == lines


@ROTATIONS
@PATTERNS
async def test_rotated_once_in_each_of_many_stops(
    place: Workplace, server: FakeServer, rotate: object, pattern: str
) -> None:
    """What comes after a file that was read before is known too, though not under its new name yet."""
    assert callable(rotate)
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/{pattern}"
    lines = numbered(0, 60, LONG)
    for begin in range(0, 60, 10):
        if begin:
            shift(log)
            rotate(log)
        write(log, lines[begin : begin + 10])
        await place.once()
    assert Counter(server.lines) == Counter(lines)


async def test_rotated_away_beyond_the_last_one_kept(place: Workplace, server: FakeServer) -> None:
    """While the agent was stopped: the file that it knows is gone, the one after it is there."""
    log = place.logs / "app.log"
    place.targets[0]["path"] = str(log)
    write(log, numbered(0, 10))
    await place.once()
    log.unlink()
    write(Path(f"{log}.1"), numbered(10, 20))
    write(log, numbered(20, 30))
    later = time.time() + 1
    os.utime(f"{log}.1", (later, later))  # the clock of files may lag by some milliseconds
    await place.once()
    await place.once()
    assert server.lines_of(log) == numbered(0, 30)


@pytest.mark.parametrize("is_running", [True, False])
async def test_a_file_between_that_cannot_be_read_harms_no_other(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch, is_running: bool
) -> None:
    log, broken = place.logs / "app.log", place.logs / "app.log.7"
    place.targets[0]["path"] = str(log)
    whole = Mark.holds

    def holds(mark: Mark, descriptor: int) -> bool:
        if broken.exists() and os.path.samestat(os.fstat(descriptor), broken.stat()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return whole(mark, descriptor)

    def rotate() -> None:
        log.rename(f"{log}.1")
        write(broken, numbered(50, 60, LONG))
        later = time.time() + 1
        os.utime(broken, (later, later))
        write(log, numbered(10, 20))

    monkeypatch.setattr(Mark, "holds", holds)
    write(log, numbered(0, 10, LONG))
    if is_running:
        async with place.following():
            await server.wait_for_lines(*numbered(0, 10, LONG))
            rotate()
            await server.wait_for_lines(*numbered(10, 20))
            assert str(broken) not in open_files()
    else:
        await place.once()
        rotate()
        await place.once()
    assert server.lines_of(log) == numbered(0, 10, LONG) + numbered(10, 20)


@pytest.mark.parametrize("is_running", [True, False])
async def test_what_was_never_between_is_not_sent(place: Workplace, server: FakeServer, is_running: bool) -> None:
    """Older files, copies, and files that are no rotation's though their names begin alike."""
    log = place.logs / "app.log"
    place.targets[0]["path"] = str(log)
    write(Path(f"{log}.3"), ["older"])
    write(log, numbered(0, 10))
    os.utime(f"{log}.3", (1e9, 1e9))

    def rotate() -> None:
        write(Path(f"{log}.audit"), ["another log"])
        write(place.logs / "app-web.log", ["another log"])
        log.rename(f"{log}.1")
        write(log, numbered(10, 12))
        shutil.copyfile(f"{log}.1", f"{log}.20260115")
        shutil.copyfile(log, f"{log}-2026-01-15")

    if is_running:
        async with place.following():
            await server.wait_for_lines(*numbered(0, 10))
            rotate()
            await server.wait_for_lines(*numbered(10, 12))
    else:
        await place.once()
        rotate()
    await place.once()
    assert server.lines == numbered(0, 12)


@pytest.mark.parametrize("end", ["\n", ""])
async def test_deleted_with_unread_lines(place: Workplace, server: FakeServer, end: str) -> None:
    log = place.logs / "app.log"
    lines = numbered(0, 2000, LONG)
    async with place.following():
        write(log, lines[:1])
        await server.wait_for_lines(lines[0])
        append(log, "\n".join(lines[1:]) + end)
        log.unlink()
        await server.wait_for_lines(*lines)
        write(log, ["a new file"])
        await server.wait_for_lines("a new file")
    assert server.lines == [*lines, "a new file"]


async def test_deleted_and_not_delivered_in_time_is_let_go(place: Workplace, server: FakeServer) -> None:
    """A full disk would be worse."""
    log = place.logs / "app.log"
    place.set("files", "rotate_wait", "300ms")
    server.stop()
    write(log, numbered(0, 20_000, LONG))
    async with place.following():
        await opened(log)
        log.unlink()
        await until(lambda: f"{log} (deleted)" not in open_files())


async def test_a_link_that_is_led_elsewhere(place: Workplace, server: FakeServer) -> None:
    (place.root / "targets").mkdir()
    link = place.logs / "current.log"
    async with place.following():
        for number in range(6):
            target = place.root / "targets" / f"{number}"
            write(target, [f"{number} a", f"{number} b"])
            (place.logs / "new").symlink_to(target)
            (place.logs / "new").rename(link)
            await server.wait_for_lines(f"{number} b")
    assert server.lines == [f"{number} {letter}" for number in range(6) for letter in "ab"]


@pytest.mark.parametrize("name", ["app.log.bak", "app-1.log"])
async def test_a_copy_beside_its_original_is_not_sent(place: Workplace, server: FakeServer, name: str) -> None:
    """As long as it is a copy; when it goes its own way it is a file of its own."""
    log, copied = place.logs / "app.log", place.logs / name
    place.targets[0]["path"] = f"{place.logs}/*"
    async with place.following():
        write(log, numbered(0, 5))
        await server.wait_for_lines(*numbered(0, 5))
        shutil.copyfile(log, copied)
        write(place.logs / "z", ["found later"])
        await server.wait_for_lines("found later")
        assert len(server.stored) == 6
        write(log, ["original"])
        write(copied, ["copy"])
        await server.wait_for_lines("original", "copy")
    assert Counter(server.lines)["original"] == 1


def rotate_two(log: Path) -> None:
    """Rotate by renaming and keep two old files."""
    if log.exists():
        if Path(f"{log}.1").exists():
            Path(f"{log}.1").rename(f"{log}.2")
        move(log)


async def test_a_rotating_logger(place: Workplace, server: FakeServer) -> None:
    """Ten lines a file, two kept: what is deleted before it could be read is missing, and nothing comes twice."""
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/app.log*"
    written: list[str] = []
    async with place.following():
        for begin in range(0, 300, 10):
            rotate_two(log)
            lines = numbered(begin, begin + 10)
            written += lines
            write(log, lines)
            await server.wait_for_lines(lines[-1])
    assert server.lines == written
    assert Counter(server.lines).most_common(1)[0][1] == 1


async def test_an_empty_file_whose_inode_goes_to_another(place: Workplace, server: FakeServer) -> None:
    first, second = place.logs / "a.log", place.logs / "b.log"
    first.touch()
    await place.once()
    first.rename(second)  # as if the kernel had given its inode to the new file
    write(second, ["of b"])
    await place.once()
    assert [(entry.filename, entry.line) for entry in server.stored] == [(str(second), "of b")]


async def test_an_empty_file_that_was_written_and_rotated_while_stopped(place: Workplace, server: FakeServer) -> None:
    log = place.logs / "app.log"
    place.targets[0]["path"] = f"{place.logs}/app.log*"
    log.touch()
    await place.once()
    write(log, numbered(0, 3))
    move(log)
    write(log, numbered(3, 6))
    await place.once()
    assert server.lines_of(log) == numbered(0, 6)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
@pytest.mark.parametrize("continues", [True, False])
async def test_a_deleted_file_that_fails(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch, number: int, continues: bool
) -> None:
    """As one does that was deleted on its file server: the file in its place is read all the same."""
    log = place.logs / "app.log"
    lines = numbered(0, 5, LONG)
    fstat = os.fstat
    async with place.following():
        write(log, lines)
        await server.wait_for_lines(*lines)
        old = log.stat()
        kept = open_regular(str(log))  # so that nothing else gets the inode
        log.unlink()

        def failing(descriptor: int) -> os.stat_result:
            status = fstat(descriptor)
            if descriptor != kept and Identity.of(status) == Identity.of(old):
                raise OSError(number, os.strerror(number))
            return status

        with monkeypatch.context() as patch:
            patch.setattr(os, "fstat", failing)
            write(place.logs / "app.tmp", [*(lines if continues else []), "new"])
            (place.logs / "app.tmp").rename(log)
            await server.wait_for_lines("new")
        os.close(kept)
    assert server.lines[:5] == lines
    assert server.lines[-1] == "new"
    if number == errno.ESTALE:
        assert server.lines == [*lines, "new"]
