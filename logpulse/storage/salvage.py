"""Save what is whole of a damaged segment: one wrong bit must not cost more than its chunk."""

from __future__ import annotations

from collections.abc import Callable

from logpulse.errors import DamagedFileError
from logpulse.model.labels import Labels
from logpulse.storage.filenames import DataFolder
from logpulse.storage.flush import free_name
from logpulse.storage.segment import Segment
from logpulse.storage.segment_reader import read_chunk
from logpulse.storage.segment_writer import COMPACTION_LEVEL, SegmentPlan, SegmentWriter


def salvage(folder: DataFolder, segment: Segment, labels_of: Callable[[int], Labels]) -> Segment | None:
    """Write the sound chunks of `segment` as another one that replaces it; None if there are none.

    Raises:
        OSError: the disk refuses; nothing has changed.
        StorageError: the segment cannot be read now, which says nothing about its chunks; nothing has changed.
    """
    facts, replaces = segment.facts, (segment.name, *segment.facts.replaces)
    plan = SegmentPlan(
        free_name(folder, facts.day, facts.first_sequence, facts.last_sequence, replaces),
        facts.day,
        facts.first_sequence,
        facts.last_sequence,
        facts.arrival,
        COMPACTION_LEVEL,
        replaces,
    )
    with SegmentWriter(folder, plan, labels_of) as writer:
        for number in range(facts.chunks):
            try:
                entries = read_chunk(segment, number)
            except DamagedFileError:
                continue
            writer.add_chunk(entries)
        return writer.finish() if writer.rows else None
