"""The forms that entries are exported in: NDJSON, CSV and plain text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from logpulse.errors import InvalidRequestError
from logpulse.http.entry_json import EntryJson

_COLUMNS: Final = ("timestamp", "level", "message", "labels", "metadata")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ENCODER: Final = msgspec.json.Encoder()


class ExportFormat(Protocol):
    """Say what a file of entries is called, what it is, how it begins, and how entries are written."""

    @property
    def extension(self) -> str:
        """The end of its name, without the dot."""

    @property
    def content_type(self) -> str:
        """Its Content-Type."""

    @property
    def head(self) -> bytes:
        """What stands before the first entry."""

    def written(self, entries: Iterable[EntryJson]) -> bytes:
        """Write entries, one behind the other."""


class Ndjson:
    """Write each entry as `/query` shows it, one a line."""

    extension = "ndjson"
    content_type = "application/x-ndjson; charset=utf-8"
    head = b""

    def written(self, entries: Iterable[EntryJson]) -> bytes:
        """Write JSON, whose texts have no line breaks."""
        return _ENCODER.encode_lines(list(entries))


class Csv:
    """Write a table by RFC 4180 that no spreadsheet takes for formulas.

    A cell that begins as a formula would gets an apostrophe before it, which spreadsheets show as text.
    """

    extension = "csv"
    content_type = "text/csv; charset=utf-8; header=present"
    head = ",".join(_COLUMNS).encode() + b"\r\n"

    def written(self, entries: Iterable[EntryJson]) -> bytes:
        """Write rows; labels and metadata are JSON objects."""
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\r\n")
        for each in entries:
            cells = (each.timestamp, each.level, each.message, _json(each.labels), _json(each.metadata))
            rows.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
        return text.getvalue().encode()


class Text:
    """Write each message as it is, and a line break behind it."""

    extension = "txt"
    content_type = "text/plain; charset=utf-8"
    head = b""

    def written(self, entries: Iterable[EntryJson]) -> bytes:
        """Write messages."""
        return "".join(f"{each.message}\n" for each in entries).encode()


_FORMATS: Final[Mapping[str, ExportFormat]] = {"ndjson": Ndjson(), "csv": Csv(), "text": Text()}


def read_export_format(text: str) -> ExportFormat:
    """Give the form of this name, NDJSON for none.

    Raises:
        InvalidRequestError: there is no such form.
    """
    found = _FORMATS.get(text or "ndjson")
    if found is None:
        raise InvalidRequestError("format", text, f"must be one of {', '.join(_FORMATS)}")
    return found


def _json(pairs: Mapping[str, str]) -> str:
    return _ENCODER.encode(pairs).decode()
