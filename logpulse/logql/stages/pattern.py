"""The parser `| pattern`: each named capture becomes a label, of the text between its neighbours."""

from __future__ import annotations

from logpulse.logql.ast import PatternParser
from logpulse.logql.capture_pattern import Capture, Literal, parse_parser_pattern
from logpulse.logql.record import Record, Test


def exact(stage: PatternParser) -> Test:
    """Give the stage's work on one entry.

    A text at the beginning of the pattern must begin the line. Where a later one is missing, the capture before it
    takes the rest of the line, and those behind make no labels.

    Raises:
        CapturePatternError: the pattern is malformed.
    """
    parts = parse_parser_pattern(stage.pattern)
    leading = parts[0].text if isinstance(parts[0], Literal) else ""
    captures = _with_ends(parts[1:] if leading else parts)

    def read(record: Record) -> bool:
        line = record.line
        if not line or not line.startswith(leading):
            return True
        found: dict[str, str] = {}
        position = len(leading)
        for name, end_text in captures:
            end = line.find(end_text, position) if end_text else -1
            if name:
                found[name] = line[position:] if end < 0 else line[position:end]
            if end < 0:
                break
            position = end + len(end_text)
        record.extract(found)
        return True

    return read


def _with_ends(parts: tuple[Literal | Capture, ...]) -> list[tuple[str, str]]:
    """Pair the name of each capture with the text behind it; the last one may have none."""
    ends = [part.text for part in parts if isinstance(part, Literal)]
    names = [part.name for part in parts if isinstance(part, Capture)]
    return [(name, ends[number] if number < len(ends) else "") for number, name in enumerate(names)]
