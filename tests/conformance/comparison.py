"""When an answer is as good as the recorded one: equal, but for what Loki leaves open or only estimates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, TypeVar

import msgspec
import pytest

from .recorded import Case

Labels = tuple[tuple[str, str], ...]
Categories = frozenset[tuple[str, Labels]]
Entry = tuple[Labels, int, str, Categories]
Value = tuple[str | dict[str, dict[str, str]], ...]
T = TypeVar("T")

_BILLIONTH: Final = 1e-9
_MILLISECOND: Final = 1e-3
_KILOBYTE: Final = 1024


class StreamJson(msgspec.Struct):
    """One stream: each value is a time, a line and, where they are asked for, the categories of its other labels."""

    stream: dict[str, str]
    values: list[Value]


class SeriesJson(msgspec.Struct):
    """One series of a matrix."""

    metric: dict[str, str]
    values: list[tuple[float, str]]


class SampleJson(msgspec.Struct):
    """One sample of a vector."""

    metric: dict[str, str]
    value: tuple[float, str]


class Streams(msgspec.Struct, tag_field="resultType", tag="streams"):
    """What a log query finds."""

    result: list[StreamJson]
    encoding_flags: list[str] = msgspec.field(name="encodingFlags", default_factory=list)


class Matrix(msgspec.Struct, tag_field="resultType", tag="matrix"):
    """What a metric query over a range finds."""

    result: list[SeriesJson]


class Vector(msgspec.Struct, tag_field="resultType", tag="vector"):
    """What a metric query at one time finds."""

    result: list[SampleJson]


class Scalar(msgspec.Struct, tag_field="resultType", tag="scalar"):
    """What an expression of numbers gives."""

    result: tuple[float, str]


Data = Streams | Matrix | Vector | Scalar


class Answer(msgspec.Struct):
    """The answer to a query."""

    status: Literal["success"]
    data: Data


class Listing(msgspec.Struct):
    """The answer to a question for labels, their values, or series."""

    status: Literal["success"]
    data: list[str | dict[str, str]] = []


class Formatted(msgspec.Struct):
    """The answer to a request to format a query."""

    status: Literal["success"]
    data: str


class Stats(msgspec.Struct):
    """What the index knows of a selection."""

    streams: int
    chunks: int
    bytes: int
    entries: int


class DetectedField(msgspec.Struct):
    """A field found in lines."""

    label: str
    type: str
    cardinality: int
    parsers: list[str] | None = None
    json_path: list[str] | None = msgspec.field(name="jsonPath", default=None)


class DetectedFields(msgspec.Struct):
    """The fields found in lines."""

    fields: list[DetectedField] = []


class DetectedValues(msgspec.Struct):
    """The values of one field found in lines."""

    values: list[str] = []


class DetectedLabel(msgspec.Struct):
    """A label worth showing."""

    label: str
    cardinality: int


class DetectedLabels(msgspec.Struct):
    """The labels worth showing."""

    labels: list[DetectedLabel] = msgspec.field(name="detectedLabels", default_factory=list)


def assert_same(case: Case, status: int, body: bytes) -> None:
    """Check an answer against the recorded one.

    Statuses are equal, and where Loki failed itself, any refusal will do. The words of errors are free.

    Raises:
        AssertionError: it differs.
        msgspec.ValidationError: it has another shape.
    """
    if case.status >= 500:
        assert 400 <= status < 600, body
        return
    assert status == case.status, body
    if status == 200:
        _comparison(case.path.partition("/loki/api/v1/")[2])(case, body)


def _comparison(route: str) -> Callable[[Case, bytes], None]:
    match route.split("/"):
        case ["query" | "query_range"]:
            return _compare_queries
        case ["index", "volume" | "volume_range"]:
            return _compare_volumes
        case ["labels" | "label" | "series"] | ["label", _, "values"]:
            return _compare_listings
        case ["index", "stats"]:
            return _compare_stats
        case ["detected_fields"]:
            return _compare_fields
        case ["detected_field", _, "values"]:
            return _compare_values
        case ["detected_labels"]:
            return _compare_labels
        case ["format_query"]:
            return _compare_formatted
    raise AssertionError(f"no rule for {route}")


def _both(case: Case, body: bytes, kind: type[T]) -> tuple[T, T]:
    return msgspec.json.decode(case.body, type=kind), msgspec.json.decode(body, type=kind)


def _labels(labels: Mapping[str, str]) -> Labels:
    """Make labels comparable: of an error's details only their presence counts."""
    shown = {name: "*" if name == "__error_details__" and value else value for name, value in labels.items()}
    return tuple(sorted(shown.items()))


