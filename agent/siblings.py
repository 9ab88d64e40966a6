"""Find where a file went that is not at its path any more: renamed, moved, or copied before it was truncated."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.identity import Identity, Mark
from agent.links import LinkRule, open_by_rule
from agent.positions import Record
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
        descriptor = opened_if_holds(candidate, mark, "never")  # who copies a file makes no link
        if descriptor is not None:
            if not is_known(descriptor):
                return candidate, descriptor
            os.close(descriptor)
    return None


def rotated_since(path: str, since: float) -> list[str]:
    """List the files that a rotation by number or date made from `path`, written to at or after `since`, oldest first.

    Unlike `copy_of` nothing but the name tells what they are, so `a.log.audit` is not taken for one.
    """
    found: list[tuple[int, str]] = []
    for entry in _folder(path):
        if _is_numbered_name(entry.name, Path(path).name):
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if status.st_mtime >= since:
                found.append((status.st_mtime_ns, entry.path))
    return [each for _, each in sorted(found)]


def opened_if_holds(path: str, mark: Mark, rule: LinkRule) -> int | None:
    """Open the file at `path` if it begins with the bytes of `mark`; None if not, or if it cannot be read."""
    try:
        descriptor = open_by_rule(path, rule)
    except OSError:
        return None
    try:
        if mark.holds(descriptor):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def may_be_at(record: Record, path: str) -> bool:
    """Tell whether the inode of a record is proof enough, at a path, that a file is its own.

    An inode goes to another file when its file is deleted. Where nothing was read of a file, no bytes tell the two
    apart, but a name does.
    """
    if record.proof.offset or path == record.path:
        return True
    folder, name = os.path.split(path)
    its_folder, its_name = os.path.split(record.path)
    return folder == its_folder and is_rotated_name(name, its_name)


def is_rotated_name(name: str, base: str) -> bool:
    """Tell whether rotation may name a file so whose name was `base`: `a.log.1`, `a.log-20260115`, `a-2026-01-15.log`.

    Compressed files are not meant: they have other bytes.
    """
    if name.endswith((".gz", ".zst", ".bz2", ".xz", ".Z", ".zip")):
        return False
    if name.startswith(base) and name[len(base) : len(base) + 1] in (".", "-", "_", "~"):
        return True
    return _is_numbered_name(name, base)


def _is_numbered_name(name: str, base: str) -> bool:
    """Tell whether `name` is `base` with a number or a date behind it, or before its extension."""
    stem, dot, extension = base.rpartition(".")
    number = r"[.\-_]\d[\d.\-_T:]*"
    return re.fullmatch(re.escape(base) + number, name) is not None or (
        bool(stem) and re.fullmatch(re.escape(stem) + number + re.escape(dot + extension), name) is not None
    )


def _folder(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(Path(path).parent) as entries:
            yield from entries
    except OSError:
        return
