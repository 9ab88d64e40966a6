"""Entries that keep a distance in time from one another, as Loki's parameter `interval` asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from logpulse.query.engine import LogsRequest
from logpulse.query.result import Direction, Entry, LogsPage, ScanStats

_PAGE: Final = 1_000  # entries read at a time, so that sparse ones come in few reads; what dense ones skip is not read


def spaced_logs(logs: Callable[[LogsRequest], LogsPage], request: LogsRequest, interval: int) -> LogsPage:
    """Give the first entry that `request` asks for, and then each next one at least `interval` nanoseconds away.

    `logs` answers a plain request; `interval` is positive. The page has no next one.
    """
    found: list[Entry] = []
    stats = ScanStats()
    pending = attrs.evolve(request, limit=max(request.limit, _PAGE))
    while True:
        page = logs(pending)
        stats += page.stats
        for entry in page.entries:
            if not found or abs(entry.timestamp - found[-1].timestamp) >= interval:
                found.append(entry)
                if len(found) == request.limit:
                    return LogsPage(tuple(found), None, stats)
        if page.next is None or not found:
            return LogsPage(tuple(found), None, stats)
        if request.direction is Direction.FORWARD:
            pending = attrs.evolve(pending, start=found[-1].timestamp + interval)
        else:
            pending = attrs.evolve(pending, end=found[-1].timestamp - interval + 1)
