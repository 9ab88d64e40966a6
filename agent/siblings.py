"""Find where a file went that is not at its path any more: renamed, moved, or copied before it was truncated."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.identity import Identity, Mark, open_regular
from logpulse.limits import AGENT_COPY_SLACK_SECONDS


def renamed_to(path: str, identity: Identity) -> str | None:
    """Look in the folder of `path` for a file under any name; None if it is not there or the folder is closed to us."""
    for entry in _folder(path):
        # The inode costs nothing here; a link has one of its own, so only the file itself is found.
        if entry.inode() == identity.inode:
            try:
                if Identity.of(entry.stat(follow_symlinks=False)) == identity:
                    return entry.path
            except OSError:
                continue
    return None


def copy_of(
    path: str, mark: Mark, *, size: int, since: float, is_known: Callable[[int], bool]
) -> tuple[str, int] | None:
    """Find a copy of what was at `path`: a file with a name made from it, not known yet, that `mark` holds for.

    Only what changed after `since`, a unix time at which the original was whole, and is no smaller than it, can be its
    copy; the latest is taken. `is_known` is asked with an open descriptor. Gives the path and an open descriptor.
    """
    candidates: list[tuple[int, str]] = []
    for entry in _folder(path):
        if is_rotated_name(entry.name, Path(path).name):
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if status.st_ctime >= since - AGENT_COPY_SLACK_SECONDS and status.st_size >= size:
                candidates.append((status.st_ctime_ns, entry.path))
    for _, candidate in sorted(candidates, reverse=True):
        descriptor = opened_if_holds(candidate, mark)
        if descriptor is not None:
            if not is_known(descriptor):
                return candidate, descriptor
            os.close(descriptor)
    return None


def opened_if_holds(path: str, mark: Mark) -> int | None:
    """Open the file at `path` if it begins with the bytes of `mark`; None if not, or if it cannot be read."""
    try:
        descriptor = open_regular(path)
    except OSError:
        return None
    try:
        if mark.holds(descriptor):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def is_rotated_name(name: str, base: str) -> bool:
    """Tell whether rotation may name a file so whose name was `base`: `a.log.1`, `a.log-20260115`, `a-2026-01-15.log`.

    Compressed files are not meant: they have other bytes.
    """
    if name.endswith((".gz", ".zst", ".bz2", ".xz", ".Z", ".zip")):
        return False
    if name.startswith(base) and name[len(base) : len(base) + 1] in (".", "-", "_", "~"):
        return True
    stem, dot, extension = base.rpartition(".")
    return (
        bool(stem)
        and re.fullmatch(rf"{re.escape(stem)}[.\-_]\d[\d.\-_T:]*{re.escape(dot + extension)}", name) is not None
    )


def _folder(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(Path(path).parent) as entries:
            yield from entries
    except OSError:
        return
