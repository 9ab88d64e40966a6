"""The committer: one task that makes pushes durable in groups, and the queue in front of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import trio

from logpulse.batch import Batch
from logpulse.errors import LimitExceededError, LogPulseError, StoppingError, UnavailableError
from logpulse.limits import APPEND_BYTES, APPEND_REQUESTS, APPEND_WAIT_SECONDS
from logpulse.services.flusher import Flusher
from logpulse.services.metrics import Metrics
from logpulse.services.room import Room
from logpulse.storage.index import StreamCollisionError
from logpulse.storage.store import Commit, Store


@attrs.define(eq=False)
class Ticket:
    """Follow one push through the queue. `failure` stays None when its entries are stored."""

    batch: Batch
    size: int
    done: trio.Event = attrs.field(factory=trio.Event)
    failure: LogPulseError | None = None

    async def stored(self) -> None:
        """Return when the entries are durable. Cancelled, they are stored all the same.

        Raises:
            UnavailableError, LimitExceededError, StreamCollisionError: from the store; nothing is stored.
        """
        await self.done.wait()
        if self.failure is not None:
            raise self.failure


class AppendQueue:
    """Hold pushes on their way to the committer, bounded in requests and in bytes."""

    def __init__(self, *, wait_seconds: float = APPEND_WAIT_SECONDS, most_bytes: int = APPEND_BYTES) -> None:
        self._send, self.receive = trio.open_memory_channel[Ticket](APPEND_REQUESTS)
        self._wait_seconds = wait_seconds
        self._room = Room("pushes wait for the disk", most_bytes, wait_seconds)

    async def enqueue(self, batch: Batch) -> Ticket:
        """Hand a batch to the committer. Cancelled, nothing is stored.

        Raises:
            UnavailableError: no room for long; nothing is stored.
            StoppingError: the server is stopping; nothing is stored.
        """
        ticket = Ticket(batch, batch.nbytes + batch.label_bytes)
        await self._room.take(ticket.size)
        try:
            with trio.move_on_after(self._wait_seconds):
                await self._send.send(ticket)
                return ticket
        except trio.ClosedResourceError as error:
            self.give_room(ticket.size)
            raise StoppingError from error
        except BaseException:
            self.give_room(ticket.size)
            raise
        self.give_room(ticket.size)
        raise UnavailableError(f"pushes wait for the disk: {self.depth()} of them for {self._wait_seconds:g}s", 1)

    def give_room(self, size: int) -> None:
        """Let waiting pushes in, once `size` bytes are out of the queue."""
        self._room.give(size)

    def depth(self) -> int:
        """Count the pushes that wait."""
        return self.receive.statistics().current_buffer_used

    def close(self) -> None:
        """Take no more pushes; the committer ends when it has done those that wait."""
        self._send.close()


class Committer:
    """Take whatever waits, make it durable as one record, answer, and pass it on.

    Args:
        publish: told of each commit, in order; must not block.
        flusher: woken when the head has grown to `flush_bytes`, and waited for when memory is full.
    """

    def __init__(
        self,
        queue: AppendQueue,
        store: Store,
        metrics: Metrics,
        publish: Callable[[Commit], None],
        flusher: Flusher,
        flush_bytes: int,
    ) -> None:
        self._queue = queue
        self._store = store
        self._metrics = metrics
        self._publish = publish
        self._flusher = flusher
        self._flush_bytes = flush_bytes
        self._writer = trio.CapacityLimiter(1)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve the queue until it is closed and empty. Cancellation waits for the commit under way."""
        task_status.started()
        async for first in self._queue.receive:
            group = [first]
            size = first.size
            while size < APPEND_BYTES:
                try:
                    group.append(self._queue.receive.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
                size += group[-1].size
            try:
                await self._wait_while_full()
                await self._commit(group)
            finally:
                self._queue.give_room(size)

    async def _wait_while_full(self) -> None:
        with trio.move_on_after(APPEND_WAIT_SECONDS):
            while self._store.is_full and not self._flusher.failure:
                await self._flusher.flushed()

    async def _commit(self, group: list[Ticket]) -> None:
        began = time.perf_counter()
        try:
            commit = await trio.to_thread.run_sync(
                self._store.append, [ticket.batch for ticket in group], limiter=self._writer
            )
        except (StreamCollisionError, LimitExceededError) as error:
            if len(group) > 1:  # one push's fault is not its neighbours'
                for ticket in group:
                    await self._commit([ticket])
                return
            _answer(group, error)
        except LogPulseError as error:
            _answer(group, error)
        else:
            _answer(group, None)
            self._metrics.commit_seconds.observe(time.perf_counter() - began)
            rows = sum(ticket.batch.rows for ticket in group)
            self._metrics.duplicate_lines.inc(rows - (commit.batch.rows if commit else 0))
            if commit is not None:
                self._metrics.note_ingested(commit.batch.rows, commit.batch.text_bytes)
                self._publish(commit)
            if self._store.view.head.nbytes >= self._flush_bytes:
                self._flusher.wake()


def _answer(group: list[Ticket], failure: LogPulseError | None) -> None:
    for ticket in group:
        ticket.failure = failure
        ticket.done.set()
