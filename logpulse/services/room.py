"""A number of bytes that many share: whoever finds too few of them waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
        self._waiting = trio.lowlevel.ParkingLot()

    async def take(self, size: int) -> None:
        """Wait for `size` bytes, to be given back by `give`. Cancelled, it has taken none.

        Raises:
            UnavailableError: there were not enough in time.
        """
        with trio.move_on_after(self._wait_seconds):
            while self._held and self._held + size > self._most:
                await self._waiting.park()
            self._held += size
            return
        raise UnavailableError(
            f"{self._what}: no room among {self._most} bytes within {self._wait_seconds:g}s", retry_after=1
        )

    def give(self, size: int) -> None:
        """Give `size` bytes back, and let those who wait try again."""
        self._held -= size
        self._waiting.unpark_all()

    @asynccontextmanager
    async def holding(self, size: int) -> AsyncIterator[None]:
        """Take `size` bytes for the length of the block; raises as `take` does."""
        await self.take(size)
        try:
            yield
        finally:
            self.give(size)
