"""All files that are followed: who joins, where it begins, and what happens when files are rotated."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from agent.config import FilesConfig, TargetConfig
from agent.discovery import Discovery, Findings
from agent.follower import Follower
from agent.identity import Identity, begins_like
from agent.links import open_by_rule
from agent.pipeline.labelling import LevelDetector, StreamLabels
from agent.positions import START, Point, Positions, Record
from agent.siblings import copy_of, is_rotated_name, may_be_at, opened_if_holds, renamed_to, rotated_since
from agent.tailed_file import Change, TailedFile, last_line_start
from logpulse.limits import AGENT_COPY_SLACK_SECONDS

_log: Final = logging.getLogger(__name__)


class Roster:
    """Keep a follower for each file; whoever owns this runs the newcomers. Synchronous: a look takes microseconds.

    A follower's path is where its file is now; its record's path is the last one that a target named.
    """

    def __init__(
        self,
        targets: Sequence[TargetConfig],
        config: FilesConfig,
        discovery: Discovery,
        positions: Positions,
        detect: LevelDetector,
    ) -> None:
        self._targets = targets
        self._config = config
        self._discovery = discovery
        self._positions = positions
        self._detect = detect
        self._followers: dict[Identity, Follower] = {}
        self._newcomers: list[Follower] = []
        self._unreadable: dict[str, str] = {}
        self._departed: list[tuple[Record, float]] = []  # with the time at which the file was last known to be there

    @property
    def unreadable(self) -> dict[str, str]:
        """The files that cannot be read now, with the reasons."""
        failed = {each.tail.path: "cannot be read" for each in self._followers.values() if each.has_failed}
        return {**self._unreadable, **failed}

    @property
    def records(self) -> Iterable[Record]:
        """The records of the files that are followed."""
        return [follower.tail.record for follower in self._followers.values()]

    def newcomers(self) -> list[Follower]:
        """Give the followers that joined since this was called last; their tasks have to be started."""
        newcomers, self._newcomers = self._newcomers, []
        return newcomers

    # -- start ---------------------------------------------------------------------------------------------------------

    def restore(self, findings: Findings) -> None:
        """Go on with the files of the positions, wherever they are now: renamed, copied or replaced meanwhile.

        Those that are not there, or closed to us, may come back: their records stay.
        """
        places = {file.identity: file.path for file in findings.files}
        orphans = [
            record
            for record in self._positions.records
            if not self._resume_at(record, places.get(record.identity))
            # Files may have been renamed since the search.
            and not self._resume_at(record, renamed_to(record.path, record.identity))
        ]
        for record in orphans:
            if self._discovery.target_of(record.path) is not None:
                self._restore_orphan(record)
        self._join_between()

    def _restore_orphan(self, record: Record) -> None:
        proof = record.proof
        found = copy_of(
            record.path, proof, size=proof.offset, since=record.seen, is_known=partial(self._is_known, record)
        )
        if found is None and proof.is_telling:
            descriptor = opened_if_holds(record.path, proof, self._config.follow_symlinks)
            found = (record.path, descriptor) if descriptor is not None else None
        if found is not None:
            self._resume(record, *found)
        else:
            self._departed.append((record, record.seen))

    def _resume_at(self, record: Record, path: str | None) -> bool:
        if path is None or not may_be_at(record, path):
            return False
        descriptor = opened_if_holds(path, record.proof, self._config.follow_symlinks)
        if descriptor is None:
            return False
        if Identity.of(os.fstat(descriptor)) != record.identity:
            os.close(descriptor)
            return False
        return self._resume(record, path, descriptor)

    def _resume(self, record: Record, path: str, descriptor: int) -> bool:
        """Follow a file from where its record was left, unless it has a follower; a file that has left, to its end."""
        identity = Identity.of(os.fstat(descriptor))
        number = self._discovery.target_of(path)
        left = number is None
        number = self._discovery.target_of(record.path) if number is None else number
        if identity in self._followers:
            os.close(descriptor)
            return False
        record.identity = identity
        has_more = record.pending or os.fstat(descriptor).st_size > record.reached.offset
        since = max(os.fstat(descriptor).st_mtime, record.seen - AGENT_COPY_SLACK_SECONDS)
        if number is None or (left and not has_more):
            os.close(descriptor)
        else:
            if not left:
                record.path = path
            follower = self._follow(descriptor, path, number, record)
            if left:
                follower.leave()
        if left:
            self._departed.append((record, since))
        return True

    # -- joining -------------------------------------------------------------------------------------------------------

    def join(self, findings: Findings, *, begin: Callable[[int, int], Point]) -> None:
        """Follow the files that were found and are not followed yet; `begin` says where a file never seen begins."""
        self.look()
        unreadable = dict(findings.unreadable)
        for file in findings.files:
            followed = self._followers.get(file.identity)
            if followed is not None and not followed.has_left:
                continue  # as it is for most of them at each search
            try:
                self._admit(file.path, file.number, begin)
            except FileNotFoundError:
                continue
            except OSError as error:
                unreadable[file.path] = error.strerror or str(error)
        for path, reason in unreadable.items():
            if path not in self._unreadable:
                _log.warning("%s cannot be read: %s; trying again at each search", path, reason)
        self._unreadable = unreadable

    def _admit(self, path: str, number: int, begin: Callable[[int, int], Point]) -> None:
        descriptor = open_by_rule(path, self._config.follow_symlinks)
        try:
            record = self._record_for(path, descriptor, begin)
        except BaseException:
            os.close(descriptor)
            raise
        if record is None:
            os.close(descriptor)
        else:
            self._follow(descriptor, path, number, record)

    def _record_for(self, path: str, descriptor: int, begin: Callable[[int, int], Point]) -> Record | None:
        """Give the record with which a file begins; None: it is not to be followed."""
        identity = Identity.of(os.fstat(descriptor))
        follower = self._followers.get(identity)
        if follower is not None:
            if follower.has_left:
                follower.come_back(path)
            return None
        for record in self._positions.of(identity):
            if not record.is_over and may_be_at(record, path) and record.proof.holds(descriptor):
                record.path = path
                return record
            self._forget(record)
        replaced = self._at(path)
        if replaced is not None and self._is_replaced(replaced, descriptor):
            replaced.hand_over()
            replaced.tail.record.identity = identity
            return replaced.tail.record
        if self._is_copy(path, identity, descriptor):
            return None
        record = Record(identity, path, path, begin(descriptor, self._config.max_line_bytes))
        self._positions.add(record)
        return record

    def _forget(self, record: Record) -> None:
        """End a record whose file is gone: it was truncated, or its inode has gone to another file."""
        if record.pending:
            _log.warning("%s was lost before the server had answered for all of its lines", record.path)
        record.end()

    def _at(self, path: str) -> Follower | None:
        """Give the follower of the file that was at a path last."""
        return next((each for each in reversed(self._followers.values()) if each.tail.record.path == path), None)

    def _is_replaced(self, follower: Follower, descriptor: int) -> bool:
        """Tell whether an open file was put in the place of another one and has the same beginning."""
        mark = follower.tail.record.reached.mark
        try:
            is_deleted = follower.tail.is_deleted()
        except OSError:
            return False  # the trouble of the old file shall not keep us from the new one
        return is_deleted and mark.is_telling and mark.holds(descriptor)

    def _is_copy(self, path: str, identity: Identity, descriptor: int) -> bool:
        """Tell whether an open file is a copy of one that is followed and whole.

        It is not followed as long as this is so. Once the original is truncated, the copy is read in its place, from
        where the original was left; should the two part, it is a file of its own.
        """
        folder, name = os.path.split(path)
        for follower in list(self._followers.values()):
            original_folder, original = os.path.split(follower.tail.record.path)
            if original_folder == folder and is_rotated_name(name, original) and follower.tail.record.reached.offset:
                try:
                    self._look(follower)
                    if identity in self._followers or begins_like(descriptor, follower.tail.descriptor):
                        return True
                except OSError:
                    continue  # an original that cannot be read now has no say
        return False

    def _follow(self, descriptor: int, path: str, number: int, record: Record) -> Follower:
        labels = StreamLabels(self._targets[number].labels, record.filename, self._detect)
        tail = TailedFile(descriptor, path, record, labels, self._positions.timeline, int(self._config.max_line_bytes))
        # What has the same name in its labels is shown in one stream, so the older files are read first.
        older = [each for each in self._followers.values() if each.tail.record.filename == record.filename]
        follower = Follower(tail, self._config, older)
        self._followers[tail.identity] = follower
        self._newcomers.append(follower)
        return follower

    # -- watching ------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at every file, and tell the followers."""
        for follower in list(self._followers.values()):
            try:
                if follower.has_failed:
                    follower.tail.reopen()
                    follower.wake()
                self._look(follower)
            except OSError as error:
                if error.errno == errno.ESTALE and follower.tail.has_left():
                    self._join_in_place_of(follower)
                    _log.error("%s was deleted on its server; what was not read of it is lost", follower.tail.path)
                    follower.give_up()
                    continue
                if not follower.has_failed:
                    _log.error("%s cannot be watched now: %s; trying again", follower.tail.path, error.strerror)
                follower.has_failed = True

    def _look(self, follower: Follower) -> None:
        tail = follower.tail
        change = tail.look()
        if change is Change.TRUNCATED:
            self._begin_again(follower)
        if change is not Change.NONE:
            follower.written()
        whole_at, follower.whole_at = follower.whole_at, time.time()
        if not follower.has_left and tail.has_left():
            follower.leave()
            modified = os.fstat(tail.descriptor).st_mtime
            self._departed.append((tail.record, max(modified, whole_at - AGENT_COPY_SLACK_SECONDS)))
            self._join_between()
            self._join_in_place_of(follower)
        if follower.is_stuck and tail.is_deleted():
            _log.error(
                "%s was deleted, and %d bytes of it could not be delivered in time; they are lost",
                tail.path,
                tail.unread(),
            )
            follower.give_up()
        elif follower.has_left or change is not Change.NONE:
            follower.wake()

    def _begin_again(self, follower: Follower) -> None:
        """Go on at the start of a truncated file, after what was left to read in a copy, if one was made before."""
        tail, record = follower.tail, follower.tail.record
        _log.info("%s was truncated; reading it from its start", tail.path)
        found = copy_of(
            tail.path,
            record.reached.mark,
            # Where something was read it is the proof. A copy may well be smaller than the file was in the end: what is
            # written after the copy has passed the end is in neither.
            size=record.reached.offset or tail.size_before,
            since=follower.whole_at,
            is_known=partial(self._is_known, record),
        )
        new = Record(tail.identity, record.path, record.filename)
        self._positions.add(new)
        tail.begin_again(new)
        joined = len(self._newcomers)
        if found is None or not self._resume(record, *found):
            record.end()
        self._join_between()
        for older in self._newcomers[joined:]:
            follower.let_pass(older)

    def _join_between(self) -> None:
        """Follow what came after the files that have departed, and was itself rotated away before it was seen.

        Called when all that is known is in its place, so that a known file under a new name is not taken for such a
        one. What a target names is found by the search.
        """
        departed, self._departed = self._departed, []
        for record, since in departed:
            number = self._discovery.target_of(record.path)
            if number is None:
                continue
            for path in rotated_since(record.path, since):
                if self._discovery.target_of(path) is None:
                    self._admit_between(record, path, number)

    def _admit_between(self, record: Record, path: str, number: int) -> None:
        try:
            descriptor = open_by_rule(path, "never")
        except OSError:
            return
        identity = Identity.of(os.fstat(descriptor))
        if self._is_met(record, identity, descriptor):
            os.close(descriptor)
            return
        between = Record(identity, record.path, record.path)
        self._positions.add(between)
        self._follow(descriptor, path, number, between).leave()

    def _is_met(self, record: Record, identity: Identity, descriptor: int) -> bool:
        """Tell whether an open file is or was followed, or is a copy of the one of `record` or of its successor."""
        is_telling = record.proof.offset > 0 or identity == record.identity
        alike = [each.tail.descriptor for each in self._followers.values() if each.tail.record.path == record.path]
        try:
            now = open_by_rule(record.path, self._config.follow_symlinks)
        except OSError:
            now = None
        try:
            if self._is_known(record, descriptor) or (is_telling and record.proof.holds(descriptor)):
                return True
            return any(begins_like(descriptor, each) for each in (*alike, *([now] if now is not None else [])))
        except OSError:
            return True  # told apart by nothing: rather not
        finally:
            if now is not None:
                os.close(now)

    def _join_in_place_of(self, follower: Follower) -> None:
        path = follower.tail.path
        number = self._discovery.target_of(path)
        if number is None:
            return
        try:
            self._admit(path, number, begin_at_start)
        except OSError:
            return  # there is no file yet, or none that can be read: the next search tells

    def _is_known(self, apart: Record, descriptor: int) -> bool:
        """Tell whether an open file is no copy to be found, as it is followed or was; `apart` is of the original."""
        identity = Identity.of(os.fstat(descriptor))
        return identity in self._followers or any(
            record is not apart and not record.is_over and record.proof.holds(descriptor)
            for record in self._positions.of(identity)
        )

    # -- leaving -------------------------------------------------------------------------------------------------------

    def ended(self, follower: Follower) -> None:
        """Let a follower go whose task has ended."""
        tail = follower.tail
        if self._followers.get(tail.identity) is follower:
            del self._followers[tail.identity]
        follower.drained.set()
        if follower.is_finished and not follower.is_handed_over and tail.is_deleted():
            tail.record.end()
        tail.close()


def begin_at_start(_descriptor: int, _longest: int) -> Point:
    """Begin a new file at its start."""
    return START


def begin_at_end(descriptor: int, longest: int) -> Point:
    """Begin a new file at the last line's start, which is where the next line begins unless one is being written.

    Raises:
        OSError: the file cannot be read.
    """
    return last_line_start(descriptor, longest)
