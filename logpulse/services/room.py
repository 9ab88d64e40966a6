"""A number of bytes that many share: whoever finds too few of them waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from logpulse.errors import UnavailableError


class Room:
    """Lend bytes, `most_bytes` at a time. One who wants more than there are still gets them, when nobody else has any.

    Args:
        what: who is waiting, for the error: `pushes wait for the disk`.
        wait_seconds: how long one waits at most.
    """

    def __init__(self, what: str, most_bytes: int, wait_seconds: float) -> None:
        self._what = what
        self._most = most_bytes
        self._wait_seconds = wait_seconds
        self._held = 0
        self._shares: dict[Share, None] = {}  # those that hold something, the oldest first
        self._waiting = trio.lowlevel.ParkingLot()

    async def take(self, size: int) -> None:
        """Wait for `size` bytes, to be given back by `give`. Cancelled, it has taken none.

        Raises:
            UnavailableError: there were not enough in time.
        """
        await self._take(size, lambda: self._held == 0)

    def give(self, size: int) -> None:
        """Give `size` bytes back, and let those who wait try again."""
        self._held -= size
        self._waiting.unpark_all()

    @contextmanager
    def sharing(self) -> Iterator[Share]:
        """Open a share, which grows as it needs to, for the length of the block; then its bytes are given back."""
        share = Share(self)
        try:
            yield share
        finally:
            self._shares.pop(share, None)
            self.give(share.size)

    async def grow(self, share: Share, size: int) -> None:
        """Take `size` bytes for `share`; raises as `take` does. The oldest share always gets what it asks for.

        So shares that fill the room together cannot all wait for each other, and it is overdrawn by one share at most.
        """
        self._shares.setdefault(share)
        await self._take(size, lambda: next(iter(self._shares)) is share)
        share.size += size

    async def _take(self, size: int, may_pass: Callable[[], bool]) -> None:
        with trio.move_on_after(self._wait_seconds):
            while self._held + size > self._most and not may_pass():
                await self._waiting.park()
            self._held += size
            return
        raise UnavailableError(
            f"{self._what}: no room among {self._most} bytes within {self._wait_seconds:g}s", retry_after=1
        )


@attrs.define(eq=False)
class Share:
    """Hold bytes of a room that are taken little by little and given back together."""

    _room: Room
    size: int = 0

    async def grow(self, size: int) -> None:
        """Take `size` bytes more.

        Raises:
            UnavailableError: there was no room in time.
        """
        await self._room.grow(self, size)
