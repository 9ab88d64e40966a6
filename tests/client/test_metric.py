"""The series of a metric query as numbers."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.client.metric import MetricSeries, Summary, largest_first, selector_text
from logpulse.errors import InvalidRequestError

from .fake_server import BASE


def series(labels: dict[str, str], *values: object) -> MetricSeries:
    points = [["2026-01-15T10:30:00Z", value] for value in values]
    return MetricSeries.of(msgspec.Raw(json.dumps({"labels": labels, "points": points}).encode()))


def test_a_series_is_read_with_its_texts_for_what_json_cannot_say() -> None:
    one = series({"service": "api", "env": "a\x1bb"}, 1, 2.5, "+Inf", "-Inf")
    assert one.selector == '{env="a\\u001bb", service="api"}'
    assert one.values == [1.0, 2.5, math.inf, -math.inf]
    assert one.moments() == [BASE] * 4


@pytest.mark.parametrize("value", ["", "1s", "nope"])
def test_a_text_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="must be a number"):
        series({}, value)


@pytest.mark.parametrize(
    ("values", "summary"),
    [
        ([1.0, 5.0, 3.0], (3.0, 1.0, 5.0, 3.0)),
        ([1.0, math.nan], (math.nan, 1.0, 1.0, 1.0)),
        ([1.0, math.inf], (math.inf, 1.0, math.inf, math.inf)),
        ([math.inf, -math.inf], (-math.inf, -math.inf, math.inf, math.nan)),
        ([1.5e308, 1.7e308], (1.7e308, 1.5e308, 1.7e308, 1.6e308)),
        ([math.nan], (math.nan,) * 4),
        ([], (math.nan,) * 4),
    ],
)
def test_what_sums_up_a_series(values: list[float], summary: tuple[float, float, float, float]) -> None:
    found = Summary.of(values)
    assert (found.last, found.least, found.most, found.average) == pytest.approx(summary, nan_ok=True)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_an_average_lies_among_its_values(values: list[float]) -> None:
    found = Summary.of(values)
    slack = max(abs(found.least), abs(found.most)) * 1e-9
    assert found.least - slack <= found.average <= found.most + slack


def test_the_largest_come_first_and_those_without_a_number_last() -> None:
    found = largest_first(
        [series({"n": "nan"}, "NaN"), series({"n": "b"}, 1), series({"n": "a"}, 1), series({"n": "c"}, 2)]
    )
    assert [one.selector for one in found] == ['{n="c"}', '{n="a"}', '{n="b"}', '{n="nan"}']


def test_labels_as_a_selector() -> None:
    assert selector_text({"b": 'q"', "a": "1"}) == '{a="1", b="q\\""}'
    assert selector_text({}) == "{}"
