"""Patterns of paths: `*`, `?`, `[0-9]`, `{a,b}`, and `**` for any number of folders."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

import attrs

_MAGIC: Final = re.compile(r"[*?\[]")
_ALTERNATIVES: Final = 1000  # of one pattern; nested braces multiply
_ANY_DEPTH: Final = "**"


@attrs.frozen
class GlobPattern:
    """Hold the alternatives of one pattern, each split at its slashes.

    Names that begin with a dot match like others. `**` does not follow links to folders, which could lead in circles;
    a link that the pattern names, also by `*`, is followed.
    """

    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> GlobPattern:
        """Read a pattern.

        Raises:
            ValueError: it is empty, its braces do not close, or they have too many alternatives.
        """
        if not text.strip("/"):
            raise ValueError("a pattern must name files")
        return cls(tuple(tuple(part for part in each.split("/") if part) for each in _expand_braces(text)))

    def matches(self, path: str) -> bool:
        """Tell whether the whole of an absolute path matches; a pattern without a slash looks at the name only."""
        parts = tuple(part for part in path.split("/") if part)
        return any(
            _matches(parts[-1:] if len(pattern) == 1 else parts, pattern) for pattern in self.alternatives if parts
        )

    def paths(self) -> Iterator[str]:
        """Give the paths that match, from the root, folders among them, maybe some twice.

        Folders that cannot be read are passed over.
        """
        for pattern in self.alternatives:
            yield from _walk("/", pattern)


def _expand_braces(text: str) -> list[str]:
    """Give the texts that `{a,b}` stands for; a brace inside brackets is a character."""
    expanded = list[str]()
    waiting = [text]
    while waiting:
        if len(waiting) + len(expanded) > _ALTERNATIVES:
            raise ValueError(f"the braces stand for more than {_ALTERNATIVES} patterns")
        current = waiting.pop()
        group = _first_group(current)
        if group is None:
            expanded.append(current)
        else:
            begin, commas, end = group
            edges = [begin, *commas, end]
            middles = [current[one + 1 : other] for one, other in pairwise(edges)]
            waiting += [current[:begin] + middle + current[end + 1 :] for middle in reversed(middles)]
    return expanded


def _first_group(text: str) -> tuple[int, list[int], int] | None:
    begin, depth, commas, position = -1, 0, list[int](), 0
    while position < len(text):
        match text[position]:
            case "[" if "]" in text[position + 2 :]:
                position = text.index("]", position + 2)
            case "{":
                begin, depth = (position if depth == 0 else begin), depth + 1
            case "," if depth == 1:
                commas.append(position)
            case "}" if depth:
                depth -= 1
                if depth == 0:
                    return begin, commas, position
        position += 1
    if depth:
        raise ValueError("a brace is opened and not closed")
    return None


@lru_cache(maxsize=1024)
def _name_pattern(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))


def _name_matches(name: str, part: str) -> bool:
    return _name_pattern(part).match(name) is not None if _MAGIC.search(part) else name == part


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    # Which beginnings of the pattern can stand for the parts seen so far: linear, whatever the number of `**`.
    reached = _with_empty_depths({0}, pattern)
    for part in parts:
        following = {place for place in reached if place < len(pattern) and pattern[place] == _ANY_DEPTH}
        following |= {
            place + 1
            for place in reached
            if place < len(pattern) and pattern[place] != _ANY_DEPTH and _name_matches(part, pattern[place])
        }
        reached = _with_empty_depths(following, pattern)
    return len(pattern) in reached


def _with_empty_depths(places: set[int], pattern: tuple[str, ...]) -> set[int]:
    found = set(places)
    for place in sorted(places):
        while place < len(pattern) and pattern[place] == _ANY_DEPTH:
            place += 1
            found.add(place)
    return found


def _walk(folder: str, pattern: tuple[str, ...]) -> Iterator[str]:
    first, rest = pattern[0], pattern[1:]
    if first == _ANY_DEPTH:
        for inner in _folders_from(folder):
            if rest:
                yield from _walk(inner, rest)
            else:
                yield from (entry.path for entry in _entries(inner) if not entry.is_dir(follow_symlinks=False))
    elif not _MAGIC.search(first):
        path = f"{folder.rstrip('/')}/{first}"
        if rest:
            yield from _walk(path, rest)
        elif os.path.lexists(path):
            yield path
    else:
        for entry in _entries(folder):
            if _name_matches(entry.name, first):
                if not rest:
                    yield entry.path
                elif _is_folder(entry):
                    yield from _walk(entry.path, rest)


def _folders_from(folder: str) -> Iterator[str]:
    """Give a folder and all below it, without recursion: a tree may be deeper than Python's stack."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += [entry.path for entry in reversed(_entries(current)) if entry.is_dir(follow_symlinks=False)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle, or through a folder closed to us
        return False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
