"""Links that lead the agent to what their makers may not read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.identity import open_regular
from agent.links import LinkRule, open_by_rule

from .fake_server import FakeServer
from .running import Workplace

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
NOBODY, SOMEBODY = 65_534, 65_533


def _chain(folder: Path, owners: list[int]) -> Path:
    """Make a file of root, and links to it, each of its owner and to the one before."""
    (folder / "0").write_text("secret\n")
    for number, owner in enumerate(owners):
        link = folder / f"{number + 1}"
        link.symlink_to(f"{number}")
        os.lchown(link, owner, owner)
    return folder / f"{len(owners)}"


@AS_ROOT
@pytest.mark.parametrize(
    ("owners", "rule", "error"),
    [
        ([], "same_owner", 0),
        ([], "never", 0),
        ([0], "same_owner", 0),
        ([0, 0], "same_owner", 0),
        ([NOBODY], "same_owner", errno.EPERM),
        ([NOBODY, 0], "same_owner", errno.EPERM),
        ([0, NOBODY], "same_owner", errno.EPERM),
        ([NOBODY], "always", 0),
        ([0], "never", errno.ELOOP),
    ],
)
def test_links_to_a_file_of_root(tmp_path: Path, owners: list[int], rule: LinkRule, error: int) -> None:
    path = str(_chain(tmp_path, owners))
    if not error:
        os.close(open_by_rule(path, rule))
        return
    with pytest.raises(OSError, match="follow_symlinks") as caught:
        open_by_rule(path, rule)
    assert caught.value.errno == error


@AS_ROOT
@pytest.mark.parametrize("owner", [NOBODY, SOMEBODY])
def test_a_link_of_the_owner_of_the_file_is_followed(tmp_path: Path, owner: int) -> None:
    link = _chain(tmp_path, [NOBODY])
    os.chown(tmp_path / "0", owner, owner)
    if owner == NOBODY:
        os.close(open_by_rule(str(link), "same_owner"))
    else:
        with pytest.raises(PermissionError):
            open_by_rule(str(link), "same_owner")


@AS_ROOT
@pytest.mark.parametrize("target", ["real", "/absolute", "../{name}/real", "./real"])
def test_a_link_in_the_place_of_a_folder_counts_too(tmp_path: Path, target: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.log").touch()
    text = str(tmp_path / "real") if target == "/absolute" else target.format(name=tmp_path.name)
    (tmp_path / "link").symlink_to(text)
    os.close(open_by_rule(f"{tmp_path}/link/a.log", "never"))
    os.lchown(tmp_path / "link", NOBODY, NOBODY)
    with pytest.raises(PermissionError):
        open_by_rule(f"{tmp_path}/link/a.log", "same_owner")


def test_a_way_that_changes_while_the_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link led to one file when it was opened and leads to another when it is looked at."""
    (tmp_path / "secret").touch()
    (tmp_path / "harmless").touch()
    (tmp_path / "a.log").symlink_to("secret")

    def exchanging(path: str) -> int:
        descriptor = open_regular(path)
        (tmp_path / "a.log").unlink()
        (tmp_path / "harmless").rename(tmp_path / "a.log")
        return descriptor

    monkeypatch.setattr("agent.links.open_regular", exchanging)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(BlockingIOError, match="exchanged"):
        open_by_rule(f"{tmp_path}/a.log", "same_owner")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        open_by_rule(f"{tmp_path}/a", "same_owner")


@AS_ROOT
@pytest.mark.parametrize(("rule", "lines", "unreadable"), [("same_owner", 0, 1), ("always", 1, 0), ("never", 0, 0)])
async def test_the_setting(place: Workplace, server: FakeServer, rule: str, lines: int, unreadable: int) -> None:
    (place.root / "secret").write_text("root's own\n")
    (place.logs / "evil.log").symlink_to(place.root / "secret")
    os.lchown(place.logs / "evil.log", NOBODY, NOBODY)
    place.set("files", "follow_symlinks", rule)
    outcome = await place.once()
    assert (len(server.stored), outcome.unreadable) == (lines, unreadable)


async def test_a_link_is_no_copy_of_a_file(place: Workplace, server: FakeServer) -> None:
    """Nothing was read of the file yet, so that no bytes tell what is a copy of it."""
    log = place.logs / "app.log"
    place.targets[0]["path"] = str(log)
    log.touch()
    await place.once()
    log.unlink()
    (place.root / "secret").write_text("secret\n")
    (place.logs / "app.log.1").symlink_to(place.root / "secret")
    await place.once()
    assert server.lines == []
