"""Keys that were shown already: what `dedup` leaves out, of one answer or of a live tail.

Only hashes of eight bytes are kept. That two of 100,000 keys share one happens once in four billion answers.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import attrs

from logpulse.errors import LimitExceededError
from logpulse.limits import DEDUP_CONDITION_CHARACTERS, DEDUP_CONDITIONS, DEDUP_KEYS, TAIL_DEDUP_KEYS
from logpulse.logql.ast import Dedup, LabelFilter, LineFilter, LogQuery, Stage
from logpulse.logql.pipeline import keeps_line
from logpulse.logql.record import ERROR, ERROR_DETAILS, Record
from logpulse.logql.stages.predicate import SqlPredicate

_HASH_BYTES: Final = 8
KeyOf = Callable[[Record], bytes]
"""Give the key of an entry as the pipeline left it."""


class ShownKeys(Protocol):
    """Remember keys."""

    def has(self, record: Record, stream: int) -> bool:
        """Tell whether an entry with the key of this one, of the stream, was here before, and remember the key."""


class ScannedKeys(ShownKeys, Protocol):
    """Remember those of an answer, and spare its scans what repeats them."""

    def conditions(self) -> tuple[SqlPredicate, ...]:
        """Give conditions that every entry meets whose key is new; others may meet them too."""


@attrs.frozen
class NoKeys:
    """Remember nothing, so that no entry repeats another."""

    def has(self, record: Record, stream: int) -> bool:
        """Tell that none was."""
        return False

    def conditions(self) -> tuple[SqlPredicate, ...]:
        """Give none."""
        return ()


class Telling(enum.Enum):
    """What of a stored entry settles its key, so that a scan can pass over those that repeat one."""

    LINE = "line"
    STREAM = "stream"
    NOTHING = "nothing"


@attrs.frozen
class AnswerKeys:
    """Remember the keys of one answer, up to DEDUP_KEYS."""

    dedup: Dedup
    telling: Telling
    key: KeyOf = attrs.field(default=attrs.Factory(lambda self: key_of(self.dedup), takes_self=True), init=False)
    _hashes: set[bytes] = attrs.field(factory=set, init=False)
    _told: dict[str | int, None] = attrs.field(factory=dict, init=False)

    def has(self, record: Record, stream: int) -> bool:
        """Tell whether an entry with the key of this one, of the stream, was here before, and remember the key.

        Raises:
            LimitExceededError: there are more than DEDUP_KEYS.
        """
        self._tell(record, stream)
        key = self.key(record)
        if key in self._hashes:
            return True
        if len(self._hashes) >= DEDUP_KEYS:
            raise LimitExceededError(
                "keys of `dedup` in one answer", DEDUP_KEYS, DEDUP_KEYS + 1, advice="ask for fewer entries at a time"
            )
        self._hashes.add(key)
        return False

    def conditions(self) -> tuple[SqlPredicate, ...]:
        """Give conditions that every entry meets whose key is new; others may meet them too."""
        if not self._told:
            return ()
        marks = ", ".join("?" * len(self._told))
        return (SqlPredicate(f"{self.telling.value} not in ({marks})", tuple(self._told)),)

    def _tell(self, record: Record, stream: int) -> None:
        if len(self._told) >= DEDUP_CONDITIONS:
            return
        if self.telling is Telling.STREAM:
            # Metadata may stand in for a label that the stream lacks, and then its entries differ.
            if all(name in record.labels and name not in record.origins for name in self.dedup.labels):
                self._told[stream] = None
        elif self.telling is Telling.LINE and len(record.line) <= DEDUP_CONDITION_CHARACTERS:
            self._told[record.line] = None


@attrs.frozen
class RecentKeys:
    """Remember the keys that a tail has shown, the newest TAIL_DEDUP_KEYS of them: a tail has no end."""

    key: KeyOf
    _hashes: dict[bytes, None] = attrs.field(factory=dict, init=False)

    def has(self, record: Record, stream: int) -> bool:
        """Tell whether an entry with the key of this one was shown not long ago, and remember the key."""
        key = self.key(record)
        if key in self._hashes:
            return True
        if len(self._hashes) >= TAIL_DEDUP_KEYS:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[key] = None
        return False


def keys_of_answer(query: LogQuery) -> ScannedKeys:
    """Give the memory for the `dedup` of one answer, if the query has one."""
    if query.dedup is None:
        return NoKeys()
    return AnswerKeys(query.dedup, _telling(query.dedup, query.stages))


def keys_of_tail(dedup: Dedup | None) -> ShownKeys:
    """Give the memory for the `dedup` of a tail, if it has one."""
    return NoKeys() if dedup is None else RecentKeys(key_of(dedup))


def key_of(dedup: Dedup) -> KeyOf:
    """Give what computes keys: of the line, or of the values of labels as the answer shows them, empty for none."""
    names = dedup.labels
    if not names:
        return lambda record: _hashed(record.line)

    def of_labels(record: Record) -> bytes:
        shown = record.shown
        values = [shown.get(name, "") for name in names]
        # With their lengths, so that no two lists of values read alike.
        return _hashed("".join(f"{len(value)}:{value}" for value in values))

    return of_labels


def _telling(dedup: Dedup, stages: Sequence[Stage]) -> Telling:
    if not dedup.labels:
        return Telling.LINE if keeps_line(stages) else Telling.NOTHING
    by_stream = all(isinstance(stage, LineFilter | LabelFilter) for stage in stages)
    by_stream = by_stream and not {ERROR, ERROR_DETAILS}.intersection(dedup.labels)
    return Telling.STREAM if by_stream else Telling.NOTHING


def _hashed(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()
