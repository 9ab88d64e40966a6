"""Files that are renamed, truncated, replaced, deleted and linked while the agent follows them or is stopped."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from agent.identity import Identity, open_regular
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


async def test_two_rotations_while_the_server_is_away(place: Workplace, server: FakeServer) -> None:
    log = place.logs / "app.log"
    lines = numbered(0, 3000, LONG)
    async with place.following():
        write(log, lines[:1])
        await server.wait_for_lines(*lines[:1])
        server.stop()
        for number, begin in enumerate(range(1, 3000, 1000)):
            write(log, lines[begin : begin + 1000])
            await opened(log)
            log.rename(f"{log}.{number + 1}")
        await server.start_again()
        await server.wait_for(lambda: len(server.stored) >= 3000)
    assert server.lines_of(log) == lines


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
