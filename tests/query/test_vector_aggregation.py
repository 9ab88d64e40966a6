"""Aggregations over series: NaN, missing points, ties and order."""

from __future__ import annotations

import math

import pytest

from logpulse.logql.ast import VectorAggregation
from logpulse.logql.parser import parse
from logpulse.query.matrix import Matrix
from logpulse.query.vector_aggregation import aggregate

from .matrices import matrix, rows_of

NAN, INF = math.nan, math.inf


def aggregated(text: str, operand: Matrix) -> Matrix:
    """Apply an aggregation, written without its operand, such as `sum by (a) (X)`."""
    node = parse(text.replace("X", "vector(1)"))
    assert isinstance(node, VectorAggregation)
    return aggregate(node, operand)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sum(X)", 12),
        ("avg(X)", 4),
        ("min(X)", 1),
        ("max(X)", 9),
        ("count(X)", 3),
        ("stdvar(X)", 38 / 3),
        ("stddev(X)", math.sqrt(38 / 3)),
    ],
)
def test_a_missing_point_is_not_counted(text: str, value: float) -> None:
    found = rows_of(
        aggregated(text, matrix({"a=1": [1, None], "a=2": [2, None], "a=3": [9, None], "a=4": [None, None]}))
    )
    assert found == {"": [pytest.approx(value, rel=1e-15), None]}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("sum(X)", [NAN, NAN, INF]),
        ("avg(X)", [NAN, NAN, INF]),
        ("min(X)", [1, NAN, 1]),
        ("max(X)", [1, NAN, INF]),
        ("count(X)", [2, 1, 2]),
        ("stddev(X)", [NAN, 0, NAN]),
    ],
)
def test_nan_and_infinity(text: str, values: list[float]) -> None:
    found = rows_of(aggregated(text, matrix({"a=1": [NAN, NAN, INF], "a=2": [1, None, 1]})))
    assert found[""] == pytest.approx(values, nan_ok=True)


def test_equal_values_do_not_vary() -> None:
    operand = matrix({f"a={number}": [0.1] for number in range(7)})
    assert rows_of(aggregated("stddev(X)", operand)) == {"": [0]}


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("", {"": [15.0]}),
        ("by ()", {"": [15.0]}),
        ("by (a)", {"a=1": [3.0], "a=2": [4.0], "": [8.0]}),
        ("by (a, nosuch)", {"a=1": [3.0], "a=2": [4.0], "": [8.0]}),
        ("without (a)", {"b=x": [5.0], "b=y": [2.0], "": [8.0]}),
        ("without ()", {"a=1,b=x": [1.0], "a=1,b=y": [2.0], "a=2,b=x": [4.0], "": [8.0]}),
    ],
)
def test_groups(grouping: str, groups: dict[str, list[float]]) -> None:
    operand = matrix({"a=1,b=x": [1], "a=1,b=y": [2], "a=2,b=x": [4], "b=": [8]})
    assert rows_of(aggregated(f"sum {grouping} (X)", operand)) == groups


def test_topk_chooses_at_each_point() -> None:
    operand = matrix({"a=1": [1, 9, None, NAN], "a=2": [2, 8, NAN, None], "a=3": [3, 7, 1, -INF], "a=4": [None] * 4})
    assert rows_of(aggregated("topk(2, X)", operand)) == {
        "a=1": [None, 9, None, pytest.approx(NAN, nan_ok=True)],
        "a=2": [2, 8, pytest.approx(NAN, nan_ok=True), None],
        "a=3": [3, None, 1, -INF],
    }
    assert rows_of(aggregated("bottomk(1, X)", operand)) == {"a=1": [1, None, None, None], "a=3": [None, 7, 1, -INF]}


def test_topk_chooses_in_each_group() -> None:
    operand = matrix({"a=1,b=x": [1], "a=1,b=y": [2], "a=2,b=x": [4], "a=2,b=y": [-1], "b=x": [0]})
    assert rows_of(aggregated("topk by (a) (1, X)", operand)) == {"a=1,b=y": [2], "a=2,b=x": [4], "b=x": [0]}
    assert rows_of(aggregated("bottomk without (a) (1, X)", operand)) == {"a=2,b=y": [-1], "b=x": [0]}


def test_ties_go_to_the_first_by_labels() -> None:
    assert rows_of(aggregated("topk(2, X)", matrix({"a=3": [1], "a=1": [1], "a=2": [1]}))) == {"a=1": [1], "a=2": [1]}


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("sort(X)", ["a=5", "a=1", "a=2", "a=4", "a=3"]),
        ("sort_desc(X)", ["a=4", "a=1", "a=2", "a=5", "a=3"]),
    ],
)
def test_sort_orders_an_instant_vector(text: str, order: list[str]) -> None:
    """NaN stands last in either order."""
    operand = matrix({"a=4": [INF], "a=1": [1], "a=3": [NAN], "a=2": [1], "a=5": [-2], "a=6": [None]})
    found = aggregated(text, operand)
    assert found.ordered
    assert list(rows_of(found)) == order
    # What chooses among ordered series orders them again.
    chosen = aggregated("bottomk(2, X)", found)
    assert list(rows_of(chosen)) == ["a=5", "a=1"]
    assert chosen.ordered


def test_sort_leaves_a_range_alone() -> None:
    operand = matrix({"a=2": [1, 5], "a=1": [2, 4]})
    found = aggregated("sort(X)", operand)
    assert not found.ordered
    assert rows_of(found) == rows_of(operand)
