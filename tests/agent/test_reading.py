"""What is read of files that are there, one after the other: nothing is lost, nothing comes twice."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from logpulse.limits import AGENT_OPEN_LINE_SECONDS

from .fake_server import FakeServer
from .running import Workplace, append, opened


async def test_reads_files_once(place: Workplace, server: FakeServer) -> None:
    append(place.logs / "a.log", "one\ntwo\nthr")
    outcome = await place.once()
    assert server.lines == ["one", "two"]
    assert (outcome.refused, outcome.unreadable, outcome.was_interrupted) == (0, 0, False)
    append(place.logs / "a.log", "ee\nfour\n")
    await place.once()
    assert server.lines == ["one", "two", "three", "four"]


async def test_an_unfinished_line_of_an_old_file_is_a_line(place: Workplace, server: FakeServer) -> None:
    log = place.logs / "a.log"
    append(log, "one\ntwo")
    long_ago = time.time() - AGENT_OPEN_LINE_SECONDS
    os.utime(log, (long_ago, long_ago))
    await place.once()
    await place.once()
    assert server.lines == ["one", "two"]
    append(log, " and more\n")
    await place.once()
    assert [(entry.line, dict(entry.metadata)) for entry in server.stored[2:]] == [(" and more", {"lp_part": "2/2"})]


async def test_an_unfinished_line_of_a_file_that_was_rotated_is_a_line(place: Workplace, server: FakeServer) -> None:
    log = place.logs / "a.log"
    append(log, "one\ntwo")
    await place.once()
    assert server.lines == ["one"]
    log.rename(place.logs / "a.log.1")
    append(log, "three\n")
    await place.once()
    assert server.lines == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"", []),
        (b"a\r\nb\rc\r\n", ["a", "b\rc"]),
        (b"\n\n", ["", ""]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"\0" * 5000 + b"after a hole\n", ["after a hole"]),
        (b"\0" * 200_000 + b"after a big hole\n", ["after a big hole"]),
        (b"caf\xe9 \xff\n", ["caf� �"]),
        *[(b"x" * size + b"\nnext\n", ["x" * size, "next"]) for size in (4096, 4097, 65_535, 65_536, 262_144)],
        (b"ab\r\n" * 40_000, ["ab"] * 40_000),
    ],
)
async def test_lines_of_a_file(place: Workplace, server: FakeServer, written: bytes, lines: list[str]) -> None:
    (place.logs / "a.log").write_bytes(written)
    await place.once()
    assert server.lines_of(place.logs / "a.log") == lines
    await place.once()
    assert len(server.stored) == len(lines)


async def test_long_lines_come_in_parts_of_one_stream(place: Workplace, server: FakeServer) -> None:
    place.set("files", "max_line_bytes", "1KiB")
    append(place.logs / "a.log", "ERROR " + "x" * 2500 + " panic: b\nINFO c\n")
    await place.once()
    assert [dict(entry.metadata).get("lp_part") for entry in server.stored] == ["1/?", "2/?", "3/3", None]
    assert "".join(server.lines[:3]) == "ERROR " + "x" * 2500 + " panic: b"
    assert [dict(entry.labels)["level"] for entry in server.stored] == ["error", "error", "error", "info"]


async def test_labels(place: Workplace, server: FakeServer) -> None:
    place.targets = [
        {"path": f"{place.logs}/a.log", "labels": {"job": "a"}},
        {"path": f"{place.logs}/*.log", "labels": {"job": "rest", "level": "audit"}},
    ]
    append(place.logs / "a.log", "[ERROR] x\nnothing\n")
    append(place.logs / "b\n.log", "[ERROR] x\n")
    await place.once()
    assert sorted(entry.labels for entry in server.stored) == [
        (("filename", f"{place.logs}/a.log"), ("job", "a")),
        (("filename", f"{place.logs}/a.log"), ("job", "a"), ("level", "error")),
        (("filename", f"{place.logs}/b\\n.log"), ("job", "rest"), ("level", "audit")),
    ]


async def test_level_detection_can_be_left_to_the_server(place: Workplace, server: FakeServer) -> None:
    place.set("files", "detect_level", False)
    append(place.logs / "a.log", "[ERROR] x\n")
    await place.once()
    assert "level" not in dict(server.stored[0].labels)


async def test_a_name_that_is_no_text(place: Workplace, server: FakeServer) -> None:
    name = os.fsencode(place.logs) + b"/\xff.log"
    append(Path(os.fsdecode(name)), "a\n")
    await place.once()
    await place.once()
    assert [entry.filename for entry in server.stored] == [f"{place.logs}/\\xff.log"]


async def test_a_file_with_several_names_is_read_once(place: Workplace, server: FakeServer) -> None:
    append(place.logs / "target.log", "a\n")
    (place.logs / "link.log").symlink_to("target.log")
    os.link(place.logs / "target.log", place.logs / "twin.log")
    (place.logs / "dangling.log").symlink_to("nowhere")
    place.targets.append({"path": f"{place.logs}/t*"})
    outcome = await place.once()
    assert [(entry.filename, entry.line) for entry in server.stored] == [(str(place.logs / "target.log"), "a")]
    assert outcome.unreadable == 0


async def test_only_regular_files_that_are_not_excluded(place: Workplace, server: FakeServer) -> None:
    os.mkfifo(place.logs / "pipe.log")
    (place.logs / "folder.log").mkdir()
    for name in ("a.log", "b.log", "old/c.log"):
        (place.logs / name).parent.mkdir(exist_ok=True)
        append(place.logs / name, f"{name}\n")
    place.targets[0]["exclude"] = ["b.*", f"{place.logs}/old/**"]
    outcome = await place.once()
    assert server.lines == ["a.log"]
    assert outcome.unreadable == 0


async def test_the_agents_own_files_are_not_read(place: Workplace, server: FakeServer) -> None:
    place.targets = [{"path": f"{place.root}/**"}]
    server.refuse = lambda entry: "no" if entry.line == "bad" else ""
    append(place.logs / "a.log", "good\nbad\n")
    for _ in range(3):
        await place.once()
    assert {entry.filename for entry in server.stored} <= {str(place.logs / "a.log"), str(place.root / "agent.yaml")}


async def test_many_files_at_once(place: Workplace, server: FakeServer) -> None:
    """Preloaded and live, in parallel; the order within each file holds."""
    expected: dict[str, list[str]] = {}
    async with place.following():
        for half in range(2):
            for number in range(10):
                path = place.logs / f"d{number % 3}" / f"{number}.log"
                path.parent.mkdir(exist_ok=True)
                lines = [f"{number}/{half}/{line}" for line in range(100)]
                expected.setdefault(str(path), []).extend(lines)
                append(path, "".join(f"{line}\n" for line in lines))
            await server.wait_for(lambda: len(server.stored) >= sum(map(len, expected.values())))
    assert {path: server.lines_of(path) for path in expected} == expected


async def test_a_line_is_sent_when_it_is_finished(place: Workplace, server: FakeServer) -> None:
    async with place.following():
        append(place.logs / "a.log", "first\nabc")
        await server.wait_for_lines("first")
        append(place.logs / "a.log", "def")
        append(place.logs / "b.log", "later\n")
        await server.wait_for_lines("later")
        append(place.logs / "a.log", "\n")
        await server.wait_for_lines("abcdef")
    assert server.lines_of(place.logs / "a.log") == ["first", "abcdef"]


async def test_equal_lines_stay_apart(place: Workplace, server: FakeServer) -> None:
    append(place.logs / "a.log", "same\n" * 500)
    async with place.following():
        await server.wait_for(lambda: len(server.stored) == 500)
        append(place.logs / "a.log", "same\n" * 500)
        await server.wait_for(lambda: len(server.stored) == 1000)
    times = [entry.ts for entry in server.stored]
    assert times == sorted(set(times))


@pytest.mark.parametrize(("written", "lines"), [("old\n", ["new"]), ("old\nbegun", ["begun new"])])
async def test_start_at_the_end(place: Workplace, server: FakeServer, written: str, lines: list[str]) -> None:
    place.set("files", "start_position", "end")
    append(place.logs / "a.log", written)
    async with place.following():
        await opened(place.logs / "a.log")
        append(place.logs / "b.log", "created later\n")
        await server.wait_for_lines("created later")
        append(place.logs / "a.log", " new\n" if "begun" in written else "new\n")
        await server.wait_for_lines(*lines)
    append(place.logs / "c.log", "created while stopped\n")
    await place.once()
    assert Counter(server.lines) == Counter(["created later", *lines, "created while stopped"])


async def test_an_unreadable_file_is_read_later(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is made up."""
    locked = place.logs / "locked.log"
    append(locked, "secret\n")
    append(place.logs / "a.log", "a\n")
    real_open = os.open

    def open_unless_locked(path: str, *arguments: object, **others: object) -> int:
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, *arguments, **others)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_unless_locked)
        outcome = await place.once()
        assert (server.lines, outcome.unreadable) == (["a"], 1)
    outcome = await place.once()
    assert (server.lines, outcome.unreadable) == (["a", "secret"], 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_unless_locked)
        await place.once()
    await place.once()
    assert server.lines == ["a", "secret"]


