"""Durable changes to folders: what POSIX asks for beyond writing a file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from logpulse.errors import StoreLockedError


def sync_folder(folder: Path) -> None:
    """Make created, renamed and deleted names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a private folder durably, with its parents; an existing one is left as it is."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_file(path: Path) -> None:
    """Make a file's contents durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(temporary: Path, final: Path) -> None:
    """Give a finished temporary file its final name: contents, then name, then folder become durable.

    Raises:
        OSError: there is no final file.
    """
    sync_file(temporary)
    temporary.rename(final)
    try:
        sync_folder(final.parent)
    except OSError:
        final.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`. The kernel drops the lock with the process, so a stale one cannot exist.

    Raises:
        StoreLockedError: another process holds it; names that process where it is known.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            who = f"process {holder}" if holder else "another process"
            raise StoreLockedError(
                path.parent, f"{who} is using this data folder; stop it, or set storage.path to another folder"
            ) from None
        # Overwritten before it is cut, which needs no room on a full disk.
        os.ftruncate(descriptor, os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0))
        yield
    finally:
        os.close(descriptor)


@attrs.frozen
class DiskRoom:
    """Hold how many bytes a disk has, and how many of them this process may still write."""

    free: int
    total: int


def room_on_disk(folder: Path) -> DiskRoom | None:
    """Look at the disk of the data folder; None where it cannot be asked."""
    try:
        return _room_on_disk(folder)
    except OSError:
        return None


def lack_of_space(folder: Path, reserve_bytes: int) -> str:
    """Say why nothing more should be written to the data folder; empty when there is room."""
    try:
        room = _room_on_disk(folder)
    except OSError as error:
        return f"storage.path cannot be used: {error.strerror or error}"
    if room.free < reserve_bytes:
        return (
            f"the disk of storage.path has less than {reserve_bytes} bytes free; "
            "make room or lower storage.retention_days"
        )
    return ""


def _room_on_disk(folder: Path) -> DiskRoom:
    disk = os.statvfs(folder)
    return DiskRoom(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
