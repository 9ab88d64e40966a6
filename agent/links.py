"""Symbolic links on the way to a file: whose must they be, for the file to be read?

The agent often reads as root in folders that others write to. A link there could lead it to a file that its maker may
not read, and whose lines he would then find in the server.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final, Literal

from agent.identity import Identity, open_regular

LinkRule = Literal["same_owner", "always", "never"]
_MOST_LINKS: Final = 40  # on one way, as for the kernel
_ROOT: Final = 0


def open_by_rule(path: str, rule: LinkRule) -> int:
    """Open a regular file like `open_regular`, unless a link on the way to it is one that must not be followed.

    By `same_owner` each link has to belong to root, to the agent's own user or to the owner of the file; `never`
    refuses moreover a link in the place of the file itself.

    Raises:
        OSError: it cannot be opened; ELOOP or EPERM because of a link; EAGAIN when the way changed meanwhile.
    """
    descriptor = open_regular(path)
    try:
        if rule != "always":
            _check_way(path, os.fstat(descriptor), rule)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_way(path: str, opened: os.stat_result, rule: LinkRule) -> None:
    if rule == "never" and stat.S_ISLNK(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, "is a symbolic link, see files.follow_symlinks", path)
    # Looked at after the opening: a way that was exchanged meanwhile leads to another file than the one that is open.
    end, owners = _resolved(path)
    if Identity.of(os.lstat(end)) != Identity.of(opened):
        raise OSError(errno.EAGAIN, "was exchanged while it was opened", path)
    if owners - {_ROOT, os.geteuid(), opened.st_uid}:
        raise OSError(errno.EPERM, "a link to it belongs to another user, see files.follow_symlinks", path)


def _resolved(path: str) -> tuple[str, set[int]]:
    """Give the path without links, and the owners of those that were on it."""
    owners: list[int] = []
    waiting = path.split("/")[::-1]
    reached = ""
    while waiting:
        part = waiting.pop()
        if part == "..":
            reached = reached.rpartition("/")[0]
        elif part not in ("", "."):
            here = f"{reached}/{part}"
            status = os.lstat(here)
            if not stat.S_ISLNK(status.st_mode):
                reached = here
                continue
            owners.append(status.st_uid)
            if len(owners) > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = str(Path(here).readlink())
            reached = "" if target.startswith("/") else reached
            waiting += target.split("/")[::-1]
    return reached or "/", set(owners)
