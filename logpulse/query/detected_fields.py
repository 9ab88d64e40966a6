"""Fields that a sample of entries has: metadata, labels of the pipeline, and what the lines hold as JSON or logfmt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import attrs

from logpulse.logql.ast import JsonParser, LogfmtParser
from logpulse.logql.conversion import ConversionError, parse_bytes, write_bytes
from logpulse.logql.json_label_paths import json_label_paths
from logpulse.logql.lenient_json import JSON_ERROR
from logpulse.logql.record import ERROR, ERROR_DETAILS, EXTRACTED_SUFFIX, Base, Origin, Record
from logpulse.logql.stages import json, logfmt
from logpulse.query.field_type import FieldType, field_type_of
from logpulse.query.interrupt import Interrupt

ParserName = Literal["json", "logfmt"]

_HIDDEN: Final = frozenset({ERROR, ERROR_DETAILS, "__preserve_error__"})
_BYTE_UNITS: Final = ("b", *(f"{prefix}{end}" for prefix in "kmgtpe" for end in ("", "i")))


@attrs.frozen
class DetectedField:
    """Describe a field: its values in the sample, each with the entries that have it, and the type of the oldest one.

    `parsers` are those by which its lines can be read; metadata that no line has needs none. `json_path` is where it
    stands in a JSON line, empty if in none.
    """

    label: str
    type: FieldType
    values: Mapping[str, int]
    parsers: tuple[ParserName, ...]
    json_path: tuple[str, ...]

    @property
    def cardinality(self) -> int:
        """The number of its values."""
        return len(self.values)


def detect_fields(records: Iterable[Record], most: int, interrupt: Interrupt) -> list[DetectedField]:
    """Find the first `most` fields of `records`, which came out of a pipeline, the newest first.

    Raises:
        QueryCancelledError: the interrupt was pulled.
    """
    reader = _LineReader()
    fields: dict[str, _Field] = {}

    def field(name: str) -> _Field | None:
        if name not in fields and len(fields) < most:
            fields[name] = _Field()
        return fields.get(name)

    for record in records:
        interrupt.check()
        own = _OwnLabels.of(record)
        line = reader.read(record, own)
        for name, value in own.metadata.items():
            comes_again = name not in _HIDDEN and (name in line.labels or name in own.parsed)
            if (found := field(name)) is not None and not comes_again:
                found.add([value])
        placeless = set[str]()
        for name in dict.fromkeys((*own.parsed, *line.labels)):
            if name in _HIDDEN or (found := field(name)) is None:
                continue
            found.add([labels[name] for labels in (own.metadata, line.labels, own.parsed) if name in labels])
            found.parsers.setdefault(line.parser)
            if line.parser == "json" and name in line.labels and not found.json_path:
                placeless.add(name)
        if placeless:
            for name, path in _paths(record.line, placeless).items():
                fields[name].json_path = path
    return [each.described(name) for name, each in fields.items()]


def field_values(records: Iterable[Record], name: str, most: int, interrupt: Interrupt) -> list[str]:
    """List the values that the field `name` has in `records`, sorted; at most `most`, the newest.

    A byte size that a line holds is written as it may stand in a query, as Loki does: `12KB` as `12kB`.

    Raises:
        QueryCancelledError: the interrupt was pulled.
    """
    reader = _LineReader()
    values: dict[str, None] = {}
    for record in records:
        interrupt.check()
        own = _OwnLabels.of(record)
        if name in own.metadata:
            values.setdefault(own.metadata[name])
        for labels in (own.parsed, reader.read(record, own).labels):
            if name in labels and name not in _HIDDEN:
                values.setdefault(_as_queried(labels[name]))
        if len(values) >= most:
            break
    return sorted(list(values)[:most])


@attrs.define
class _Field:
    """Gather what is known of one field."""

    values: Counter[str] = attrs.field(factory=Counter)
    parsers: dict[ParserName, None] = attrs.field(factory=dict)
    json_path: tuple[str, ...] = ()
    _last: str = ""

    def add(self, values: Sequence[str]) -> None:
        """Take in what one entry has."""
        self.values.update(dict.fromkeys(values, 1))
        self._last = values[-1]

    def described(self, name: str) -> DetectedField:
        return DetectedField(name, field_type_of(self._last), self.values, tuple(self.parsers), self.json_path)


@attrs.frozen
class _OwnLabels:
    """Divide the labels that a record has after its pipeline by where they came from."""

    stream: Mapping[str, str]
    metadata: Mapping[str, str]
    parsed: Mapping[str, str]

    @classmethod
    def of(cls, record: Record) -> _OwnLabels:
        labels, origins = record.labels, record.origins
        return cls(
            {name: value for name, value in labels.items() if name not in origins},
            {name: labels[name] for name, origin in origins.items() if origin is Origin.METADATA},
            {name: labels[name] for name, origin in origins.items() if origin is Origin.PARSED},
        )


@attrs.frozen
class _Line:
    """Hold what a line says, and the parser that read it."""

    labels: Mapping[str, str]
    parser: ParserName


class _LineReader:
    """Read lines as JSON and, where they are none, as logfmt, which every line is."""

    def __init__(self) -> None:
        self._json = json.exact(JsonParser())
        self._logfmt = logfmt.exact(LogfmtParser())

    def read(self, record: Record, own: _OwnLabels) -> _Line:
        # Only stream labels make names clash: metadata and lines may share a field.
        base = Base(own.stream)
        fresh = Record(record.timestamp, record.line, base)
        self._json(fresh)
        parser: ParserName = "json"
        if fresh.error == JSON_ERROR:
            fresh = Record(record.timestamp, record.line, base)
            self._logfmt(fresh)
            parser = "logfmt"
        return _Line({name: value for name, value in fresh.labels.items() if name not in base.labels}, parser)


def _paths(line: str, names: set[str]) -> dict[str, tuple[str, ...]]:
    """Find the paths of labels; one that clashed stands in the line under its plain name."""
    plain = {name: name.removesuffix(EXTRACTED_SUFFIX) for name in names}
    paths = json_label_paths(line, {*plain, *plain.values()})
    found = {name: paths.get(name) or paths.get(plain[name], ()) for name in names}
    return {name: path for name, path in found.items() if path}


def _as_queried(value: str) -> str:
    if value.lower().endswith(_BYTE_UNITS):
        try:
            return write_bytes(parse_bytes(value))
        except ConversionError:
            pass
    return value
