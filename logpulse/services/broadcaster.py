"""The broadcaster: bring every commit to every live tail. Neither a commit nor a tail ever waits for a slow tail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import trio

from logpulse.errors import OverloadedError
from logpulse.limits import COMMITTED_BATCHES, COMMITTED_BYTES
from logpulse.services.metrics import Metrics
from logpulse.services.subscriber import Dropped, QueuedMemory, Subscriber
from logpulse.services.tail_filter import TailFilter
from logpulse.storage.store import Commit


class Broadcaster:
    """Hold the subscribers of one server, at most `most` of them."""

    def __init__(self, metrics: Metrics, most: int) -> None:
        self._metrics = metrics
        self._most = most
        self._subscribers: set[Subscriber] = set()
        self._memory = QueuedMemory()
        self._send, self._receive = trio.open_memory_channel[Commit](COMMITTED_BATCHES)
        self._waiting_bytes = 0
        self._missed: Dropped | None = None

    def __len__(self) -> int:
        return len(self._subscribers)

    def publish(self, commit: Commit) -> None:
        """Pass a commit on. What does not fit is reported to every tail as dropped, never in silence."""
        if not self._subscribers:
            return
        try:
            if self._waiting_bytes >= COMMITTED_BYTES:
                raise trio.WouldBlock
            self._send.send_nowait(commit)
        except trio.WouldBlock:
            missed = Dropped(commit.batch.rows, *commit.batch.time_range)
            self._missed = missed if self._missed is None else self._missed.joined(missed)
        else:
            self._waiting_bytes += commit.batch.entries.nbytes

    def close(self) -> None:
        """Take no more commits; the task ends when it has passed on those that wait."""
        self._send.close()

    def subscribe(self, tail_filter: TailFilter) -> AbstractContextManager[Subscriber]:
        """Open a subscription that ends with its `with` block: every commit from now on reaches it.

        Raises:
            OverloadedError: there are too many tails.
        """
        if len(self._subscribers) >= self._most:
            raise OverloadedError("live tails", self._most, len(self._subscribers) + 1, "tail.max_subscribers")
        subscriber = Subscriber(tail_filter, self._metrics.dropped_lines.labels("slow_tail").inc, self._memory)
        self._subscribers.add(subscriber)
        return self._subscribed(subscriber)

    @contextmanager
    def _subscribed(self, subscriber: Subscriber) -> Iterator[Subscriber]:
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            subscriber.close()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pass commits on until closed."""
        task_status.started()
        async for commit in self._receive:
            self._waiting_bytes -= commit.batch.entries.nbytes
            missed, self._missed = self._missed, None
            for subscriber in tuple(self._subscribers):
                if missed is not None:
                    subscriber.report_loss(missed)
                await subscriber.offer(commit)
                await trio.lowlevel.checkpoint()
