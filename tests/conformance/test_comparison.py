"""What is compared, and what is left open."""

from __future__ import annotations

import json

import msgspec
import pytest

from .comparison import assert_same
from .recorded import Boundary, Case, Options, cases

Json = dict[str, object]


def case_of(
    route: str,
    body: Json | str,
    status: int = 200,
    *,
    compare: Options = Options(),  # noqa: B008 - it is frozen
    boundary: Boundary | None = None,
) -> Case:
    path, raw = f"/loki/api/v1/{route}", msgspec.Raw(json.dumps(body).encode())
    return Case("x-001", "x", "GET", path, {}, status, raw, compare=compare, boundary=boundary)


def is_same(case: Case, body: Json, status: int = 200) -> bool:
    """Tell whether an answer would pass."""
    try:
        assert_same(case, status, json.dumps(body).encode())
    except (AssertionError, msgspec.ValidationError):
        return False
    return True


def data(kind: str, result: object) -> Json:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


def streams(*values: list[object], **labels: str) -> Json:
    return data("streams", [{"stream": labels or {"a": "1"}, "values": list(values)}])


def vector(*values: str, time: float = 5) -> Json:
    return data("vector", [{"metric": {"n": str(n)}, "value": [time, value]} for n, value in enumerate(values)])


def volumes(**sizes: int) -> Json:
    return data("vector", [{"metric": {"app": app}, "value": [5, str(size)]} for app, size in sizes.items()])


def matrix(*points: list[object]) -> Json:
    return data("matrix", [{"metric": {"a": "1"}, "values": list(points)}])


LOG = case_of("query_range", streams(["2", "b"], ["1", "a"]))
MANY = case_of("query_range", streams(["2", "x"], ["2", "x"]))
CATEGORIES = case_of("query_range", streams(["1", "a", {"parsed": {"p": "1"}}]))
ERROR = case_of("query_range", streams(["1", "a"], __error__="E", __error_details__="by Loki"))
CUT = case_of(
    "query_range",
    streams(["2", "b"], ["1", "a"]),
    boundary=Boundary("1", [({"a": "1"}, ("a",)), ({"a": "1"}, ("c",))]),
)
POINTS = case_of("query_range", matrix([1, "1"], [2, "NaN"]))
SAMPLES = case_of("query", vector("2", "1"))
ORDERED = case_of("query", vector("2", "1"), compare=Options(ordered=True))
BACKWARDS = data("vector", [{"metric": {"n": str(n)}, "value": [5, str(2 - n)]} for n in (1, 0)])
SCALAR = case_of("query", data("scalar", [5000, "+Inf"]))
LABELS = case_of("labels", {"status": "success", "data": ["a", "b"]})
STATS = case_of("index/stats", {"streams": 9, "chunks": 9, "bytes": 9, "entries": 100})
VOLUME = case_of("index/volume", volumes(a=100_000, b=900))
FIELD: Json = {"label": "f", "type": "int", "cardinality": 100, "parsers": ["json"], "jsonPath": ["f"]}
FIELDS = case_of("detected_fields", {"fields": [FIELD]})
VALUES = case_of("detected_field/f/values", {"values": ["1", "2"]})
DETECTED = case_of("detected_labels", {"detectedLabels": [{"label": "f", "cardinality": 100}]})
FORMATTED = case_of("format_query", {"status": "success", "data": "{a}"})

