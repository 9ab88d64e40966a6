"""Cut the bytes of a file into lines.

The same bytes give the same lines, in however many pieces they are read: what was sent once can be sent again.
"""

from __future__ import annotations

from typing import Final

import attrs

_BOM: Final = b"\xef\xbb\xbf"


@attrs.frozen
class OpenLine:
    """Tell what was sent of a line before its newline was seen: how many parts, and the level of the first.

    Lines are sent in parts when they are too long. A file that came to its end without a newline has an open line too,
    sent as if it had ended there (`has_ended`); should it go on after all, what follows is a further part.
    """

    parts: int
    level: str
    has_ended: bool


@attrs.frozen
class RawLine:
    """Hold a line, or a part of one: `number` counts parts from 1, and `is_last` tells whether this one ends it."""

    text: str
    number: int
    is_last: bool

    @property
    def part(self) -> str:
        """The mark of a part: `1/?`, `2/?`, and `3/3` for the last; empty for a whole line."""
        if self.number == 1 and self.is_last:
            return ""
        return f"{self.number}/{self.number if self.is_last else '?'}"


@attrs.frozen
class Cutting:
    """Hold the lines found, the bytes they took, and the number of parts sent of the line that is still open."""

    lines: list[RawLine]
    consumed: int
    open_parts: int


def cut_lines(data: bytes, *, longest: int, open_parts: int, at_start: bool) -> Cutting:
    """Cut what is complete: lines with their newline, and full parts of lines longer than `longest` bytes.

    One carriage return before the newline is dropped, as are a byte order mark at the start of a file and NULs at the
    start of a line, which a truncated file has where a writer goes on at its old place. Bytes that are no UTF-8 become
    U+FFFD. `longest` bounds a line also after that, so that U+FFFD with its three bytes cannot make it too long.
    """
    lines: list[RawLine] = []
    position = len(_BOM) if at_start and data.startswith(_BOM) else 0
    while (newline := data.find(b"\n", position)) >= 0:
        lines += _parts_of(_without_return(data[position:newline]), longest, open_parts)
        position, open_parts = newline + 1, 0
    if open_parts == 0:
        position = len(data) - len(data[position:].lstrip(b"\0"))
    # A newline, with or without a return, may still follow a line of exactly the longest length. One part is cut at a
    # time: how a part is cut depends on what follows it, and may have to be found out again from this part alone.
    rest = data[position:]
    if len(rest) >= longest + 2:
        size = _part_size(rest, longest)
        open_parts += 1
        lines.append(RawLine(_decode(rest[:size]), open_parts, is_last=False))
        position += size
    return Cutting(lines, position, open_parts)


def cut_rest(data: bytes, *, longest: int, open_parts: int, at_start: bool) -> Cutting:
    """Cut everything: like `cut_lines`, and what has no newline counts as the end of its line.

    The line stays open, in case the file goes on after all.
    """
    cutting = cut_lines(data, longest=longest, open_parts=open_parts, at_start=at_start)
    rest = data[cutting.consumed :]
    if not rest:
        return cutting
    parts = _parts_of(_without_return(rest), longest, cutting.open_parts)
    return Cutting([*cutting.lines, *parts], len(data), cutting.open_parts + len(parts))


def cut_again(data: bytes, *, longest: int, open_parts: int, at_start: bool, end: OpenLine | None) -> Cutting:
    """Cut bytes as they were cut before, when `end` was the open line behind them."""
    if end is not None and end.has_ended:
        return cut_rest(data, longest=longest, open_parts=open_parts, at_start=at_start)
    cutting = cut_lines(data, longest=longest, open_parts=open_parts, at_start=at_start)
    rest = data[cutting.consumed :]
    if not rest:
        return cutting
    part = RawLine(_decode(rest), cutting.open_parts + 1, is_last=False)
    return Cutting([*cutting.lines, part], len(data), part.number)


def _parts_of(content: bytes, longest: int, open_parts: int) -> list[RawLine]:
    """Give the rest of a line as one part, or as many as its length takes; nothing left of an open line is no part."""
    if open_parts == 0:
        content = content.lstrip(b"\0")
    elif not content:
        return []
    parts: list[RawLine] = []
    number = open_parts + 1
    while not _fits(content, longest):
        size = _part_size(content, longest)
        parts.append(RawLine(_decode(content[:size]), number, is_last=False))
        content, number = content[size:], number + 1
    parts.append(RawLine(_decode(content), number, is_last=True))
    return parts


def _without_return(content: bytes) -> bytes:
    return content[:-1] if content.endswith(b"\r") else content


def _fits(content: bytes, longest: int) -> bool:
    return len(content) * 3 <= longest or (len(content) <= longest and len(_decode(content).encode()) <= longest)


def _part_size(content: bytes, longest: int) -> int:
    """Give the bytes of the next part of a line that is too long; they depend on its first `longest` bytes alone."""
    size = _character_start(content, longest)
    try:
        content[:size].decode()
    except UnicodeDecodeError:
        return _character_start(content, longest // 3)
    return size


def _character_start(content: bytes, size: int) -> int:
    """Move `size` back to where a character begins, so that none is cut in two."""
    start = size
    while start > size - 4 and start < len(content) and content[start] & 0xC0 == 0x80:
        start -= 1
    return min(start, len(content))


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "replace")