# -- queries ----------------------------------------------------------------------------------------------------------


def _compare_queries(case: Case, body: bytes) -> None:
    wanted, found = _both(case, body, Answer)
    match wanted.data, found.data:
        case Streams() as wanted_streams, Streams() as found_streams:
            _compare_streams(case, wanted_streams, found_streams)
        case Matrix() as wanted_matrix, Matrix() as found_matrix:
            _compare_matrices(wanted_matrix, found_matrix)
        case Vector() as wanted_vector, Vector() as found_vector:
            _compare_vectors(case, wanted_vector, found_vector)
        case Scalar(wanted_scalar), Scalar(found_scalar):
            # Loki stamps scalars in milliseconds; seconds, as everywhere else, are right too.
            assert found_scalar[0] in (pytest.approx(wanted_scalar[0]), pytest.approx(wanted_scalar[0] / 1000))
            assert _number(found_scalar[1]) == _close(wanted_scalar[1])
        case _:
            raise AssertionError(f"expected {type(wanted.data).__name__}, got {type(found.data).__name__}")


def _compare_streams(case: Case, wanted: Streams, found: Streams) -> None:
    assert sorted(found.encoding_flags) == sorted(wanted.encoding_flags)
    for stream in found.result:
        times = [int(str(value[0])) for value in stream.values]
        assert times, f"{stream.stream} has no entries"
        assert times == sorted(times, reverse=not case.is_forward)
    wanted_entries, found_entries = Counter(_entries(wanted.result)), Counter(_entries(found.result))
    if case.boundary is not None:
        candidates = Counter(_entry(labels, (case.boundary.ts, *rest)) for labels, rest in case.boundary.candidates)
        cut = int(case.boundary.ts)
        wanted_ties, found_ties = _taken_at(cut, wanted_entries), _taken_at(cut, found_entries)
        assert found_ties.total() == wanted_ties.total()
        assert found_ties <= candidates
    assert found_entries == wanted_entries


def _entries(streams: Iterable[StreamJson]) -> Iterable[Entry]:
    return (_entry(stream.stream, value) for stream in streams for value in stream.values)


def _entry(labels: Mapping[str, str], value: Value) -> Entry:
    """Make an entry comparable: empty categories are as good as none."""
    time, line, *rest = value
    categories = frozenset(
        (kind, _labels(others))
        for category in rest
        if isinstance(category, dict)
        for kind, others in category.items()
        if others
    )
    return _labels(labels), int(str(time)), str(line), categories


def _taken_at(time: int, entries: Counter[Entry]) -> Counter[Entry]:
    taken = Counter({entry: count for entry, count in entries.items() if entry[1] == time})
    entries -= taken
    return taken


def _compare_matrices(wanted: Matrix, found: Matrix) -> None:
    wanted_series, found_series = (
        _once((_labels(series.metric), series.values) for series in each.result) for each in (wanted, found)
    )
    assert found_series.keys() == wanted_series.keys()
    for metric, points in wanted_series.items():
        assert [time for time, _ in found_series[metric]] == pytest.approx(
            [time for time, _ in points], abs=_MILLISECOND / 2, rel=0
        ), metric
        assert [_number(text) for _, text in found_series[metric]] == [_close(text) for _, text in points], metric