SAME: list[tuple[Case, Json]] = [
    (LOG, data("streams", [{"stream": {"a": "1"}, "values": [[str(n), line]]} for n, line in ((1, "a"), (2, "b"))])),
    (CATEGORIES, streams(["1", "a", {"parsed": {"p": "1"}, "structuredMetadata": {}}])),
    (ERROR, streams(["1", "a"], __error__="E", __error_details__="other words")),
    (CUT, streams(["2", "b"], ["1", "c"])),
    (POINTS, matrix([1.0001, "1.0000000001"], [2, "nan"])),
    (SAMPLES, BACKWARDS),
    (SCALAR, data("scalar", [5, "+Inf"])),
    (LABELS, {"status": "success", "data": ["b", "a"]}),
    (STATS, {"streams": 1, "chunks": 0, "bytes": 1, "entries": 95}),
    (VOLUME, volumes(a=90_000)),
    (VOLUME, volumes(a=110_000, b=1_000, c=1_000)),
    (FIELDS, {"fields": [{**FIELD, "cardinality": 102}], "limit": 7}),
    (VALUES, {"values": ["2", "1"]}),
    (DETECTED, {"detectedLabels": [{"label": "f", "cardinality": 98}]}),
    (FORMATTED, {"status": "success", "data": "{a}"}),
]
OTHER: list[tuple[Case, Json]] = [
    (LOG, streams(["1", "a"], ["2", "b"])),
    (LOG, streams(["2", "b"])),
    (LOG, streams(["2", "b"], ["1", "A"])),
    (LOG, streams(["2", "b"], ["1", "a"], a="2")),
    (LOG, {"status": "error", "data": {"resultType": "streams", "result": []}}),
    (LOG, data("streams", [{"stream": {"a": "1"}, "values": [[2, "b"], [1, "a"]]}])),
    (LOG, vector()),
    (MANY, streams(["2", "x"])),
    (CATEGORIES, streams(["1", "a", {"structuredMetadata": {"p": "1"}}])),
    (CATEGORIES, streams(["1", "a"])),
    (ERROR, streams(["1", "a"], __error__="E")),
    (CUT, streams(["2", "b"], ["1", "d"])),
    (CUT, streams(["2", "b"])),
    (CUT, streams(["2", "b"], ["1", "c"], ["1", "a"])),
    (POINTS, matrix([1, "1.00000001"], [2, "NaN"])),
    (POINTS, matrix([1.001, "1"], [2, "NaN"])),
    (POINTS, matrix([1, "1"], [2, "0"])),
    (POINTS, matrix([1, "1"])),
    (POINTS, matrix([1, 1], [2, "NaN"])),
    (SAMPLES, vector("2")),
    (SAMPLES, vector("2", "1", time=6)),
    (SAMPLES, data("vector", [{"metric": {}, "value": [5, "1"]}] * 2)),
    (ORDERED, BACKWARDS),
    (SCALAR, data("scalar", [6000, "+Inf"])),
    (SCALAR, data("scalar", [5000, "-Inf"])),
    (LABELS, {"status": "success", "data": ["a", "b", "c"]}),
    (LABELS, {"status": "success", "data": ["a"]}),
    (STATS, {"streams": 9, "chunks": 9, "bytes": 9, "entries": 89}),
    (STATS, {"streams": 0, "chunks": 9, "bytes": 9, "entries": 100}),
    (VOLUME, volumes(a=80_000)),
    (VOLUME, volumes(a=100_000, c=2_000)),
    (VOLUME, volumes(b=900, a=100_000)),
    (FIELDS, {"fields": [{**FIELD, "cardinality": 103}]}),
    (FIELDS, {"fields": [{**FIELD, "type": "float"}]}),
    (FIELDS, {"fields": [{**FIELD, "jsonPath": None}]}),
    (FIELDS, {}),
    (VALUES, {"values": ["2"]}),
    (DETECTED, {"detectedLabels": [{"label": "f", "cardinality": 97}]}),
    (FORMATTED, {"status": "success", "data": "{b}"}),
]


@pytest.mark.parametrize(("case", "answer"), SAME)
def test_same(case: Case, answer: Json) -> None:
    assert is_same(case, answer)


@pytest.mark.parametrize(("case", "answer"), OTHER)
def test_other(case: Case, answer: Json) -> None:
    assert not is_same(case, answer)


def test_statuses() -> None:
    refused, failed = case_of("query", "no", 400), case_of("query", "no", 500)
    assert is_same(refused, {}, 400)
    assert not is_same(refused, {}, 500)
    assert not is_same(refused, {}, 200)
    assert is_same(failed, {}, 400)
    assert is_same(failed, {}, 503)
    assert not is_same(failed, {}, 200)
    assert not is_same(SAMPLES, vector("2", "1"), 201)


def test_recorded_answers_are_the_same_as_themselves() -> None:
    for case in cases():
        assert_same(case, case.status, bytes(case.body))
