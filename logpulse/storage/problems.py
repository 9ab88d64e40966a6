"""What is wrong with the data folder: listed in /health until an operator has seen to it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

import attrs

from logpulse.storage.filenames import DataFolder
from logpulse.storage.files import make_folder, sync_folder

_LOG: Final = logging.getLogger("logpulse.storage")
_SHOWN: Final = 100


@attrs.frozen
class Problem:
    """Name one problem by a stable `code` and describe it for people."""

    code: str
    detail: str


class Problems:
    """Collect problems and set damaged files aside. Safe to use from several threads."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._listed: list[Problem] = []
        self.count = 0

    def add(self, code: str, detail: str) -> None:
        """List a problem and log it."""
        _LOG.warning("%s: %s", code, detail)
        with self._lock:
            self.count += 1
            if len(self._listed) < _SHOWN:
                self._listed.append(Problem(code, detail))

    def listed(self) -> list[Problem]:
        """Give the first problems found since the start."""
        with self._lock:
            return list(self._listed)

    def quarantine(self, path: Path, code: str, reason: str) -> None:
        """Move a damaged file out of the way, keeping it as evidence."""
        make_folder(self._folder.quarantine)
        target = self._free_name(path.name)
        try:
            path.rename(target)
            sync_folder(path.parent)
        except OSError as error:
            reason = f"{reason} (and it could not be moved: {error})"
        self.add(code, f"{path.name} was moved to {target}: {reason}")

    def keep_copy(self, name: str, data: bytes, code: str, reason: str) -> None:
        """Write damaged bytes down before they are cut off."""
        make_folder(self._folder.quarantine)
        target = self._free_name(name)
        try:
            target.write_bytes(data)
        except OSError as error:
            reason = f"{reason} (and no copy could be kept: {error})"
        self.add(code, f"{reason}; the bytes are in {target}")

    def _free_name(self, name: str) -> Path:
        target = self._folder.quarantine / name
        number = 0
        while target.exists():
            number += 1
            target = self._folder.quarantine / f"{name}.{number}"
        return target
