"""Entries as text: for a person at a terminal, for a program in a pipe, as JSON, or raw."""

from __future__ import annotations

import enum
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from logpulse.client.escape import escape, escape_block, escape_json
from logpulse.client.metric import MetricSeries, selector_text
from logpulse.client.panel import draw_panel
from logpulse.client.terminal import Palette, Surface, palette_of, terminal_columns
from logpulse.client.wire import Entry, RawSeries, Series
from logpulse.limits import SECOND_NS
from logpulse.units import parse_rfc3339

_ENTRY = msgspec.json.Decoder(Entry)
_SERIES = msgspec.json.Decoder(Series)
_RAW_SERIES = msgspec.json.Decoder(RawSeries)
_INDENT = " " * 13  # the width of a time of today, so that continuation lines begin under the level
_LEVEL_NAMES = {"critical": "CRIT", "warning": "WARN", "unknown": ""}


class Format(enum.Enum):
    """What `--output` offers."""

    TEXT = "text"
    JSONL = "jsonl"
    RAW = "raw"


class Renderer(Protocol):
    """Turn entries and series, as the server sent them, into bytes to write. Each ends with a line break.

    Raises:
        msgspec.DecodeError: an entry or a series lacks a field or has one of another type.
        InvalidRequestError: a time is no RFC 3339 time.
    """

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries in the order given."""

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render the series of a metric query."""


def renderer_for(output: Format, surface: Surface) -> Renderer:
    """Choose the renderer of an output format for what reads it."""
    match output, surface:
        case Format.RAW, _:
            return RawText()
        case Format.JSONL, _:
            return json_lines_for(surface)
        case _, Surface.PIPE:
            return PipeText()
        case _:
            return TerminalText(palette_of(surface), terminal_columns())


def json_lines_for(surface: Surface) -> JsonLines:
    """Choose how to write JSON for what reads it: unchanged for a program, harmless for a terminal."""
    return JsonLines() if surface is Surface.PIPE else HarmlessJsonLines()


def json_line(value: Mapping[str, str] | str, surface: Surface) -> str:
    """Write labels, with sorted names, or a text as JSON, harmless if a terminal reads it."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text if surface is Surface.PIPE else escape_json(text)


class RawText:
    """Write the messages alone, byte for byte as they were logged, control characters too."""

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries: message, line break."""
        return _joined(_ENTRY.decode(entry).message for entry in entries)

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render series: one value a line."""
        return _joined(str(value) for one in series for _, value in _SERIES.decode(one).points)


class JsonLines:
    """Write the API's entries unchanged, and the points of its series, one object a line."""

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries."""
        return b"".join(_one_line(entry) + b"\n" for entry in entries)

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render series: an object of labels, time and value for each point; NaN and infinity are texts."""
        decoded = map(_RAW_SERIES.decode, series)
        return b"".join(
            b'{"labels":%b,"time":%b,"value":%b}\n'
            % (_one_line(one.labels), msgspec.json.encode(moment), msgspec.json.encode(value))
            for one in decoded
            for moment, value in one.points
        )


class HarmlessJsonLines(JsonLines):
    """Write the same objects so that a terminal obeys nothing in them; each means what it meant."""

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries."""
        return escape_json(super().entries(entries).decode()).encode()

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render series."""
        return escape_json(super().series(series).decode()).encode()


class PipeText:
    """Write one line an entry for other programs: time, labels, message.

    The time is RFC 3339 in UTC with nine digits, so that lines sort as text; labels are LogQL, sorted by name; line
    breaks and control characters of the message are escaped. Context has a `-` between time and labels. The form does
    not depend on the other entries.
    """

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries."""
        decoded = map(_ENTRY.decode, entries)
        return _joined(
            f"{_fixed_width(entry.timestamp)} {'- ' if entry.context else ''}{selector_text(entry.labels)} "
            f"{escape(entry.message)}"
            for entry in decoded
        )

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render series: time, labels and value of each point, with tabs between them."""
        decoded = map(_SERIES.decode, series)
        return _joined(
            f"{_fixed_width(moment)}\t{selector}\t{escape(str(value))}"
            for one in decoded
            for selector in [selector_text(one.labels)]
            for moment, value in one.points
        )


