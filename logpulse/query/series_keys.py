"""From the groups of a scan to the series they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logpulse.batch import Int64Array
from logpulse.logql.ast import GroupingMode, RangeAggregation
from logpulse.logql.base import Bases
from logpulse.logql.record import Record
from logpulse.query.gathering import SeriesNumbers
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import SeriesLabels
from logpulse.query.result import LabelsOf
from logpulse.query.sampling import series_key
from logpulse.query.sql_pipeline import SqlPipeline

_FEW_ROWS: Final = 10_000  # of an answer: taking in more costs what the join would


class LabelsOfGroup(Protocol):
    """Give the labels of the series to which a group belongs."""

    def __call__(self, *group: str | int | None) -> SeriesLabels: ...


@attrs.frozen(eq=False)
class SeriesKeys:
    """Say by which expressions a scan groups rows, and which series each group is part of.

    `numbers` gives each stream the `number` that an expression may name; None where none does.
    """

    expressions: tuple[str, ...]
    numbers: pa.Table | None
    labels_of: LabelsOfGroup

    def series(self, found: pa.Table, numbers: SeriesNumbers, interrupt: Interrupt) -> Int64Array:
        """Give the number of the series of each row; the groups are in the columns group0, group1, …

        Raises:
            QueryCancelledError: `interrupt` was pulled.
            UnclearTextError: a label is not written in a plain way.
        """
        groups: list[tuple[str | int | None, ...]] = [()]
        places = np.zeros(found.num_rows, dtype=np.int64)
        for number in range(len(self.expressions)):
            column = pc.dictionary_encode(found.column(f"group{number}"), null_encoding="encode").combine_chunks()
            values = column.dictionary.to_pylist()
            pairs = pa.array(places * len(values) + column.indices.to_numpy()).dictionary_encode()
            places = pairs.indices.to_numpy()
            groups = [
                (*groups[pair // len(values)], values[pair % len(values)])
                for pair in checked(pairs.dictionary.to_pylist(), interrupt)
            ]
        known = [numbers.of(self.labels_of(*group)) for group in checked(groups, interrupt)]
        series: Int64Array = np.array(known, dtype=np.int64)[places]
        return series


def series_keys(
    aggregation: RangeAggregation, pipeline: SqlPipeline, streams: Int64Array, labels_of: LabelsOf, rows_per_stream: int
) -> SeriesKeys:
    """Say how series come out of a scan of `streams`, all of which have the same ones of the labels grouped by.

    `rows_per_stream` is how many rows of the answer there may be for a stream: where that makes few, streams are
    grouped as they are, which spares a join with the numbers of their groups.
    """
    grouping = aggregation.grouping
    if grouping is not None and grouping.mode is GroupingMode.BY:
        names = tuple(sorted(set(grouping.labels)))
        return _by_names(names, pipeline, streams, labels_of, rows_per_stream)
    key, bases = series_key(aggregation), Bases()

    def labels(stream: int, metadata: str | None) -> SeriesLabels:
        return key(Record(0, "", bases.of(labels_of(stream), metadata)))

    return SeriesKeys(("stream", "metadata"), None, labels)  # type: ignore[arg-type]


def _by_names(
    names: Sequence[str], pipeline: SqlPipeline, streams: Int64Array, labels_of: LabelsOf, rows_per_stream: int
) -> SeriesKeys:
    parsed = [name for name in names if name in pipeline.labels]
    of_streams = [name for name in names if name not in pipeline.labels]
    groups: dict[SeriesLabels, int] = {}
    numbers = {}
    for stream in streams.tolist():
        of_stream = labels_of(stream)
        numbers[stream] = groups.setdefault(tuple((name, of_stream.get(name)) for name in of_streams), len(groups))
    known = list(groups)

    def labels(number: int, *values: str | None) -> SeriesLabels:
        found = [
            (name, pipeline.labels[name].value_of(written))
            for name, written in zip(parsed, values, strict=True)
            if written is not None
        ]
        return tuple(sorted((*known[number], *(pair for pair in found if pair[1]))))

    texts = tuple(pipeline.labels[name].written for name in parsed)
    if len(known) == 1:
        return SeriesKeys(texts, None, partial(labels, 0))
    if len(streams) * rows_per_stream <= _FEW_ROWS:
        return SeriesKeys(("stream", *texts), None, lambda stream, *values: labels(numbers[stream], *values))  # type: ignore[arg-type]
    table = pa.table({"id": pa.array(streams), "number": pa.array(numbers.values(), pa.int64())})
    return SeriesKeys(("number", *texts), table, labels)  # type: ignore[arg-type]
