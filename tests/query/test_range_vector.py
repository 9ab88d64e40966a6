"""Range aggregations over samples and over buckets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.batch import Int64Array
from logpulse.errors import LimitExceededError, QueryCancelledError
from logpulse.limits import MATRIX_VALUES, SECOND_NS
from logpulse.logql.ast import RangeOperator, Selector
from logpulse.logql.parser import parse_log_query
from logpulse.query import range_vector
from logpulse.query.absence import absent
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.range_vector import Buckets, Samples, from_buckets, from_samples
from logpulse.query.windows import Windows

from .matrices import labelled, matrix, rows_of

COMBINED = (
    RangeOperator.COUNT,
    RangeOperator.RATE,
    RangeOperator.BYTES,
    RangeOperator.BYTES_RATE,
    RangeOperator.SUM,
    RangeOperator.AVERAGE,
    RangeOperator.MINIMUM,
    RangeOperator.MAXIMUM,
)


def series(*points: tuple[float, float]) -> Samples:
    """Hold one series, of (seconds, value)."""
    times = np.array([round(second * SECOND_NS) for second, _ in points], dtype=np.int64)
    values = np.array([value for _, value in points], dtype=np.float64)
    return Samples((labelled("a=1"),), np.zeros(len(points), dtype=np.int64), times, values)


def value_at(operator: RangeOperator, samples: Samples, second: float, seconds: float, quantile: float = 0.5) -> float:
    """Give the value of one window, NaN as NaN."""
    windows = Windows(np.array([round(second * SECOND_NS)]), round(seconds * SECOND_NS))
    found = from_samples(operator, samples, windows, quantile)
    assert found.present.tolist() == [[True]]
    return float(found.values[0, 0])


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        (RangeOperator.COUNT, 4),
        (RangeOperator.SUM, 10),
        (RangeOperator.RATE, 1),
        (RangeOperator.AVERAGE, 2.5),
        (RangeOperator.MINIMUM, 1),
        (RangeOperator.MAXIMUM, 4),
        (RangeOperator.FIRST, 3),
        (RangeOperator.LAST, 2),
        (RangeOperator.VARIANCE, 1.25),
        (RangeOperator.STANDARD_DEVIATION, math.sqrt(1.25)),
        (RangeOperator.QUANTILE, 2.5),
    ],
)
def test_operators(operator: RangeOperator, value: float) -> None:
    samples = series((10, 99), (10.5, 3), (12, 1), (15, 4), (20, 2), (20.5, 99))
    assert value_at(operator, samples, 20, 10) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("points", "rate"),
    [
        pytest.param([(60, 5)], 0, id="one sample"),
        pytest.param([(30, 100), (60, 109)], 18 / 60, id="both ends reached"),
        pytest.param([(20, 100), (30, 110), (40, 120)], 30 / 60, id="ends too far away: half a distance each"),
        pytest.param(
            [(12 + 10 * n, 100 + 10 * n) for n in range(5)], 53 / 60, id="8 is near enough to the end, 12 not"
        ),
        pytest.param([(30, 3), (60, 33)], 33 / 60, id="not below zero"),
        pytest.param([(30, -3), (60, 27)], 60 / 60, id="a counter below zero is extrapolated"),
        pytest.param([(20, 7), (40, 2), (60, 5)], 7.5 / 60, id="a reset"),
        pytest.param([(20, 7), (40, 7), (60, 7)], 0, id="no growth"),
        pytest.param([(30, 1), (30, 2)], math.nan, id="no time between"),
    ],
)
def test_the_rate_of_a_counter(points: list[tuple[float, float]], rate: float) -> None:
    assert value_at(RangeOperator.RATE_COUNTER, series(*points), 60, 60) == pytest.approx(rate, nan_ok=True)


def test_nan_is_ignored_by_min_and_max_alone() -> None:
    samples = series((1, math.nan), (2, 5), (3, 1))
    assert value_at(RangeOperator.MINIMUM, samples, 3, 3) == 1
    assert value_at(RangeOperator.MAXIMUM, samples, 3, 3) == 5
    assert math.isnan(value_at(RangeOperator.SUM, samples, 3, 3))
    assert math.isnan(value_at(RangeOperator.AVERAGE, samples, 3, 3))
    assert math.isnan(value_at(RangeOperator.MAXIMUM, samples, 1, 1))


def test_equal_samples_do_not_vary() -> None:
    """Rounding leaves no trace, whatever the samples are and wherever windows are cut."""
    samples = series(*((second / 7, 0.1) for second in range(1, 70)))
    windows = Windows(np.arange(1, 10) * SECOND_NS, 3 * SECOND_NS + 1)
    assert not from_samples(RangeOperator.STANDARD_DEVIATION, samples, windows).values.any()


def test_series_without_points_are_left_out() -> None:
    labels = tuple(map(labelled, ("a=1", "a=2", "a=3")))
    samples = Samples(labels, np.array([0, 2]), np.array([5, 50]), np.array([1.0, 1.0]))
    assert rows_of(from_samples(RangeOperator.COUNT, samples, Windows(np.array([45, 55]), 10))) == {"a=3": [None, 1]}
    assert rows_of(from_samples(RangeOperator.COUNT, samples, Windows(np.array([1000]), 10))) == {}


@pytest.mark.parametrize("operator", [each for each in RangeOperator if each is not RangeOperator.ABSENT])
def test_no_samples(operator: RangeOperator) -> None:
    nothing = Samples((), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    found = from_samples(operator, nothing, Windows(np.array([10, 20]), 15), 0.5)
    assert (found.labels, found.values.shape) == ((), (0, 2))


def test_too_many_values() -> None:
    labels = tuple(labelled(f"a={number}") for number in range(1001))
    nothing = Samples(labels, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    with pytest.raises(LimitExceededError):
        from_samples(RangeOperator.COUNT, nothing, Windows(np.arange(MATRIX_VALUES // 1000), 15))


def test_many_series_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt is seen between two of them."""
    monkeypatch.setattr(range_vector, "WINDOW_VALUES", 4)
    labels = tuple(labelled(f"a={number}") for number in range(5))
    samples = Samples(labels, np.array([0, 1, 1, 3, 4]), np.array([5, 6, 15, 16, 5]), np.array([1.0, 2, 3, 4, 5]))
    windows = Windows(np.array([10, 20]), 10)
    expected = {"a=0": [1, None], "a=1": [2, 3], "a=3": [None, 4], "a=4": [5, None]}
    interrupt = Interrupt()
    assert rows_of(from_samples(RangeOperator.LAST, samples, windows, interrupt=interrupt)) == expected
    interrupt.pull()
    with pytest.raises(QueryCancelledError):
        from_samples(RangeOperator.LAST, samples, windows, interrupt=interrupt)


