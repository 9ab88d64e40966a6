"""Replay the recorded metric queries of a real Loki: entries are read naively, the rest is what is tested."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, cast

import attrs
import numpy as np
import pytest

from logpulse.batch import Int64Array
from logpulse.errors import LogPulseError, PipelineError
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import GroupingMode, LogQuery, MetricExpression, RangeAggregation, RangeOperator, Unwrap
from logpulse.logql.base import make_base
from logpulse.logql.label_use import wanted_labels
from logpulse.logql.parser import parse
from logpulse.logql.pipeline import Pipeline, without_idle_line_formats
from logpulse.logql.record import ERROR, Record
from logpulse.model.labels import Labels
from logpulse.query.evaluation import evaluate
from logpulse.query.matrix import Matrix
from logpulse.query.steps import aligned, default_step, points
from logpulse.units import parse_duration, parse_rfc3339
from logpulse.wire.metadata import canonical_metadata

from .naive_metrics import Sample
from .sampled import aggregated

_FOLDER: Final = Path(__file__).parents[1] / "conformance"


@attrs.frozen
class Stored:
    """Be one stored entry."""

    labels: Labels
    timestamp: int
    line: str
    metadata: str | None


@attrs.frozen
class Case:
    """One recorded request and its answer: `body` is of resultType matrix, vector or scalar, or an error text."""

    name: str
    query: str
    times: tuple[int, ...]
    status: int
    body: dict[str, object] | str
    ordered: bool


# -- reading ----------------------------------------------------------------------------------------------------------


def _cases() -> Iterator[Case]:
    for text in (_FOLDER / "cases.jsonl").read_text().splitlines():
        case = json.loads(text)
        parameters = case["params"]
        route = case["path"].rsplit("/", 1)[-1]
        times = {"query": _instant, "query_range": _range}.get(route)
        if times is None or not _is_metric(case):
            continue
        ordered = bool(case.get("compare", {}).get("ordered"))
        body = case["body"]["data"] if case["status"] == 200 else str(case["body"])
        yield Case(case["id"], parameters["query"], times(parameters), case["status"], body, ordered)


def _is_metric(case: dict[str, object]) -> bool:
    """Tell whether a case is about the evaluation of a metric query: not about parameters, nor about syntax alone."""
    body = case["body"]
    if case["status"] == 200:
        data = cast("dict[str, dict[str, object]]", body)["data"]
        return data["resultType"] in ("matrix", "vector", "scalar")
    if case["group"] not in ("metric_error", "error_label", "unwrap"):
        return False
    try:
        return not isinstance(parse(cast("dict[str, str]", case["params"])["query"]), LogQuery)
    except LogPulseError:
        return False  # the parser's own tests see to that


def _instant(parameters: dict[str, str]) -> tuple[int, ...]:
    return (_time(parameters["time"]),)


def _range(parameters: dict[str, str]) -> tuple[int, ...]:
    start, end = _time(parameters["start"]), _time(parameters["end"])
    step = _step(parameters["step"]) if "step" in parameters else default_step(start, end)
    return tuple(points(*aligned(start, end, step), step).tolist())


def _time(text: str) -> int:
    if "T" in text:
        return parse_rfc3339(text)
    return int(text) if len(text) > 10 and text.isdecimal() else int(Decimal(text) * SECOND_NS)


def _step(text: str) -> int:
    return parse_duration(text) if text[-1].isalpha() else int(Decimal(text) * SECOND_NS)


@pytest.fixture(scope="module")
def entries() -> list[Stored]:
    """Hold the recorded data, equal entries once."""
    found: dict[Stored, None] = {}
    for text in (_FOLDER / "dataset.jsonl").read_text().splitlines():
        stream = json.loads(text)
        labels = Labels.of(stream["labels"])
        for time, line, *metadata in stream["entries"]:
            found[Stored(labels, int(time), line, canonical_metadata(metadata[0]) if any(metadata) else None)] = None
    return list(found)


def _matrix(aggregation: RangeAggregation, times: Int64Array, entries: list[Stored]) -> Matrix:
    """Give the matrix of a range aggregation by running its pipeline over all entries."""
    grouping = aggregation.grouping
    named = frozenset(grouping.labels) if grouping is not None and grouping.mode is GroupingMode.BY else None
    stages = aggregation.log_range.stages
    if aggregation.operator not in (RangeOperator.BYTES, RangeOperator.BYTES_RATE):
        stages = without_idle_line_formats(stages)
    pipeline = Pipeline(stages, wanted_labels(stages, named))
    unwrapped = {stage.label for stage in stages if isinstance(stage, Unwrap)}
    first, last = times[0] - aggregation.log_range.offset_ns - aggregation.log_range.range_ns, times[-1]
    samples: dict[tuple[object, ...], Sample] = {}
    for entry in entries:
        chosen = all(
            matcher.predicate()(entry.labels.get(matcher.name)) for matcher in aggregation.log_range.selector.matchers
        )
        if not chosen or not first < entry.timestamp <= last - aggregation.log_range.offset_ns:
            continue
        record = Record(entry.timestamp, entry.line, make_base(entry.labels, entry.metadata))
        value = pipeline.sample(record)
        if value is None:
            continue
        labels = tuple(sorted((name, text) for name, text in record.shown.items() if name not in unwrapped))
        if ERROR in record.shown:
            raise PipelineError(record.shown[ERROR], labels)
        sample = Sample(labels, entry.timestamp, len(record.line.encode()), value)
        samples[entry.labels, entry.timestamp, entry.line, labels] = sample
    return aggregated(aggregation, times, list(samples.values()))


# -- comparing --------------------------------------------------------------------------------------------------------

CASES: Final = list(_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recorded_case(case: Case, entries: list[Stored]) -> None:
    times = np.array(case.times, dtype=np.int64)
    query = cast("MetricExpression", parse(case.query))
    if case.status != 200:
        with pytest.raises(LogPulseError) as raised:
            evaluate(query, times, lambda node: _matrix(node, times, entries))
        if isinstance(raised.value, PipelineError):
            assert str(raised.value).split("\n")[1:] == str(case.body).rstrip("\n").split("\n")[1:]
        return
    result = evaluate(query, times, lambda node: _matrix(node, times, entries))
    found, wanted = _points(result, times), _recorded(case)
    assert found.keys() == wanted.keys()
    for metric, series in wanted.items():
        assert [time for time, _ in found[metric]] == pytest.approx([time for time, _ in series], abs=5e-4)
        assert [value for _, value in found[metric]] == pytest.approx(
            [value for _, value in series], rel=1e-9, abs=1e-12, nan_ok=True
        )
    if case.ordered:
        assert list(found) == list(wanted)


Points = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


def _points(result: Matrix | float, times: Int64Array) -> Points:
    if not isinstance(result, Matrix):
        return {(): [(time / 1e9, result) for time in times.tolist()]}
    found: Points = defaultdict(list)
    for labels, row, present in zip(result.labels, result.values, result.present, strict=True):
        found[labels] = [
            (time / 1e9, value)
            for time, value, here in zip(times.tolist(), row.tolist(), present.tolist(), strict=True)
            if here
        ]
    return found


def _recorded(case: Case) -> Points:
    body = cast("dict[str, list[dict[str, object]]]", case.body)
    if cast("dict[str, str]", case.body)["resultType"] == "scalar":
        time, value = cast("tuple[float, str]", body["result"])
        return {(): [(time / 1000, float(value))]}
    found: Points = {}
    for series in body["result"]:
        labels = tuple(sorted(cast("dict[str, str]", series["metric"]).items()))
        values = cast("list[tuple[float, str]]", series.get("values") or [series["value"]])
        found[labels] = [(float(time), float(value)) for time, value in values]
    return found


def test_enough_cases() -> None:
    assert len(CASES) >= 290
