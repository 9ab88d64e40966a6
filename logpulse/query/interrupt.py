"""The brake of a query: whoever waits for it pulls, and the thread that runs it stops within milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from logpulse.errors import QueryCancelledError

T = TypeVar("T")


class Interruptible(Protocol):
    """Something with work under way that another thread can stop, such as a DuckDB connection."""

    def interrupt(self) -> None:
        """Stop the work under way."""


class Interrupt:
    """Stop a query from another thread. Once pulled it stays pulled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Interruptible | None = None
        self._pulled = False

    def pull(self) -> None:
        """Stop what runs now and whatever would run next; again if the work that has just begun goes on."""
        with self._lock:
            self._pulled = True
            if self._running is not None:
                self._running.interrupt()

    def check(self) -> None:
        """Raise QueryCancelledError if pulled."""
        if self._pulled:
            raise QueryCancelledError

    @contextmanager
    def guarding(self, work: Interruptible) -> Iterator[None]:
        """Make `work` stoppable for the length of the block.

        Raises:
            QueryCancelledError: on entry, if pulled before.
        """
        with self._lock:
            self.check()
            self._running = work
        try:
            yield
        finally:
            with self._lock:
                self._running = None


def checked(items: Iterable[T], interrupt: Interrupt | None) -> Iterator[T]:
    """Give `items` one by one, and raise QueryCancelledError instead of the next one once `interrupt` is pulled."""
    if interrupt is None:
        yield from items
        return
    for item in items:
        interrupt.check()
        yield item