def _compare_vectors(case: Case, wanted: Vector, found: Vector) -> None:
    wanted_samples, found_samples = (
        _once((_labels(sample.metric), sample.value) for sample in each.result) for each in (wanted, found)
    )
    assert found_samples.keys() == wanted_samples.keys()
    for metric, (time, text) in wanted_samples.items():
        assert found_samples[metric][0] == pytest.approx(time, abs=_MILLISECOND / 2, rel=0), metric
        assert _number(found_samples[metric][1]) == _close(text), metric
    if case.compare.ordered:
        # Of the values only: samples of one value may stand in any order.
        order = [_number(text) for _, text in found_samples.values()]
        assert order == [_close(text) for _, text in wanted_samples.values()]


def _once(pairs: Iterable[tuple[Labels, T]]) -> dict[Labels, T]:
    listed = list(pairs)
    found = dict(listed)
    assert len(found) == len(listed), "some labels occur twice"
    return found


def _number(text: str) -> float:
    return float(text)


def _close(text: str) -> object:
    """Give what a number must equal: this one, to a billionth."""
    return pytest.approx(float(text), rel=_BILLIONTH, abs=1e-12, nan_ok=True)


# -- the other routes -------------------------------------------------------------------------------------------------


def _compare_listings(case: Case, body: bytes) -> None:
    wanted, found = (
        Counter(each if isinstance(each, str) else _labels(each) for each in answer.data)
        for answer in _both(case, body, Listing)
    )
    assert found.keys() == wanted.keys()


def _compare_formatted(case: Case, body: bytes) -> None:
    wanted, found = _both(case, body, Formatted)
    assert found.data == wanted.data


def _compare_stats(case: Case, body: bytes) -> None:
    """Compare what Loki estimates: entries to a tenth, streams and chunks only in whether there are any."""
    wanted, found = _both(case, body, Stats)
    assert bool(found.streams) == bool(wanted.streams)
    assert bool(found.entries) == bool(wanted.entries)
    assert found.entries == pytest.approx(wanted.entries, rel=0.1)


def _compare_volumes(case: Case, body: bytes) -> None:
    """Compare what Loki estimates in whole kilobytes: series below one may come and go."""
    wanted, found = _both(case, body, Answer)
    assert type(found.data) is type(wanted.data)
    wanted_volumes, found_volumes = _volumes(wanted.data), _volumes(found.data)
    for metric in wanted_volumes.keys() | found_volumes.keys():
        volumes = wanted_volumes.get(metric, 0), found_volumes.get(metric, 0)
        assert volumes[1] == pytest.approx(volumes[0], rel=0.15, abs=_KILOBYTE), metric
    if isinstance(found.data, Vector):
        listed = list(found_volumes.values())
        assert listed == sorted(listed, reverse=True)


def _volumes(data: Data) -> dict[Labels, float]:
    match data:
        case Vector(samples):
            return _once((_labels(sample.metric), float(sample.value[1])) for sample in samples)
        case Matrix(many):
            return _once((_labels(series.metric), float(series.values[-1][1])) for series in many)
    raise AssertionError(f"no volumes: {type(data).__name__}")


def _compare_fields(case: Case, body: bytes) -> None:
    wanted, found = ({field.label: field for field in answer.fields} for answer in _both(case, body, DetectedFields))
    assert found.keys() == wanted.keys()
    for label, field in wanted.items():
        _compare_cardinalities(label, field.cardinality, found[label].cardinality)
        assert (found[label].type, found[label].parsers, found[label].json_path) == (
            field.type,
            field.parsers,
            field.json_path,
        ), label


def _compare_labels(case: Case, body: bytes) -> None:
    wanted, found = (
        {label.label: label.cardinality for label in answer.labels} for answer in _both(case, body, DetectedLabels)
    )
    assert found.keys() == wanted.keys()
    for label, cardinality in wanted.items():
        _compare_cardinalities(label, cardinality, found[label])


def _compare_cardinalities(label: str, wanted: int, found: int) -> None:
    """Compare what Loki estimates: to a fiftieth, or one."""
    assert found == pytest.approx(wanted, rel=0.02, abs=1), label


def _compare_values(case: Case, body: bytes) -> None:
    wanted, found = _both(case, body, DetectedValues)
    assert set(found.values) == set(wanted.values)