class TerminalText:
    """Write entries for a person: local time, level, the labels that tell the streams apart, message.

    A label is shown once two of the streams seen so far differ in it. The date is shown only for other days than
    today. Line breaks of a message are kept, its further lines indented; control characters are escaped. The message of
    an entry that is context is pale, behind a `-`. Series become a chart and a table for a screen of `columns`
    characters.
    """

    def __init__(self, palette: Palette, columns: int, clock: Callable[[], float] = time.time) -> None:
        self._palette = palette
        self._columns = columns
        self._clock = clock
        self._differences = LabelDifferences()

    def entries(self, entries: Sequence[msgspec.Raw]) -> bytes:
        """Render log entries."""
        decoded = [_ENTRY.decode(entry) for entry in entries]
        for entry in decoded:
            self._differences.note(entry.labels)
        return _joined(map(self._line, decoded))

    def series(self, series: Sequence[msgspec.Raw]) -> bytes:
        """Render all series of an answer together."""
        return _joined(draw_panel([MetricSeries.of(one) for one in series], self._columns, self._palette))

    def _line(self, entry: Entry) -> str:
        parts = [self._palette.paint(self._palette.time, self._local_time(entry.timestamp)), self._level(entry.level)]
        labels = " ".join(
            f"{escape(name)}={_value_text(entry.labels[name])}" for name in self._differences.shown(entry.labels)
        )
        if labels:
            parts.append(self._palette.paint(self._palette.label, labels))
        message = escape_block(entry.message, _INDENT)
        parts.append(self._palette.paint(self._palette.time, f"- {message}") if entry.context else message)
        return " ".join(parts)

    def _level(self, level: str) -> str:
        name = escape(_LEVEL_NAMES.get(level, level.upper())).ljust(5)
        return self._palette.paint(self._palette.levels.get(level, ""), name)

    def _local_time(self, timestamp: str) -> str:
        seconds, nanoseconds = divmod(parse_rfc3339(timestamp), SECOND_NS)
        moment, today = time.localtime(seconds), time.localtime(self._clock())
        clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}.{nanoseconds // 1_000_000:03}"
        if (moment.tm_year, moment.tm_yday) == (today.tm_year, today.tm_yday):
            return clock
        return f"{moment.tm_year:04}-{moment.tm_mon:02}-{moment.tm_mday:02} {clock}"


class LabelDifferences:
    """Learn from streams, one after another, in which labels they differ: those in which any differs from the first."""

    def __init__(self) -> None:
        self._first: Mapping[str, str] | None = None
        self._differing: set[str] = set()

    def note(self, labels: Mapping[str, str]) -> None:
        """Take one more stream into account."""
        if self._first is None:
            self._first = labels
        elif labels != self._first:
            names = self._first.keys() | labels.keys()
            self._differing |= {name for name in names if self._first.get(name) != labels.get(name)}

    def shown(self, labels: Mapping[str, str]) -> list[str]:
        """Give the names of the labels worth showing of one stream; the level has its own place."""
        return sorted(name for name in labels.keys() & self._differing if name not in ("level", "detected_level"))


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _one_line(document: msgspec.Raw) -> bytes:
    """Give a JSON document as it came; only one that was laid out over several lines is made one."""
    text = bytes(document)
    return msgspec.json.format(text, indent=-1) if b"\n" in text else text


def _fixed_width(timestamp: str) -> str:
    """Fill the fraction of an RFC 3339 time in UTC up to nine digits: "…00Z" would sort after "…00.5Z"."""
    whole, _, fraction = timestamp.removesuffix("Z").partition(".")
    return f"{escape(whole)}.{escape(fraction):0<9}Z"


def _value_text(value: str) -> str:
    """Quote a label's value where blanks or quotes would make it hard to tell where it ends."""
    return escape(value if value and not (set(value) & set(' "=')) else json.dumps(value, ensure_ascii=False))
