"""Which file this is, whatever its name, and whether what was read of it still stands there."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import Final

import attrs

from logpulse.limits import AGENT_HEAD_BYTES, AGENT_TAIL_BYTES, AGENT_TELLING_BYTES


@attrs.frozen
class Identity:
    """Name a file by its device and inode, which a rename leaves alone and a deletion frees for another file."""

    device: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """Take it from what stat or fstat gave."""
        return cls(status.st_dev, status.st_ino)


@attrs.frozen
class Mark:
    """Stand behind the first `offset` bytes of a file and prove that they are the ones that were read.

    The proof are hashes of the first and of the last of these bytes. The first grow with the offset up to
    AGENT_HEAD_BYTES, so that small files are told apart too; the last find a file that was truncated and has grown
    beyond the offset again, also below one long header that all its versions share.
    """

    offset: int = 0
    head: str = ""
    tail: str = ""

    @property
    def is_telling(self) -> bool:
        """Whether the bytes are enough to know a file by them alone."""
        return self.offset >= AGENT_TELLING_BYTES

    @property
    def tail_start(self) -> int:
        """Where the last bytes of the proof begin."""
        return max(0, self.offset - AGENT_TAIL_BYTES)

    @classmethod
    def at(cls, descriptor: int, offset: int) -> Mark:
        """Put a mark behind the bytes that an open file has now.

        Raises:
            OSError: they cannot be read.
        """
        return cls().moved(descriptor, offset, os.pread(descriptor, min(offset, AGENT_TAIL_BYTES), _tail(offset)))

    def moved(self, descriptor: int, offset: int, tail: bytes) -> Mark:
        """Give the mark at a later offset, whose last bytes are the end of `tail`.

        Raises:
            OSError: the file cannot be read.
        """
        head = self.head
        if self.offset < AGENT_HEAD_BYTES:
            head = _digest(os.pread(descriptor, min(offset, AGENT_HEAD_BYTES), 0))
        return Mark(offset, head, _digest(tail[-AGENT_TAIL_BYTES:]))

    def holds(self, descriptor: int) -> bool:
        """Tell whether an open file still begins with the bytes of this mark.

        Raises:
            OSError: the file cannot be read.
        """
        if self.offset == 0:
            return True
        if os.fstat(descriptor).st_size < self.offset:
            return False
        head = os.pread(descriptor, min(self.offset, AGENT_HEAD_BYTES), 0)
        return _digest(head) == self.head and self.ends(
            os.pread(descriptor, self.offset - self.tail_start, self.tail_start)
        )

    def ends(self, tail: bytes) -> bool:
        """Tell whether `tail`, read from `tail_start`, is what stood before the mark."""
        return _digest(tail) == self.tail


NO_MARK: Final = Mark()


def _tail(offset: int) -> int:
    return max(0, offset - AGENT_TAIL_BYTES)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest() if data else ""


def begins_like(descriptor: int, original: int) -> bool:
    """Tell whether all of an open file, as far as its ends show, is the beginning of another one.

    Raises:
        OSError: one of them cannot be read.
    """
    size = os.fstat(descriptor).st_size
    return size <= os.fstat(original).st_size and Mark.at(descriptor, size) == Mark.at(original, size)


def open_regular(path: str) -> int:
    """Open a regular file for reading, without waiting for a writer and without getting a terminal.

    Raises:
        OSError: it cannot be opened; EINVAL when it is a folder, a device, a socket or a pipe.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor
