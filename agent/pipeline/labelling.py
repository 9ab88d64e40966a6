"""Give lines the labels of their streams."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from agent.entry import Entry, LabelPairs
from agent.pipeline.lines import RawLine
from logpulse.limits import LABEL_VALUE_BYTES

LevelDetector = Callable[[str], str]
UNKNOWN: Final = "unknown"
_ESCAPED: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")


def no_level(_line: str) -> str:
    """Find no level in any line."""
    return UNKNOWN


class StreamLabels:
    """Label the lines of one file: its target's labels, its name, and `level` where one is found.

    A level among the target's labels is left alone.
    """

    def __init__(self, labels: Mapping[str, str], filename: str, detect: LevelDetector) -> None:
        self._base = {**labels, "filename": filename_label(filename)}
        self._detect = no_level if "level" in labels else detect
        self._streams: dict[str, LabelPairs] = {}

    def entries(self, lines: Iterable[RawLine], base: int, open_level: str) -> tuple[list[Entry], str]:
        """Make entries with the times from `base` on; gives the level of the last line too.

        `open_level` is the level of the line that the first one may continue: the parts of a line share a stream.
        """
        level = open_level
        entries: list[Entry] = []
        for place, line in enumerate(lines):
            if line.number == 1:
                level = self._detect(line.text)
            entries.append(Entry(self._stream(level), base + place, line.text, line.part))
        return entries, level

    def _stream(self, level: str) -> LabelPairs:
        stream = self._streams.get(level)
        if stream is None:
            found = {"level": level} if level not in (UNKNOWN, "") else {}
            stream = self._streams[level] = tuple(sorted({**self._base, **found}.items()))
        return stream


def filename_label(path: str) -> str:
    """Write a path as the value of a label: control characters escaped, and the beginning of a long one left out."""
    text = "".join(_escaped(character) for character in path)
    encoded = text.encode()
    if len(encoded) <= LABEL_VALUE_BYTES:
        return text
    return "…" + encoded[-LABEL_VALUE_BYTES + len("…".encode()) :].decode("utf-8", "ignore")


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in _ESCAPED:
        return character.encode("unicode_escape").decode()
    return character
