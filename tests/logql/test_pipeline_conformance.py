"""Replay the recorded log queries of a real Loki over the recorded data, with the pipeline alone: without a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import attrs
import pytest
from _pytest.mark import ParameterSet

from logpulse.logql.ast import LogQuery
from logpulse.logql.base import Bases
from logpulse.logql.parser import parse
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import ERROR_DETAILS, Origin, Record
from logpulse.model.labels import Labels
from logpulse.units import parse_time
from logpulse.wire.metadata import canonical_metadata

from ..conformance.recorded import DIFFERENCES

_FOLDER: Final = Path(__file__).parents[1] / "conformance"

_COVERED: Final = frozenset(
    (
        *("line_filter", "pattern_filter", "ip_filter", "json", "json_expr", "logfmt", "logfmt_expr", "regexp"),
        *("pattern", "unpack", "label_filter", "line_format", "label_format", "template", "drop_keep", "error_label"),
        *("categorize", "limit_direction"),
    )
)
_CATEGORIES: Final = "X-Loki-Response-Encoding-Flags"

Pairs = tuple[tuple[str, str], ...]
Row = tuple[int, str, Pairs, Pairs, Pairs]
"""Time, line, labels of the stream, of the metadata, and parsed ones; all of them first if not told apart."""


@attrs.frozen
class Entry:
    """One entry of the recorded data."""

    labels: Labels
    timestamp: int
    line: str
    metadata: str | None


@attrs.frozen
class Case:
    """One recorded request and the rows of its answer."""

    name: str
    group: str
    query: LogQuery
    start: int
    end: int
    limit: int
    forward: bool
    categorized: bool
    rows: tuple[Row, ...]


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Read the recorded data; exact duplicates are one entry."""
    found: dict[Entry, None] = {}
    for text in (_FOLDER / "dataset.jsonl").read_text().splitlines():
        stream = json.loads(text)
        labels = Labels.of(stream["labels"])
        for timestamp, line, *metadata in stream["entries"]:
            pairs = metadata[0] if metadata else None
            found[Entry(labels, int(timestamp), line, canonical_metadata(pairs) if pairs else None)] = None
    return tuple(found)


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Read the recorded log queries that Loki answered."""
    found = []
    for text in (_FOLDER / "cases.jsonl").read_text().splitlines():
        case = json.loads(text)
        parameters = {**case["params"], **case.get("url_params", {})}
        if case["status"] != 200 or not case["path"].endswith("/query_range"):
            continue
        query = parse(parameters["query"])
        # An interval thins out the entries of an answer, which is no part of the pipeline.
        if not isinstance(query, LogQuery) or "interval" in parameters or not {"start", "end"} <= parameters.keys():
            continue
        flags = case.get("headers", {}).get(_CATEGORIES, "").split(",")
        rows = (
            _recorded(stream["stream"], value)
            for stream in case["body"]["data"]["result"]
            for value in stream["values"]
        )
        found.append(
            Case(
                case["id"],
                case["group"],
                query,
                parse_time(parameters["start"], field="start"),
                parse_time(parameters["end"], field="end"),
                int(parameters.get("limit", 100)),
                parameters.get("direction", "backward").lower() == "forward",
                "categorize-labels" in flags,
                tuple(rows),
            )
        )
    return tuple(found)


def _recorded(stream: dict[str, str], value: list[object]) -> Row:
    categories = value[2] if len(value) > 2 else {}
    assert isinstance(categories, dict)
    return (
        int(str(value[0])),
        str(value[1]),
        _pairs(stream),
        _pairs(categories.get("structuredMetadata", {})),
        _pairs(categories.get("parsed", {})),
    )


def _pairs(labels: dict[str, str]) -> Pairs:
    """Sort labels; of the details of an error only their presence counts."""
    return tuple(sorted((name, "" if name == ERROR_DETAILS else value) for name, value in labels.items()))


def _row(record: Record, *, categorized: bool) -> Row:
    shown = record.shown
    if not categorized:
        return record.timestamp, record.line, _pairs(dict(shown)), (), ()
    origins = record.origins
    parts: dict[Origin, dict[str, str]] = {origin: {} for origin in Origin}
    for name, value in shown.items():
        origin = origins.get(name, Origin.STREAM) if name in record.labels else Origin.PARSED
        parts[origin][name] = value
    stream, metadata, parsed = (_pairs(parts[origin]) for origin in Origin)
    return record.timestamp, record.line, stream, metadata, parsed


def answer(case: Case) -> Iterator[tuple[Entry, Record]]:
    """Run the entries that a case selects through its pipeline."""
    pipeline, bases = Pipeline(case.query.stages), Bases()
    matches = [(matcher.name, matcher.predicate()) for matcher in case.query.selector.matchers]
    for entry in entries():
        if case.start <= entry.timestamp < case.end and all(test(entry.labels.get(name)) for name, test in matches):
            record = Record(entry.timestamp, entry.line, bases.of(entry.labels, entry.metadata))
            if pipeline.run(record):
                yield entry, record


def _parameter(case: Case) -> ParameterSet:
    reason = DIFFERENCES.get(case.name)
    marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", list(map(_parameter, cases())))
def test_recorded_case(case: Case) -> None:
    # Entries of one stream that are equal in time, line and final labels show once.
    distinct = {
        (entry.labels, entry.timestamp, entry.line, _pairs(dict(record.shown))): _row(
            record, categorized=case.categorized
        )
        for entry, record in answer(case)
    }
    ordered = sorted(distinct.values(), key=lambda row: row[0], reverse=not case.forward)
    rows = ordered[: case.limit]
    assert Counter(row[0] for row in rows) == Counter(row[0] for row in case.rows)
    # Where the answer is cut, any of the entries that tie at the cut may be in it.
    cut = rows[-1][0] if len(ordered) > len(rows) else None
    assert Counter(row for row in rows if row[0] != cut) == Counter(row for row in case.rows if row[0] != cut)
    assert Counter(row for row in case.rows if row[0] == cut) <= Counter(row for row in ordered if row[0] == cut)


def test_every_group_of_log_queries_is_covered() -> None:
    assert {case.group for case in cases()} >= _COVERED
    assert len(cases()) >= 440
