"""Whole metric queries: what is read, in which order series come, what a result may hold."""

from __future__ import annotations

import math

import attrs
import numpy as np
import pytest

from logpulse.errors import InvalidRequestError, PipelineError, SeriesConflictError, SeriesLimitError
from logpulse.logql.ast import LogQuery, MetricExpression, RangeAggregation
from logpulse.logql.parser import parse
from logpulse.query.evaluation import evaluate
from logpulse.query.matrix import Matrix

from .matrices import Row, matrix, rows_of
from .sampled import source_of

TIMES = matrix({"": [1, 1]}).times


def metric(text: str) -> MetricExpression:
    """Parse a metric query in which `one` stands for a range aggregation."""
    query = parse(text.replace("one", 'last_over_time({app="one"} | unwrap v [1m])'))
    assert not isinstance(query, LogQuery)
    return query


def evaluated(text: str, one: dict[str, Row] | None = None) -> Matrix | float:
    """Evaluate a query at as many points as `one` has."""
    found = matrix(one or {"": [1, 1]})
    return evaluate(metric(text), found.times, lambda _: found.inhabited())


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1 + 1 == 2", 1), ("2 > 3", 0), ("-2 ^ 2", 4), ("2 ^ 3 ^ 2", 512), ("0 / 0", math.nan)],
)
def test_numbers_stay_numbers(text: str, value: float) -> None:
    assert evaluated(text) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vector(3)", {"": [3, 3]}),
        ("vector(1) + vector(2)", {"": [3, 3]}),
        ("avg(vector(2) or vector(4))", {"": [2, 2]}),
        ("10 / vector(0)", {"": pytest.approx([math.nan, math.nan], nan_ok=True)}),
        ("1 + 2 * vector(16) ^ 2", {"": [513, 513]}),
        ("-7 % 4 + vector(16)", {"": [13, 13]}),
        ("vector(5) > 1 > 2", {"": [5, 5]}),
        ("vector(5) > 1 > 9", {}),
        ('label_replace(vector(1), "a", "b", "", "")', {"a=b": [1, 1]}),
    ],
)
def test_vectors_of_literals(text: str, found: dict[str, object]) -> None:
    result = evaluated(text)
    assert isinstance(result, Matrix)
    assert rows_of(result) == found


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("one", ["a=1", "a=2", "b=1"]),
        ("sort(one)", ["b=1", "a=2", "a=1"]),
        ("sort_desc(one) > 1", ["a=1", "a=2"]),
        ("0 - sort(one)", ["b=1", "a=2", "a=1"]),
        ("topk(2, one)", ["a=1", "a=2"]),
        ("bottomk(2, one)", ["a=2", "b=1"]),
        ("approx_topk(2, one)", ["a=1", "a=2"]),
        ("sort(topk(2, one))", ["a=2", "a=1"]),
        ("one or vector(7)", ["", "a=1", "a=2", "b=1"]),
    ],
)
def test_the_order_of_an_instant_vector(text: str, order: list[str]) -> None:
    result = evaluated(text, {"b=1": [1], "a=2": [2], "a=1": [3]})
    assert isinstance(result, Matrix)
    assert list(rows_of(result)) == order


def test_approximate_topk_answers_instant_queries_only() -> None:
    with pytest.raises(InvalidRequestError, match="approx_topk"):
        evaluated("approx_topk(1, one)", {"a=1": [1, 2]})


def test_series_that_become_equal() -> None:
    """As long as they are aggregated or never meet they are no harm."""
    one: dict[str, Row] = {"a=1": [1, None], "a=2": [None, 2], "a=3": [None, 4]}
    renamed = 'label_replace(one, "a", "x", "a", "[12]")'
    assert rows_of_result(renamed, one) == {"a=3": [None, 4], "a=x": [1, 2]}
    everything = 'label_replace(one, "a", "x", "a", ".*")'
    assert rows_of_result(f"sum by (a) ({everything})", one) == {"a=x": [1, 6]}
    with pytest.raises(SeriesConflictError, match=r'of the result have the labels: \{a="x"\}'):
        evaluated(everything, one)