# -- buckets ----------------------------------------------------------------------------------------------------------


@st.composite
def bucketed(draw: st.DrawFn) -> tuple[Samples, Windows, int]:
    """Draw samples, windows, and a bucket width that divides step and range."""
    width = draw(st.integers(1, 10))
    step, length, number = draw(st.integers(1, 5)), draw(st.integers(1, 8)), draw(st.integers(1, 6))
    rows = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300), st.integers(-9, 9)), max_size=30))
    columns = np.array(sorted(rows, key=lambda row: row[:2]), dtype=np.int64).reshape(-1, 3).T
    labels = tuple(map(labelled, ("a=1", "a=2", "a=3")))
    start = width * draw(st.integers(0, 40))
    windows = Windows(start + width * step * np.arange(number), width * length, width * draw(st.integers(-2, 5)))
    return Samples(labels, columns[0], columns[1], columns[2]), windows, width


def _in_buckets(operator: RangeOperator, samples: Samples, width: int, kind: type[np.generic]) -> Buckets:
    ends = -(-samples.timestamps // width) * width
    rows: dict[tuple[int, int], list[int]] = {}
    for number, end, value in zip(samples.series.tolist(), ends.tolist(), samples.values.tolist(), strict=True):
        rows.setdefault((number, end), []).append(value)
    choose = {RangeOperator.MINIMUM: min, RangeOperator.MAXIMUM: max}.get(operator, sum)
    return Buckets(
        samples.labels,
        np.array([number for number, _ in rows], dtype=np.int64),
        np.array([end for _, end in rows], dtype=np.int64),
        np.array([len(values) for values in rows.values()], dtype=np.int64),
        np.array([choose(values) for values in rows.values()], dtype=kind),
    )


@pytest.mark.parametrize("operator", COMBINED)
@pytest.mark.parametrize("kind", [np.int64, np.float64])
@given(bucketed())
def test_buckets_say_what_samples_say(
    operator: RangeOperator, kind: type[np.generic], drawn: tuple[Samples, Windows, int]
) -> None:
    samples, windows, width = drawn
    whole = from_samples(operator, samples, windows)
    assert rows_of(from_buckets(operator, _in_buckets(operator, samples, width, kind), windows)) == rows_of(whole)


@pytest.mark.parametrize("operator", [each for each in RangeOperator if each not in COMBINED])
def test_some_operators_need_samples(operator: RangeOperator) -> None:
    one: Int64Array = np.array([1], dtype=np.int64)
    with pytest.raises(ValueError, match="the samples themselves"):
        from_buckets(operator, Buckets(((),), one * 0, one, one, one), Windows(one, 1))


# -- absence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ('{app="x"}', "app=x"),
        ('{app="x", env="y"}', "app=x,env=y"),
        ('{app="x", app="y", env="z"}', "env=z"),
        ('{app="x", app!="y", env="z"}', "env=z"),
        ('{app=~"x", env!="y"}', ""),
        ('{app="x", env=""}', "app=x"),
    ],
)
def test_what_is_absent_has_the_labels_asked_for(selector: str, labels: str) -> None:
    chosen: Selector = parse_log_query(selector).selector
    found: Matrix = matrix({"a=1": [1, None, None], "a=2": [1, 1, None]})
    assert rows_of(absent(found, chosen)) == {labels: [None, None, 1]}
    assert rows_of(absent(matrix({"a=1": [0, math.nan]}), chosen)) == {}
    assert rows_of(absent(Matrix.empty(found.times), chosen)) == {labels: [1, 1, 1]}
