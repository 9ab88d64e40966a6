"""The JSON of Loki's query answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.http.loki_answers import (
    CATEGORIZE,
    constant_matrix,
    matrix_answer,
    scalar_answer,
    streams_answer,
    vector_answer,
)
from logpulse.http.loki_stats import loki_stats
from logpulse.logql.record import Base, Origin, Record
from logpulse.query.matrix import Matrix
from logpulse.query.result import ScanStats

from ..strategies import NOON

S = 1_000_000_000
STATS = loki_stats(ScanStats(3, 200, 5_000), 0.5, 7)
Json = dict[str, object]


def data(body: bytes) -> Json:
    """Give what a successful answer holds, without its stats."""
    answer = msgspec.json.decode(body, type=Json)
    assert answer["status"] == "success"
    held = msgspec.convert(answer["data"], Json)
    held.pop("stats")
    return held


def records(*entries: tuple[int, str, Base]) -> list[Record]:
    return [Record(NOON + offset, line, base) for offset, line, base in entries]


API = Base({"app": "api", "env": "p"})
TRACED = Base({"app": "api", "env": "p", "trace_id": "1"}, {"trace_id": Origin.METADATA})
TRACED_AGAIN = Base({"env": "p", "trace_id": "1", "app": "api"}, {"trace_id": Origin.METADATA})
WEB = Base({"app": "web"})


def parsed(offset: int, line: str, base: Base, **labels: str) -> Record:
    record = Record(NOON + offset, line, base)
    for name, value in labels.items():
        record.set(name, value)
    return record


# -- streams ----------------------------------------------------------------------------------------------------------


def test_entries_are_grouped_by_all_their_labels_and_keep_their_order() -> None:
    entries = records((5, "a", API), (4, "b", TRACED), (3, "c", WEB), (2, "d", API), (1, "e", TRACED_AGAIN))
    assert data(streams_answer(entries, (), STATS)) == {
        "resultType": "streams",
        "result": [
            {"stream": {"app": "api", "env": "p"}, "values": [[str(NOON + 5), "a"], [str(NOON + 2), "d"]]},
            {
                "stream": {"app": "api", "env": "p", "trace_id": "1"},
                "values": [[str(NOON + 4), "b"], [str(NOON + 1), "e"]],
            },
            {"stream": {"app": "web"}, "values": [[str(NOON + 3), "c"]]},
        ],
    }


def test_labels_of_a_pipeline_make_streams_of_their_own() -> None:
    entries = [
        parsed(0, "a", API, level="info"),
        parsed(1, "b", API, level="info"),
        parsed(2, "c", API, env="changed", empty=""),
        Record(NOON + 3, "d", API),
    ]
    entries[3].drop("env")
    result = msgspec.convert(data(streams_answer(entries, ("other",), STATS))["result"], list[Json])
    assert [each["stream"] for each in result] == [
        {"app": "api", "env": "p", "level": "info"},
        {"app": "api", "empty": "", "env": "changed"},
        {"app": "api"},
    ]
    assert result[0]["values"] == [[str(NOON), "a"], [str(NOON + 1), "b"]]


def test_categories() -> None:
    entries = [
        Record(NOON, "plain", API),
        Record(NOON, "traced", TRACED),
        Record(NOON, "traced too", TRACED_AGAIN),
        parsed(0, "parsed", TRACED, level="info", code="7"),
        parsed(0, "changed", API, env="x"),
        parsed(0, "both", TRACED, trace_id="2"),
        parsed(0, "renamed", WEB, app="y"),
    ]
    assert data(streams_answer(entries, (CATEGORIZE, "other"), STATS)) == {
        "resultType": "streams",
        "encodingFlags": [CATEGORIZE, "other"],
        "result": [
            {
                "stream": {"app": "api", "env": "p"},
                "values": [
                    [str(NOON), "plain", {}],
                    [str(NOON), "traced", {"structuredMetadata": {"trace_id": "1"}}],
                    [str(NOON), "traced too", {"structuredMetadata": {"trace_id": "1"}}],
                    [
                        str(NOON),
                        "parsed",
                        {"structuredMetadata": {"trace_id": "1"}, "parsed": {"code": "7", "level": "info"}},
                    ],
                    [str(NOON), "both", {"parsed": {"trace_id": "2"}}],
                ],
            },
            {"stream": {"app": "api"}, "values": [[str(NOON), "changed", {"parsed": {"env": "x"}}]]},
            {"stream": {}, "values": [[str(NOON), "renamed", {"parsed": {"app": "y"}}]]},
        ],
    }


def test_flags_stand_before_the_result_and_warnings_outside() -> None:
    body = streams_answer([], (CATEGORIZE,), STATS, ["short"])
    assert body.startswith(
        b'{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[],"stats":{'
    )
    assert body.endswith(b'}},"warnings":["short"]}')
    assert b"warnings" not in streams_answer([], (), STATS)
    assert b"encodingFlags" not in streams_answer([], (), STATS)


labels = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "1", "2"]))


@given(st.lists(st.tuples(labels, st.dictionaries(st.sampled_from("cdef"), st.sampled_from(["1", "2"])), labels)))
def test_every_entry_is_there_once_with_its_labels(each: list[tuple[Mapping[str, str], ...]]) -> None:
    entries: list[Record] = []
    for number, (own, metadata, changes) in enumerate(each):
        base = Base({**own, **metadata}, dict.fromkeys(metadata, Origin.METADATA))
        entries.append(parsed(number, "x", base, **changes))
    wanted = {str(record.timestamp): dict(record.labels) for record in entries}
    for flags in ((), (CATEGORIZE,)):
        found: dict[str, Json] = {}
        for stream in msgspec.convert(data(streams_answer(entries, flags, STATS))["result"], list[Json]):
            for time, line, *rest in msgspec.convert(stream["values"], list[list[object]]):
                assert line == "x"
                folded = msgspec.convert(stream["stream"], Json)
                for part in rest:
                    for pairs in msgspec.convert(part, dict[str, Json]).values():
                        assert pairs
                        assert not folded.keys() & pairs.keys()
                        folded = folded | pairs
                assert str(time) not in found
                found[str(time)] = folded
        assert found == wanted


# -- numbers ----------------------------------------------------------------------------------------------------------


def matrix(times: Sequence[int], *series: tuple[Mapping[str, str], Sequence[float | None]]) -> Matrix:
    """Make a matrix; None is no point."""
    values = np.array([[0.0 if value is None else value for value in row] for _, row in series])
    shape = (len(series), len(times))
    present = np.array([[value is not None for value in row] for _, row in series], dtype=np.bool_)
    names = tuple(tuple(sorted(metric.items())) for metric, _ in series)
    return Matrix(np.array(times, dtype=np.int64), names, values.reshape(shape), present.reshape(shape))


def test_a_matrix_leaves_out_what_has_no_points() -> None:
    answer = matrix_answer(
        matrix(
            [NOON, NOON + 500_000_000, NOON + S],
            ({"app": "a"}, [137.95, None, math.nan]),
            ({"app": "b"}, [None, None, None]),
            ({"app": "c"}, [None, 1e6, math.inf]),
            ({}, [-math.inf, 0, None]),
        ),
        STATS,
    )
    assert data(answer) == {
        "resultType": "matrix",
        "result": [
            {"metric": {"app": "a"}, "values": [[1768478400, "137.95"], [1768478401, "NaN"]]},
            {"metric": {"app": "c"}, "values": [[1768478400.5, "1000000"], [1768478401, "+Inf"]]},
            {"metric": {}, "values": [[1768478400, "-Inf"], [1768478400.5, "0"]]},
        ],
    }
    assert b"[1768478400," in answer, "whole seconds are whole numbers"


@pytest.mark.parametrize("times", [[], [NOON]])
def test_a_matrix_of_nothing(times: list[int]) -> None:
    empty = Matrix.empty(np.array(times, dtype=np.int64))
    assert data(matrix_answer(empty, STATS)) == {"resultType": "matrix", "result": []}
    assert data(vector_answer(empty, STATS, ["x"])) == {"resultType": "vector", "result": []}


def test_a_vector_keeps_its_order() -> None:
    answer = vector_answer(matrix([NOON], ({"b": "1"}, [2]), ({"a": "1"}, [None]), ({"a": "2"}, [0.5])), STATS)
    assert data(answer) == {
        "resultType": "vector",
        "result": [
            {"metric": {"b": "1"}, "value": [1768478400, "2"]},
            {"metric": {"a": "2"}, "value": [1768478400, "0.5"]},
        ],
    }


def test_a_scalar_is_dated_in_milliseconds() -> None:
    assert data(scalar_answer(NOON + 1_500_000, 2.0, STATS)) == {
        "resultType": "scalar",
        "result": [1768478400001, "2"],
    }


def test_a_number_over_a_range_is_one_series_without_labels() -> None:
    times = np.arange(NOON, NOON + 3 * S, S)
    assert data(matrix_answer(constant_matrix(times, 2.0), STATS))["result"] == [
        {"metric": {}, "values": [[1768478400, "2"], [1768478401, "2"], [1768478402, "2"]]}
    ]


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(-9, 9).map(float), st.floats()), min_size=3, max_size=3), max_size=4
    )
)
def test_every_point_is_there(rows: list[list[float | None]]) -> None:
    times = [NOON, NOON + 250_000_000, NOON + S]
    series = [({"n": str(number)}, row) for number, row in enumerate(rows)]
    found = msgspec.convert(data(matrix_answer(matrix(times, *series), STATS))["result"], list[Json])
    wanted = [
        {
            "metric": metric,
            "values": [[time / S, repr(value)] for time, value in zip(times, row, strict=True) if value is not None],
        }
        for metric, row in series
        if any(value is not None for value in row)
    ]
    for each in found:
        written = msgspec.convert(each["values"], list[tuple[float, str]])
        each["values"] = [[time, repr(float(text.replace("Inf", "inf")))] for time, text in written]
    assert found == wanted


# -- stats ------------------------------------------------------------------------------------------------------------


def test_stats_are_numbers_throughout() -> None:
    stats = msgspec.convert(msgspec.to_builtins(STATS), Json)
    summary = msgspec.convert(stats["summary"], Json)
    assert summary == {
        "bytesProcessedPerSecond": 10_000,
        "linesProcessedPerSecond": 400,
        "totalBytesProcessed": 5_000,
        "totalLinesProcessed": 200,
        "execTime": 0.5,
        "queueTime": 0.0,
        "subqueries": 0,
        "totalEntriesReturned": 7,
        "splits": 0,
        "shards": 0,
        "totalPostFilterLines": 0,
        "totalStructuredMetadataBytesProcessed": 0,
    }
    assert set(stats) == {"summary", "querier", "ingester", "cache", "index"}

    def check(value: object) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                check(inner)
        else:
            assert isinstance(value, int | float)

    check(stats)
    assert loki_stats(ScanStats(), 0.0, 0).summary.bytes_processed_per_second == 0
