"""Gather chunks of all files into batches."""

from __future__ import annotations

import attrs
import trio

from agent.config import BatchConfig
from agent.entry import Chunk, Entry
from agent.positions import Record, Span


@attrs.define
class Batch:
    """Hold chunks that are sent together, those of one file in its order."""

    chunks: list[Chunk] = attrs.field(factory=list)
    size: int = 0

    def add(self, chunk: Chunk) -> None:
        """Take a chunk."""
        self.chunks.append(chunk)
        self.size += chunk.size

    @property
    def entries(self) -> list[Entry]:
        """All entries, in order."""
        return [entry for chunk in self.chunks for entry in chunk.entries]

    @property
    def spans(self) -> list[tuple[Record, Span]]:
        """What was read for this batch, in order."""
        return [(chunk.record, chunk.span) for chunk in self.chunks]


async def gather(
    chunks: trio.MemoryReceiveChannel[Chunk], batches: trio.MemorySendChannel[Batch], config: BatchConfig
) -> None:
    """Gather until `chunks` ends, then close `batches`. A batch is full, or its first chunk has waited long enough.

    While the batches are not taken, no more chunks are: readers wait then, and the files are the buffer.
    """
    with batches:
        batch = Batch()
        waited_enough = float("inf")
        is_open = True
        while is_open:
            with trio.move_on_at(waited_enough):
                try:
                    chunk = await chunks.receive()
                except trio.EndOfChannel:
                    is_open = False
                else:
                    if not batch.chunks:
                        waited_enough = trio.current_time() + config.max_wait.seconds
                    batch.add(chunk)
                    if batch.size < config.max_bytes:
                        continue
            if batch.chunks:
                await batches.send(batch)
                batch, waited_enough = Batch(), float("inf")
