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
        target = self._folder.quarantine / path.name
        try:
            make_folder(self._folder.quarantine)
            target = self._free_name(path.name)
            path.rename(target)
            sync_folder(path.parent)
        except OSError as error:
            self.add(code, f"{path.name} could not be moved to {target} ({error}): {reason}")
        else:
            self.add(code, f"{path.name} was moved to {target}: {reason}")

    def keep_evidence(self, path: Path) -> Path | None:
        """Give a damaged file a second name in quarantine, so that the first may go; None if that cannot be done."""
        try:
            make_folder(self._folder.quarantine)
            target = self._free_name(path.name)
            target.hardlink_to(path)
            sync_folder(self._folder.quarantine)
        except OSError:  # the disk is full, or its file system has no hard links
            return None
        return target

    def keep_copy(self, name: str, data: bytes, code: str, reason: str) -> None:
        """Write damaged bytes down before they are cut off."""
        target = self._folder.quarantine / name
        try:
            make_folder(self._folder.quarantine)
            target = self._free_name(name)
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
