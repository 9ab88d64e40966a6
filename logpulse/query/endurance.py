"""Reading on without damaged segments: they are set aside and listed as a problem, the rest is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from logpulse.errors import StorageError
from logpulse.query.executor import UnreadableSourceError
from logpulse.query.planner import Source
from logpulse.storage.segment_reader import damage_of
from logpulse.storage.store import Store

T = TypeVar("T")


@attrs.frozen(eq=False)
class Endurance:
    """Run what reads sources, again without those that turn out to be damaged."""

    store: Store

    def read(self, sources: Sequence[Source], work: Callable[[Sequence[Source]], T]) -> T:
        """Give what `work` makes of the sound ones among `sources`.

        Raises:
            StorageError: a source cannot be read and no damage was found to explain it.
        """
        while True:
            try:
                return work(sources)
            except UnreadableSourceError as error:
                sound = []
                for source in sources:
                    damage = "" if source.segment is None else damage_of(source.segment)
                    if not damage:
                        sound.append(source)
                    elif source.segment is not None:
                        self.store.set_aside(source.segment, damage)
                if len(sound) == len(sources):
                    raise StorageError(self.store.folder.segments, error.reason) from error
                sources = sound
