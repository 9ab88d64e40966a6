"""Find the files that the targets name."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import attrs

from agent.config import TargetConfig
from agent.glob import GlobPattern
from agent.identity import Identity
from agent.links import LinkRule


@attrs.frozen
class FoundFile:
    """Name a regular file that a target names; `number` counts the targets."""

    path: str
    identity: Identity
    number: int


@attrs.frozen
class Findings:
    """Hold what a search found: each file once, in the order of targets and paths, and reasons by path."""

    files: tuple[FoundFile, ...]
    unreadable: dict[str, str]


@attrs.frozen
class _Target:
    pattern: GlobPattern
    excluded: tuple[GlobPattern, ...]

    def excludes(self, path: str) -> bool:
        return any(pattern.matches(path) for pattern in self.excluded)


class Discovery:
    """Search for the files of the targets, without those of the agent itself. A file with several names is found once.

    A file belongs to the first target that names it; of its names there the first that is no link is taken.
    """

    def __init__(self, targets: Sequence[TargetConfig], positions_file: Path, links: LinkRule) -> None:
        self._targets = [
            _Target(GlobPattern.parse(each.path), tuple(GlobPattern.parse(text) for text in each.exclude))
            for each in targets
        ]
        self._own = positions_file
        self._links = links

    def search(self) -> Findings:
        """Look through all folders; may take long, so it belongs into a thread."""
        own = self._own_files()
        found: dict[Identity, FoundFile] = {}
        unreadable: dict[str, str] = {}
        for number, target in enumerate(self._targets):
            links: list[FoundFile] = []
            for path in sorted(set(target.pattern.paths())):
                if target.excludes(path):
                    continue
                try:
                    status = Path(path).stat()
                    is_link = Path(path).is_symlink()
                except (FileNotFoundError, NotADirectoryError):
                    continue  # gone meanwhile, or a link that leads nowhere
                except OSError as error:
                    unreadable[path] = error.strerror or str(error)
                    continue
                identity = Identity.of(status)
                if not stat.S_ISREG(status.st_mode) or identity in own or identity in found:
                    continue
                file = FoundFile(path, identity, number)
                if not is_link:
                    found[identity] = file
                elif self._links != "never":
                    links.append(file)
            for file in links:
                found.setdefault(file.identity, file)
        return Findings(tuple(sorted(found.values(), key=lambda file: (file.number, file.path))), unreadable)

    def target_of(self, path: str) -> int | None:
        """Give the number of the target that names `path`, None if none does."""
        for number, target in enumerate(self._targets):
            if target.pattern.matches(path) and not target.excludes(path):
                return number
        return None

    def _own_files(self) -> set[Identity]:
        """Give the positions file and what stands beside it under its name: reading them would never end."""
        own: set[Identity] = set()
        try:
            with os.scandir(self._own.parent) as entries:
                for entry in entries:
                    if entry.name.startswith(self._own.name):
                        own.add(Identity.of(entry.stat()))
        except OSError:
            pass
        return own
