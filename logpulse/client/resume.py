"""What a live tail remembers, so that a lost connection costs no entry and shows none twice."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import msgspec

from logpulse.client.wire import EntryKey
from logpulse.limits import SECOND_NS, TAIL_OVERLAP_SECONDS, TAIL_REMEMBERED, TAIL_SKEW_SECONDS
from logpulse.units import parse_rfc3339

_OVERLAP_NS = TAIL_OVERLAP_SECONDS * SECOND_NS
_SKEW_NS = TAIL_SKEW_SECONDS * SECOND_NS
_KEY = msgspec.json.Decoder(EntryKey)


class TailMemory:
    """Recognise entries already shown, and say from which time on history must be asked for again.

    Senders lag, so what is stored while the connection is down may be older than the newest entry shown: history is
    asked for from TAIL_OVERLAP_SECONDS before that, and what comes again is dropped by its id. At most `most` ids are
    kept, those of the newest entries; history is never asked for from before them, so that nothing is shown twice.

    The newest entry shown is not trusted alone. One from a clock that is ahead would hide all that follow, so it counts
    only up to the time until which everything is known to have arrived. That time stands still while a connection may
    still be sending history, oldest first: until the first entry that is younger than the connection.

    All times are unix nanoseconds by the server's clock. `begin` is where the tail begins if the operator said so;
    else it begins with the first entry shown, or shortly before the first connection if that is earlier.
    """

    def __init__(self, begin: int | None = None, most: int = TAIL_REMEMBERED) -> None:
        self._begin = begin
        self._most = most
        self._first_connected: int | None = None
        self._last_connected: int | None = None
        self._live = False
        self._complete_until: int | None = begin
        self._first_shown: int | None = None
        self._newest: int | None = None
        self._shown: set[str] = set()
        self._by_time: list[tuple[int, str]] = []
        self._forgotten: int | None = None

    def connected(self, now: int) -> None:
        """Note that the server has begun to stream: history first, if any was asked for."""
        if self._first_connected is None:
            self._first_connected = now
        if self._complete_until is None:
            self._complete_until = now
        self._last_connected = now
        self._live = False

    def heard(self, now: int) -> None:
        """Note a frame, of whatever kind, after its entries."""
        if self._live:
            self._complete_until = now

    def unseen(self, entries: Sequence[msgspec.Raw]) -> list[msgspec.Raw]:
        """Give those of `entries` that were not given before, in their order, and remember them.

        Raises:
            msgspec.DecodeError: an entry lacks its id or its time.
            InvalidRequestError: a time is no RFC 3339 time.
        """
        fresh = []
        for entry in entries:
            key = _KEY.decode(entry)
            if key.id not in self._shown:
                self._remember(parse_rfc3339(key.timestamp), key.id)
                fresh.append(entry)
        self._forget()
        return fresh

    @property
    def remembered(self) -> int:
        """How many entries would be recognised."""
        return len(self._shown)

    def resume_from(self) -> int | None:
        """Give the time from which history must be asked for; None while the server has never begun to stream."""
        reach = self._reach()
        if reach is None or self._first_connected is None:
            return None
        remembered = reach if self._forgotten is None else self._forgotten + 1
        return max(reach, remembered, self._beginning(self._first_connected))

    def _reach(self) -> int | None:
        if self._complete_until is None:
            return None
        newest = self._complete_until if self._newest is None else min(self._newest, self._complete_until)
        return newest - _OVERLAP_NS

    def _beginning(self, first_connected: int) -> int:
        if self._begin is not None:
            return self._begin
        live = first_connected - _SKEW_NS
        return live if self._first_shown is None else min(live, self._first_shown)

    def _remember(self, time: int, identity: str) -> None:
        if self._first_shown is None:
            self._first_shown = time
        if self._last_connected is not None and time >= self._last_connected:
            self._live = True
        self._newest = time if self._newest is None else max(time, self._newest)
        self._shown.add(identity)
        heapq.heappush(self._by_time, (time, identity))

    def _forget(self) -> None:
        """Let go of what can no longer come again, and of the oldest beyond the bound."""
        reach = self._reach()
        while self._by_time and (
            len(self._by_time) > self._most or (reach is not None and self._by_time[0][0] < reach)
        ):
            time, identity = heapq.heappop(self._by_time)
            self._shown.discard(identity)
            self._forgotten = time if self._forgotten is None else max(time, self._forgotten)