def rows_of_result(text: str, one: dict[str, Row]) -> dict[str, list[float | None]]:
    """Evaluate a query that gives a vector."""
    result = evaluated(text, one)
    assert isinstance(result, Matrix)
    return rows_of(result)


def test_the_series_of_a_result_are_bounded() -> None:
    found = matrix({f"a={number}": [1] for number in range(5)})
    assert isinstance(evaluate(metric("one"), found.times, lambda _: found, 5), Matrix)
    assert isinstance(evaluate(metric("sum(one)"), found.times, lambda _: found, 1), Matrix)
    with pytest.raises(
        SeriesLimitError,
        match=r"is limited to 4, got 5; aggregate by fewer labels, or raise query\.max_series to allow more",
    ):
        evaluate(metric("one"), found.times, lambda _: found, 4)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('sum(rate({a="1"}[1m]))', 'rate({a="1"}[1m]) by ()'),
        ('sum by (x) (bytes_over_time({a="1"}[1m]))', 'bytes_over_time({a="1"}[1m]) by (x)'),
        ('sum without (x) (count_over_time({a="1"}[1m]))', 'count_over_time({a="1"}[1m]) without (x)'),
        ('sum(sum_over_time({a="1"} | unwrap v [1m]))', 'sum_over_time({a="1"} | unwrap v[1m]) by ()'),
        ('sum(max_over_time({a="1"} | unwrap v [1m]) by (x))', 'max_over_time({a="1"} | unwrap v[1m]) by (x)'),
        ('max(rate({a="1"}[1m]))', 'rate({a="1"}[1m])'),
        ('sum(1 + rate({a="1"}[1m]))', 'rate({a="1"}[1m])'),
        ('sum(rate_counter({a="1"} | unwrap v [1m]))', 'rate_counter({a="1"} | unwrap v[1m])'),
    ],
)
def test_a_sum_lets_groups_be_read(text: str, read: str) -> None:
    asked = list[RangeAggregation]()

    def reading(node: RangeAggregation) -> Matrix:
        asked.append(node)
        return Matrix.empty(TIMES)

    query = parse(text)
    assert not isinstance(query, LogQuery)
    evaluate(query, TIMES, reading)
    assert list(map(str, asked)) == [read]


def test_what_reading_raises_comes_through() -> None:
    def fail(node: RangeAggregation) -> Matrix:
        raise PipelineError("JSONParserErr", (("__error__", "JSONParserErr"), ("app", source_of(node))))

    with pytest.raises(PipelineError) as raised:
        evaluate(metric("sum(one) / 2"), TIMES, fail)
    assert str(raised.value).splitlines() == [
        """pipeline error: 'JSONParserErr' for series: '{__error__="JSONParserErr", app="one"}'.""",
        """Use a label filter to intentionally skip this error. (e.g | __error__!="JSONParserErr").""",
        """To skip all potential errors you can match empty errors.(e.g __error__="")""",
        """The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )""",
    ]


def test_a_vector_without_series_stays_one() -> None:
    empty = Matrix.empty(TIMES)
    for text in ("one", "sum(one)", "topk(1, one)", "sort(one)", "one + one", "one > 1", "2 ^ one", "one and one",
                 "one unless one", "one or one", "stddev by (a) (one)", 'label_replace(one, "a", "b", "c", "d")',
                 "one * on (a) group_left (b) one"):  # fmt: skip
        result = evaluate(metric(text), TIMES, lambda _: empty)
        assert isinstance(result, Matrix)
        assert (result.labels, result.values.shape, result.present.shape) == ((), (0, 2), (0, 2)), text
    single = attrs.evolve(empty, times=TIMES[:1], values=np.empty((0, 1)), present=np.empty((0, 1), dtype=np.bool_))
    sorted_one = evaluate(metric("sort(one)"), TIMES[:1], lambda _: single)
    assert isinstance(sorted_one, Matrix)
    assert sorted_one.labels == ()
