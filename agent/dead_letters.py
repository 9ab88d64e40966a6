"""The file of entries that the server refused for good, as JSON lines: nothing is dropped without a trace."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.entry import Entry
from logpulse.limits import AGENT_DEAD_LETTER_BYTES
from logpulse.units import format_time


class DeadLetters:
    """Append refused entries to a private file; `count` tells how many since the start.

    At AGENT_DEAD_LETTER_BYTES the file is renamed to `.1`, in the place of the one that was renamed before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0

    @property
    def path(self) -> Path:
        """Where they are."""
        return self._path

    def append(self, refused: Iterable[tuple[Entry, str]]) -> None:
        """Write down entries with the server's reasons, safe from the death of the machine.

        Raises:
            OSError: the disk is full or fails; some of the entries may be in the file.
        """
        now = format_time(time.time_ns())
        lines = [
            msgspec.json.encode(
                {
                    "refused": now,
                    "reason": reason,
                    "labels": dict(entry.labels),
                    "ts": str(entry.time),
                    "line": entry.line,
                    "metadata": entry.metadata,
                }
            )
            for entry, reason in refused
        ]
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size >= AGENT_DEAD_LETTER_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        self.count += len(lines)
