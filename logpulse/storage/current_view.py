"""The current view: the one place where a view becomes the next, and where readers take theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from logpulse.batch import Int64Array
from logpulse.storage.head import Head, HeadBatch
from logpulse.storage.readers import Readers
from logpulse.storage.segment import Segment
from logpulse.storage.view import View


class CurrentView:
    """Publish views. Safe to use from several threads; who changes the head or the sequence must be alone in that."""

    def __init__(self, readers: Readers) -> None:
        self.view = View()
        self._readers = readers

    @contextmanager
    def reading(self) -> Iterator[View]:
        """Take the view; its segments stay on disk until the block ends."""
        with self._readers.changed:
            view = self.view
            self._readers.enter(view.generation)
        try:
            yield view
        finally:
            with self._readers.changed:
                self._readers.leave(view.generation)
            self.delete_unread()

    def begin(self, sequence: int, segments: Sequence[Segment]) -> None:
        """Show what was on disk when the store was opened."""
        self.view = attrs.evolve(self.view, sequence=sequence, segments=tuple(segments))

    def note_sequence(self, sequence: int) -> None:
        """Take note of a WAL record, whether or not anything of it is new."""
        with self._readers.changed:
            self.view = attrs.evolve(self.view, sequence=max(self.view.sequence, sequence))

    def take_in(self, batch: HeadBatch) -> None:
        """Show a durable batch."""
        with self._readers.changed:
            sequence = max(self.view.sequence, batch.last_sequence)
            self.view = attrs.evolve(self.view, sequence=sequence, head=self.view.head.appended(batch))

    def seal(self) -> None:
        """Move the head's batches aside, still shown."""
        with self._readers.changed:
            sealed = (*self.view.sealed, *self.view.head.batches)
            self.view = attrs.evolve(self.view, sealed=sealed, head=Head())

    def exchange_sealed(self, segments: Sequence[Segment]) -> None:
        """Show segments in the place of the sealed batches."""
        with self._readers.changed:
            self.view = attrs.evolve(self.view, segments=_ordered([*self.view.segments, *segments]), sealed=())

    def exchange(self, segments: Sequence[Segment], successors: Sequence[Segment] = ()) -> None:
        """Show `successors` in the place of `segments`, whose files stay."""
        gone = {segment.name for segment in segments}
        with self._readers.changed:
            kept = [each for each in self.view.segments if each.name not in gone]
            self.view = attrs.evolve(
                self.view, segments=_ordered([*kept, *successors]), generation=self.view.generation + 1
            )

    def forget_streams(self) -> Int64Array:
        """Drop streams without entries from the index, and give the others."""
        with self._readers.changed:
            alive = self.view.all_streams()
            self.view = attrs.evolve(self.view, index=self.view.index.keeping(alive))
            return alive

    def doom(self, segments: Sequence[Segment]) -> None:
        """Have the files of segments that are shown no more deleted once nobody reads them."""
        with self._readers.changed:
            self._readers.doom(segments, self.view.generation)

    def delete_unread(self) -> None:
        """Delete the doomed files that nobody can read any more."""
        self._readers.delete_unread(self.view.generation)


def _ordered(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda each: each.name))
