"""What is known over a restart: by a stop, by a death at any moment, and with a positions file that is damaged."""

from __future__ import annotations

import os
import random
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from agent.positions_file import LaterVersionError, PositionsLockedError, open_positions_file
from agent.timeline import Timeline
from logpulse.errors import StorageError

from .fake_server import HANG_UP, STORED_THEN_HANG_UP, FakeServer, Reply
from .running import Workplace, append

LINES = [f"line {number} {'x' * (number * 37 % 400)}" for number in range(2000)]


def _write(path: Path, lines: list[str]) -> None:
    append(path, "".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("length", [20, 2000])
async def test_a_stop_and_a_start(place: Workplace, server: FakeServer, length: int) -> None:
    lines = [f"{number}".ljust(length, "x") for number in range(100)]
    for begin in range(0, 100, 20):
        _write(place.logs / "a.log", lines[begin : begin + 20])
        await place.once()
    assert server.lines == lines


@pytest.mark.parametrize(
    "reply",
    [HANG_UP, STORED_THEN_HANG_UP, Reply(503), Reply(503, is_stored=True)],
    ids=["no answer", "answer lost", "busy", "busy and stored"],
)
async def test_killed_with_a_batch_in_flight(place: Workplace, server: FakeServer, reply: Reply) -> None:
    """Whether the server had stored it or not, its lines come with the same times, so that they count once."""
    server.always = reply
    place.set("batch", "max_bytes", "100KiB")
    _write(place.logs / "a.log", LINES)
    _write(place.logs / "b.log", LINES)
    async with place.following():
        await server.wait_for(lambda: len(server.bodies) > 1)
    sent = list(server.stored)
    server.always = None
    await place.once()
    assert server.lines_of(place.logs / "a.log") == LINES
    assert server.lines_of(place.logs / "b.log") == LINES
    assert server.stored[: len(sent)] == sent


async def test_killed_again_and_again(place: Workplace, server: FakeServer) -> None:
    """Also with long lines in parts, and lines without an end, at each death."""
    place.set("files", "max_line_bytes", "1KiB")
    place.set("batch", "max_bytes", "10KiB")
    choose = random.Random(7)
    log = place.logs / "a.log"
    text = "".join(f"{number} {'ü' * choose.choice([1, 5, 3000])}\n" for number in range(300))
    data, position = text.encode(), 0
    while position < len(data):
        piece = choose.randrange(1, 30_000)
        with log.open("ab") as file:
            file.write(data[position : position + piece])
        position += piece
        server.scripted.extend(choose.choices([STORED_THEN_HANG_UP, HANG_UP, Reply(500)], k=choose.randrange(3)))
        async with place.following():
            with trio.move_on_after(choose.uniform(0.0, 0.08)):
                await trio.sleep_forever()
    server.scripted.clear()
    await place.once()
    parts = sorted(server.stored, key=lambda entry: entry.ts)
    assert "".join(_with_newline(entry.line, dict(entry.metadata)) for entry in parts) == text


def _with_newline(line: str, metadata: dict[str, str]) -> str:
    return line if metadata.get("lp_part", "").endswith("?") else line + "\n"


async def test_a_line_begun_before_the_death_and_ended_after(place: Workplace, server: FakeServer) -> None:
    append(place.logs / "a.log", "whole\nbeg")
    async with place.following():
        await server.wait_for_lines("whole")
    append(place.logs / "a.log", "un\n")
    await place.once()
    assert server.lines == ["whole", "begun"]


async def test_unanswered_lines_are_sent_again_after_a_rotation(place: Workplace, server: FakeServer) -> None:
    server.always = STORED_THEN_HANG_UP
    _write(place.logs / "a.log", LINES)
    async with place.following():
        await server.wait_for(lambda: len(server.bodies) > 1)
    (place.logs / "a.log").rename(place.logs / "a.log.1")
    _write(place.logs / "a.log", ["new"])
    server.always = None
    await place.once()
    assert server.lines_of(place.logs / "a.log") == [*LINES, "new"]


def test_times_are_never_the_same_twice_whatever_the_clock_does() -> None:
    now = 10**18
    timeline = Timeline(now=lambda: now)
    assert [timeline.reserve(3), timeline.reserve(1), timeline.reserve(2)] == [now, now + 3, now + 4]
    now -= 10**9
    assert timeline.reserve(1) == 10**18 + 6
    now += 5 * 10**9
    assert timeline.reserve(1) == now
    # The server refuses times far in its future, so a clock that was an hour ahead must not be remembered.
    now -= 3600 * 10**9
    assert Timeline(timeline.newest, now=lambda: now).reserve(1) == now


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "NULs": lambda data: b"\0" * len(data),
    "half": lambda data: data[: len(data) // 2],
    "one bit": lambda data: data.replace(b'"offset":', b'"offset":1', 1),
    "version": lambda data: data.replace(b'"version":1', b'"version":0'),
    "other JSON": lambda data: b"[]",
    "no UTF-8": lambda data: b"\xff" + data,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("has_backup", [True, False])
async def test_a_damaged_positions_file(place: Workplace, server: FakeServer, damage: str, has_backup: bool) -> None:
    """From the backup, else from the beginning; what was damaged is put aside."""
    _write(place.logs / "a.log", LINES[:5])
    await place.once()
    await place.once()
    place.positions.write_bytes(DAMAGES[damage](place.positions.read_bytes()))
    backup = place.positions.with_name("positions.json.bak")
    if not has_backup:
        backup.write_bytes(b"\0")
    server.stored.clear()
    _write(place.logs / "a.log", LINES[5:8])
    await place.once()
    assert server.lines == (LINES[5:8] if has_backup else LINES[:8])
    assert list(place.positions.parent.glob("positions.json.corrupt-*"))
    await place.once()
    assert server.lines == (LINES[5:8] if has_backup else LINES[:8])


@pytest.mark.parametrize("content", [None, b'{"version":2,"files":{}}'])
async def test_positions_of_a_later_version_are_left_alone(
    place: Workplace, server: FakeServer, content: bytes | None
) -> None:
    """Whatever else stands in them. After a downgrade everything would be sent again otherwise."""
    _write(place.logs / "a.log", LINES[:5])
    await place.once()
    kept = content or place.positions.read_bytes().replace(b'"version":1', b'"version":2')
    place.positions.write_bytes(kept)
    with pytest.raises(LaterVersionError, match="later version"):
        await place.once()
    process = await place.start_process("--once")
    assert await process.wait() == 2
    assert server.lines == LINES[:5]
    assert place.positions.read_bytes() == kept


async def test_a_missing_positions_file(place: Workplace, server: FakeServer) -> None:
    _write(place.logs / "a.log", LINES[:5])
    await place.once()
    for path in place.positions.parent.iterdir():
        path.unlink()
    place.positions.parent.rmdir()
    await place.once()
    assert Counter(server.lines) == Counter(LINES[:5] * 2)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.positions.parent.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert stat.S_IMODE(place.positions.parent.stat().st_mode) == 0o700


async def test_a_link_is_refused(place: Workplace) -> None:
    place.positions.parent.mkdir(mode=0o700)
    place.positions.symlink_to(place.root / "elsewhere")
    with pytest.raises(StorageError, match="symbolic link"):
        await place.once()


async def test_a_folder_that_others_may_write_to_is_refused(place: Workplace) -> None:
    place.positions.parent.mkdir()
    place.positions.parent.chmod(0o775)
    with pytest.raises(StorageError, match="chmod go-w"):
        await place.once()


async def test_one_agent_at_a_time(place: Workplace) -> None:
    with open_positions_file(place.positions), pytest.raises(PositionsLockedError, match="another agent"):
        await place.once()


def test_positions_are_on_disk_before_they_take_the_place_of_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that dies leaves the old ones or the new ones, and not an empty file."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        done.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noting_replace(source: Path, target: Path) -> None:
        done.append(f"rename {Path(source).name} {Path(target).name}")
        replace(source, target)

    with open_positions_file(tmp_path / "state" / "p.json") as file:
        file.write_durably(b"1")
        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(os, "replace", noting_replace)
        file.write_durably(b"2")
    assert done == ["fsync p.json.tmp", "rename p.json p.json.bak", "rename p.json.tmp p.json", "fsync state"]
    assert (tmp_path / "state" / "p.json").read_bytes() == b"2"
    assert (tmp_path / "state" / "p.json.bak").read_bytes() == b"1"


async def test_a_full_disk_stops_nothing(place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(place.logs / "a.log", LINES[:5])
    await place.once()
    kept = place.positions.read_bytes()

    def no_space(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_space)
        _write(place.logs / "a.log", LINES[5:10])
        await place.once()
    assert server.lines == LINES[:10]
    assert place.positions.read_bytes() == kept
