"""Replay the recorded cases of a real Loki that are log queries of selectors and line filters."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import attrs
import numpy as np
import pyarrow as pa
import pytest
from _pytest.mark import ParameterSet

from logpulse.batch import Batch, make_entries
from logpulse.errors import QuerySyntaxError
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LineFilter, LogQuery, TextOperand
from logpulse.logql.parser import parse
from logpulse.model.labels import Labels
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.result import Direction, Entry
from logpulse.storage.store import StorePolicy, open_store
from logpulse.wire.metadata import canonical_metadata, metadata_pairs

from ..conformance.recorded import DIFFERENCES

_FOLDER: Final = Path(__file__).parents[1] / "conformance"
_RECORDED_AT: Final = 1_793_600_000 * SECOND_NS  # after the newest entry

Row = tuple[int, str, tuple[tuple[str, str], ...]]


@attrs.frozen
class Case:
    """One recorded request: what was asked, and the (time, line, labels) that came back."""

    name: str
    request: LogsRequest
    rows: tuple[Row, ...]


def _supported(query: object) -> bool:
    """Tell whether this version runs `query`."""
    return isinstance(query, LogQuery) and all(
        isinstance(stage, LineFilter)
        and stage.operator.value in ("|=", "!=", "|~", "!~")
        and all(isinstance(each, TextOperand) for each in stage.alternatives)
        for stage in query.stages
    )


def _cases() -> Iterator[Case]:
    for text in (_FOLDER / "cases.jsonl").read_text().splitlines():
        case = json.loads(text)
        parameters = case["params"]
        plain = {"query", "start", "end", "limit", "direction"}.issuperset(parameters) and "headers" not in case
        if case["status"] != 200 or not case["path"].endswith("/query_range") or not plain:
            continue
        try:
            query = parse(parameters["query"])
        except QuerySyntaxError:
            continue  # the parser's own tests see to that
        if not _supported(query) or not parameters.get("start", "").isdigit() or len(parameters["start"]) < 19:
            continue
        rows = tuple(
            (int(value[0]), value[1], tuple(sorted(stream["stream"].items())))
            for stream in case["body"]["data"]["result"]
            for value in stream["values"]
        )
        request = LogsRequest(
            cast("LogQuery", query),
            start=int(parameters["start"]),
            end=int(parameters["end"]),
            limit=int(parameters.get("limit", 100)),
            direction=Direction(parameters.get("direction", "backward").lower()),
        )
        yield Case(case["id"], request, rows)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Hold the recorded data, half of it in a segment and half in memory."""
    folder = tmp_path_factory.mktemp("conformance")
    streams = [json.loads(text) for text in (_FOLDER / "dataset.jsonl").read_text().splitlines()]
    batches = [_batch(stream) for stream in streams]
    with (
        open_store(folder, StorePolicy(retention_days=0), clock=lambda: _RECORDED_AT) as store,
        Executor(folder, threads=2, memory=128 << 20) as executor,
    ):
        store.append(batches[::2])
        store.flush()
        store.append(batches[1::2])
        yield Engine(store, executor)


def _batch(stream: dict[str, object]) -> Batch:
    labels = Labels.of(cast("dict[str, str]", stream["labels"]))
    entries = cast("list[list[object]]", stream["entries"])
    metadata = [canonical_metadata(cast("dict[str, str]", e[2])) if len(e) > 2 and e[2] else None for e in entries]
    return Batch(
        make_entries(
            np.full(len(entries), labels.id, dtype=np.int64),
            pa.array([int(str(entry[0])) for entry in entries]),
            pa.array([entry[1] for entry in entries], pa.string()),
            pa.array(metadata, pa.string()),
        ),
        {labels.id: labels},
    )


def _loki_labels(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Fold metadata into the labels as Loki answers do: names made label names and clashes renamed, no empty values."""
    labels = entry.labels.as_dict()
    folded = dict(labels)
    for name, value in metadata_pairs(entry.metadata).items():
        label = re.sub("[^a-zA-Z0-9_]", "_", name)
        folded[f"{label}_extracted" if label in labels else label] = value
    return tuple(sorted((name, value) for name, value in folded.items() if value))


def _parameters() -> list[ParameterSet]:
    parameters = []
    for case in _cases():
        reason = DIFFERENCES.get(case.name)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
        parameters.append(pytest.param(case, id=case.name, marks=marks))
    return parameters


@pytest.mark.parametrize("case", _parameters())
def test_recorded_case(engine: Engine, case: Case) -> None:
    page = engine.logs(case.request, Interrupt())
    rows = [(entry.timestamp, entry.line, _loki_labels(entry)) for entry in page.entries]
    times = [time for time, _, _ in rows]
    assert times == sorted(times, reverse=case.request.direction is Direction.BACKWARD)
    assert Counter(times) == Counter(time for time, _, _ in case.rows)
    # Where the answer is cut, any of the entries that tie at the cut may be in it.
    cut = times[-1] if page.next is not None else None
    assert Counter(row for row in rows if row[0] != cut) == Counter(row for row in case.rows if row[0] != cut)


def test_enough_cases() -> None:
    assert len(list(_cases())) >= 80
