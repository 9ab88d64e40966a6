"""Answers of Loki's query routes: streams, a matrix, a vector or a scalar, each with its stats, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, Literal

import attrs
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Int64Array
from logpulse.http.loki_numbers import milliseconds, number_texts, seconds_text
from logpulse.http.loki_stats import LokiStats
from logpulse.logql.record import Origin, Record
from logpulse.query.matrix import Matrix, SeriesLabels
from logpulse.query.result import Entry

CATEGORIZE: Final = "categorize-labels"
"""The encoding flag that asks for labels apart from metadata and parsed labels."""

CONTEXT: Final = "__context__"
"""The label of entries that `context` adds to an answer; Loki has none."""

Categories = dict[str, dict[str, str]]
StreamValue = tuple[str, str] | tuple[str, str, Categories]

_ENCODER: Final = msgspec.json.Encoder()


class StreamJson(msgspec.Struct):
    """The entries of an answer that have the same labels: pairs of unix nanoseconds and line, or triples."""

    stream: dict[str, str]
    values: list[StreamValue]


class SeriesJson(msgspec.Struct):
    """One series of a matrix; its points are written already."""

    metric: dict[str, str]
    values: msgspec.Raw


class SampleJson(msgspec.Struct):
    """One series of a vector."""

    metric: dict[str, str]
    value: msgspec.Raw


class DataJson(msgspec.Struct, rename="camel"):
    """What an answer holds; no flags are no field."""

    result_type: Literal["streams", "matrix", "vector", "scalar"]
    encoding_flags: Sequence[str] | msgspec.UnsetType
    result: Sequence[StreamJson] | Sequence[SeriesJson] | Sequence[SampleJson] | tuple[int, str]
    stats: LokiStats


class AnswerJson(msgspec.Struct):
    """An answer; no warnings are no field."""

    status: Literal["success"]
    data: DataJson
    warnings: Sequence[str] | msgspec.UnsetType


def marked_record(entry: Entry) -> Record:
    """Give the record of an entry, which says by a label if it is there as context, and on which side of a match."""
    if entry.side is not None:
        entry.record.set(CONTEXT, entry.side.value)
    return entry.record


def streams_answer(
    records: Sequence[Record], flags: Sequence[str], stats: LokiStats, warnings: Sequence[str] = ()
) -> bytes:
    """Write entries in their order, grouped by their labels; `flags` are those that the request asked for."""
    streams = _categorized(records) if CATEGORIZE in flags else _folded(records)
    return _answer(DataJson("streams", flags or msgspec.UNSET, streams, stats), warnings)


def matrix_answer(matrix: Matrix, stats: LokiStats, warnings: Sequence[str] = ()) -> bytes:
    """Write the series of `matrix` that have points, each point as `[<unix seconds>, "<value>"]`."""
    inhabited = matrix.inhabited()
    series = [
        SeriesJson(dict(labels), msgspec.Raw(b"[" + points + b"]"))
        for labels, points in zip(inhabited.labels, _points(inhabited), strict=True)
    ]
    return _answer(DataJson("matrix", msgspec.UNSET, series, stats), warnings)


def vector_answer(matrix: Matrix, stats: LokiStats, warnings: Sequence[str] = ()) -> bytes:
    """Write the series of a `matrix` of one time that have a point there."""
    inhabited = matrix.inhabited()
    samples = [
        SampleJson(dict(labels), msgspec.Raw(point))
        for labels, point in zip(inhabited.labels, _points(inhabited), strict=True)
    ]
    return _answer(DataJson("vector", msgspec.UNSET, samples, stats), warnings)


def scalar_answer(time_ns: int, value: float, stats: LokiStats) -> bytes:
    """Write one number; unlike all else it is dated in milliseconds."""
    text = number_texts(np.array([value]))[0].as_py()
    return _answer(DataJson("scalar", msgspec.UNSET, (milliseconds(time_ns), text), stats), ())


def constant_matrix(times: Int64Array, value: float, labels: SeriesLabels = ()) -> Matrix:
    """Give the one series that a number is over a range of times."""
    shape = (1, len(times))
    return Matrix(times, (labels,), np.full(shape, value), np.ones(shape, dtype=np.bool_))


def _answer(data: DataJson, warnings: Sequence[str]) -> bytes:
    return _ENCODER.encode(AnswerJson("success", data, warnings or msgspec.UNSET))


@attrs.define(eq=False)
class _Groups:
    """Collect entries by their labels, in the order in which these come up."""

    _streams: dict[tuple[tuple[str, str], ...], StreamJson] = attrs.field(factory=dict)

    def of(self, labels: Iterable[tuple[str, str]]) -> list[StreamValue]:
        key = tuple(sorted(labels))
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = StreamJson(dict(key), [])
        return stream.values

    def all(self) -> list[StreamJson]:
        return list(self._streams.values())


def _folded(records: Sequence[Record]) -> list[StreamJson]:
    groups = _Groups()
    known: dict[int, list[StreamValue]] = {}  # by base, which many records share and none of them has changed
    for record in records:
        base = record.base
        shown = record.shown
        if shown is not base.labels:
            values = groups.of(shown.items())
        elif (found := known.get(id(base))) is not None:
            values = found
        else:
            values = known[id(base)] = groups.of(shown.items())
        values.append((str(record.timestamp), record.line))
    return groups.all()


def _categorized(records: Sequence[Record]) -> list[StreamJson]:
    groups = _Groups()
    known: dict[int, tuple[list[StreamValue], Categories]] = {}
    for record in records:
        base = record.base
        if record.shown is not base.labels:
            values, categories = groups.of(_stream_labels(record)), _categories(record)
        elif (found := known.get(id(base))) is not None:
            values, categories = found
        else:
            values, categories = known[id(base)] = groups.of(_stream_labels(record)), _categories(record)
        values.append((str(record.timestamp), record.line, categories))
    return groups.all()


def _stream_labels(record: Record) -> Iterable[tuple[str, str]]:
    origins = record.origins
    return (pair for pair in record.labels.items() if pair[0] not in origins)


def _categories(record: Record) -> Categories:
    parts: Categories = {Origin.METADATA.value: {}, Origin.PARSED.value: {}}
    origins = record.origins
    for name, value in sorted(record.shown.items()):
        # What is in no category of labels is the error of a stage, which counts as parsed.
        origin = origins.get(name) if name in record.labels else Origin.PARSED
        if origin is not None:
            parts[origin.value][name] = value
    return {name: pairs for name, pairs in parts.items() if pairs}


def _points(matrix: Matrix) -> list[bytes]:
    """Write the points of each series, separated by commas: in columns, as there may be hundreds of thousands."""
    _, columns = np.nonzero(matrix.present)
    texts = number_texts(matrix.values[matrix.present])
    ends = pc.binary_join_element_wise(texts.dictionary, '"],', "").take(texts.indices)
    begins = pa.array([f'[{seconds_text(time)},"' for time in matrix.times.tolist()], pa.string())
    written = pc.binary_join_element_wise(begins.take(pa.array(columns)), ends, "")
    if not len(written):
        return []
    counts = matrix.present.sum(axis=1)
    places = np.frombuffer(written.buffers()[1], dtype=np.int32)[np.concatenate(([0], np.cumsum(counts)))]
    content = written.buffers()[2].to_pybytes()
    return [content[start : stop - 1] for start, stop in pairwise(places.tolist())]