async def test_a_file_that_fails_hurts_no_other(
    place: Workplace, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = place.logs / "broken.log"
    append(broken, "before\n")
    real_read = os.pread
    async with place.following():
        await server.wait_for_lines("before")
        inode = broken.stat().st_ino

        def read_unless_broken(descriptor: int, size: int, offset: int) -> bytes:
            if os.fstat(descriptor).st_ino == inode:
                raise OSError(5, "Input/output error")
            return real_read(descriptor, size, offset)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", read_unless_broken)
            append(broken, "after\n")
            append(place.logs / "a.log", "other\n")
            await server.wait_for_lines("other")
            append(place.logs / "a.log", "again\n")
            await server.wait_for_lines("again")
        await server.wait_for_lines("after")
    assert Counter(server.lines) == Counter(["before", "after", "other", "again"])


async def test_equal_beginnings_and_different_files(place: Workplace, server: FakeServer) -> None:
    header = "#Fields: " + "x" * 1100 + "\n"
    for name in ("a.log", "a-1.log", "b.log"):
        append(place.logs / name, header + f"{name}\n")
    await place.once()
    async with place.following():
        append(place.logs / "a-2.log", header + "a-2.log\n")
        await server.wait_for_lines("a-2.log")
    assert Counter(server.lines) == Counter([header.strip()] * 4 + ["a.log", "a-1.log", "b.log", "a-2.log"])
