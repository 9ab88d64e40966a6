from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.glob import GlobPattern

NAMES = (
    "a.log", "b.log", "c.txt", ".hidden.log", "x1.log", "x2.log", "xy.log", "a b.log", "[1].log", "ü.log", "n\nl.log",
    "d/a.log", "d/e/f/g/h/deep.log", "d/a.log.1", "d/{x}.log",
)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.log", [name for name in NAMES if name.endswith(".log") and "/" not in name]),
        ("**/*.log", [name for name in NAMES if name.endswith(".log")]),
        ("{a,b}.log", ["a.log", "b.log"]),
        ("{a,c}.{log,txt}", ["a.log", "c.txt"]),
        ("{,d/}a.log", ["a.log", "d/a.log"]),
        ("x[0-9].log", ["x1.log", "x2.log"]),
        ("x[!0-9].log", ["xy.log"]),
        ("[[]1].log", ["[1].log"]),
        ("d/[{]x}.log", ["d/{x}.log"]),
        ("x?.log", ["x1.log", "x2.log", "xy.log"]),
        ("d/**", ["d/a.log", "d/a.log.1", "d/e/f/g/h/deep.log", "d/{x}.log"]),
        ("d/**/**/deep.log", ["d/e/f/g/h/deep.log"]),
        ("*/*.1", ["d/a.log.1"]),
        ("a.log", ["a.log"]),
        ("missing/*.log", []),
    ],
)  # fmt: skip
def test_finds_and_matches_the_same(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    glob = GlobPattern.parse(f"{tmp_path}/{pattern}")
    files = {path for path in glob.paths() if Path(path).is_file()}
    assert files == {f"{tmp_path}/{name}" for name in found}
    assert {name for name in NAMES if glob.matches(f"{tmp_path}/{name}")} == set(found)


def test_a_pattern_without_a_slash_is_one_of_names() -> None:
    glob = GlobPattern.parse("*.{gz,[bx]z*}")
    assert [path for path in ("/a/b.gz", "/c.xz", "/d.gz/e", "/f.bz2") if glob.matches(path)] == [
        "/a/b.gz",
        "/c.xz",
        "/f.bz2",
    ]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "up").symlink_to(tmp_path)
    (tmp_path / "a.log").touch()
    assert list(GlobPattern.parse(f"{tmp_path}/**/*.log").paths()) == [f"{tmp_path}/a.log"]


def test_a_link_that_leads_to_itself_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.log").touch()
    (tmp_path / "self").symlink_to("self")
    assert list(GlobPattern.parse(f"{tmp_path}/*/*.log").paths()) == [f"{tmp_path}/d/a.log"]


def test_a_tree_may_be_deeper_than_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.log").touch()
    monkeypatch.chdir(tmp_path)
    for _ in range(1_500):  # step by step, as the whole is longer than a path may be
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    try:
        assert list(GlobPattern.parse(f"{tmp_path}/**/*.log").paths()) == [f"{tmp_path}/a.log"]
        assert list(GlobPattern.parse(f"{tmp_path}/**").paths()) == [f"{tmp_path}/a.log"]
    finally:
        for _ in range(1_500):  # what deletes the folders of tests is recursive too
            os.chdir("..")
            os.rmdir("d")  # noqa: PTH106


@pytest.mark.parametrize(
    ("pattern", "reason"), [("", "must name files"), ("/{a", "not closed"), ("/" + "{a,b}" * 12, "more than 1000")]
)
def test_refuses(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        GlobPattern.parse(pattern)


def test_many_stars_take_no_time() -> None:
    assert not GlobPattern.parse("/" + "**/" * 30 + "*a*a*a*a*a*a*a*b").matches("/" + "a/" * 200 + "a" * 200)
