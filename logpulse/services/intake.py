"""The way of a push from its body to the disk, bounded at every step: pushes, bytes of bodies, decoders, the queue."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import attrs
import trio

from logpulse.errors import OverloadedError, StoppingError
from logpulse.limits import APPEND_WAIT_SECONDS, DECODE_IN_THREAD_BYTES, INTAKE_BYTES
from logpulse.services.committer import AppendQueue, Ticket
from logpulse.services.lifecycle import Lifecycle
from logpulse.services.room import Room
from logpulse.wire.compression import EncodedBody
from logpulse.wire.push import Push

Decode = Callable[[bytes], Push]
Admit = Callable[[int], Awaitable[None]]


@attrs.frozen
class IncomingBody:
    """Hold how to `read` a request's body, and its Content-Encoding, empty for none.

    `read` awaits its argument with the size of each piece that has arrived, before it keeps the piece.
    """

    encoding: str
    read: Callable[[Admit], Awaitable[bytes]]


class Intake:
    """Take pushes in. What waits for its turn waits as it was sent: unread, or compressed.

    Room is taken for what has arrived and not for what was announced, so a sender that stalls holds no other up.

    Args:
        most_pushes: in work at once, `ingest.buffer_size`.
    """

    def __init__(self, append: AppendQueue, lifecycle: Lifecycle, most_pushes: int) -> None:
        self._append = append
        self._lifecycle = lifecycle
        self._most_pushes = most_pushes
        self._pushes = 0
        self._bodies = Room("pushes wait for each other", INTAKE_BYTES, APPEND_WAIT_SECONDS)
        self._decoders = trio.CapacityLimiter(max(2, os.cpu_count() or 1))

    async def take(self, body: IncomingBody, decode: Decode) -> Push:
        """Read and decode a body, and return when its good entries are durable.

        Cancelled before they are in the queue, nothing is stored; later, they are stored all the same.

        Raises:
            StoppingError: the server is stopping; nothing is stored.
            UnavailableError: there is no room, or the disk refuses; nothing is stored.
            OverloadedError: too many pushes are in work; nothing is stored.
            BodyFormatError, BodyTooLargeError, UnsupportedMediaError, LimitExceededError: from reading and decoding.
            StreamCollisionError: from the store.
        """
        if self._lifecycle.is_stopping:
            raise StoppingError
        if self._pushes >= self._most_pushes:
            raise OverloadedError("pushes in work", self._most_pushes, self._most_pushes + 1, "ingest.buffer_size")
        self._pushes += 1
        try:
            with self._bodies.sharing() as share:
                content = await body.read(share.grow)
                push, ticket = await self._enqueue(EncodedBody(content, body.encoding), decode)
            if ticket is not None:
                await ticket.stored()
            return push
        finally:
            self._pushes -= 1

    async def _enqueue(self, body: EncodedBody, decode: Decode) -> tuple[Push, Ticket | None]:
        # A decoder keeps its place until its batch is in the queue, so that decoded batches do not pile up before it.
        async with self._decoders:
            push = await _decoded(body, decode)
            return push, await self._append.enqueue(push.batch) if push.batch.rows else None


async def _decoded(body: EncodedBody, decode: Decode) -> Push:
    if body.is_plain and len(body.content) <= DECODE_IN_THREAD_BYTES:
        return decode(body.content)
    return await trio.to_thread.run_sync(lambda: decode(body.decompressed()))
