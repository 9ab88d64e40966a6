"""Who reads which view, and the segment files that go once nobody can read them any more."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Final

from logpulse.storage.segment import Segment

_LOG: Final = logging.getLogger("logpulse.storage")


class Readers:
    """Count the readers of each generation of views and delete doomed files behind the last of them.

    `enter`, `leave` and `doom` are called with `changed` held, under which views are published too.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._counts: Counter[int] = Counter()
        self._doomed: list[tuple[int, Segment]] = []

    def __len__(self) -> int:
        return self._counts.total()

    def enter(self, generation: int) -> None:
        """Count one reader of this generation in."""
        self._counts[generation] += 1

    def leave(self, generation: int) -> None:
        """Count one reader of this generation out."""
        self._counts[generation] -= 1
        if not self._counts[generation]:
            del self._counts[generation]
        self.changed.notify_all()

    def wait_for_none(self, seconds: float) -> None:
        """Wait until nobody reads, but no longer than `seconds`."""
        with self.changed:
            self.changed.wait_for(lambda: not self._counts, timeout=seconds)

    def doom(self, segments: Sequence[Segment], generation: int) -> None:
        """Have the files of `segments` deleted, which are in no view from `generation` on."""
        self._doomed += [(generation, segment) for segment in segments]

    def delete_unread(self, generation: int) -> None:
        """Delete the doomed files that no reader can hold; `generation` is that of the current view.

        A file that cannot be deleted is tried again the next time.
        """
        with self.changed:
            oldest = min(self._counts, default=generation)
            ready = [doomed for doomed in self._doomed if doomed[0] <= oldest]
            self._doomed = [doomed for doomed in self._doomed if doomed[0] > oldest]
        for doomed in ready:
            try:
                doomed[1].path.unlink(missing_ok=True)
            except OSError as error:
                _LOG.warning("segment %s cannot be deleted yet: %s", doomed[1].name, error)
                with self.changed:
                    self._doomed.append(doomed)
