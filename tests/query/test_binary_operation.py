"""Operations on vectors: which series meet, whose value and labels stay, and what is ambiguous."""

from __future__ import annotations

import math

import pytest

from logpulse.errors import LimitExceededError, SeriesConflictError
from logpulse.limits import MATRIX_VALUES
from logpulse.logql.ast import BinaryOperation
from logpulse.logql.parser import parse
from logpulse.query.binary_operation import operate
from logpulse.query.matrix import Matrix

from .matrices import Row, matrix, rows_of

Rows = dict[str, Row]
LEFT: Rows = {"a=1,b=x": [1, 2], "a=1,b=y": [3, None], "a=2,b=x": [5, 6]}
PER_A: Rows = {"a=1": [10, 20], "a=2,c=z": [50, None]}


def combined(text: str, left: Matrix | float, right: Matrix | float) -> Matrix:
    """Combine by an operator with its modifiers, such as `+ on (a)`."""
    node = parse(f"vector(1) {text} vector(1)")
    assert isinstance(node, BinaryOperation)
    result = operate(node, left, right)
    assert isinstance(result, Matrix)
    return result


@pytest.mark.parametrize(
    ("text", "left", "right", "found"),
    [
        pytest.param(
            "+", {"a=1": [1, None], "a=2": [2, 2]}, {"a=1": [5, 5], "a=3": [1, 1]}, {"a=1": [6, None]}, id="all"
        ),
        pytest.param("+", {"a=1,b=": [1]}, {"a=1": [5]}, {"a=1": [6]}, id="an empty label is none"),
        pytest.param("/", {"": [1, 0]}, {"": [0, 0]}, {"": [math.nan, math.nan]}, id="zero"),
        pytest.param("+ on (a)", {"a=1,b=x": [1]}, {"a=1,b=y": [2]}, {"a=1": [3]}, id="on"),
        pytest.param("+ on (a)", {"b=x": [1]}, {"b=y": [2]}, {"": [3]}, id="on what neither has"),
        pytest.param("+ ignoring (b)", {"a=1,b=x": [1]}, {"a=1,b=y": [2]}, {"a=1": [3]}, id="ignoring"),
        pytest.param(
            "- on (a) group_left",
            LEFT,
            PER_A,
            {"a=1,b=x": [-9, -18], "a=1,b=y": [-7, None], "a=2,b=x": [-45, None]},
            id="group_left",
        ),
        pytest.param(
            "- on (a) group_right",
            PER_A,
            LEFT,
            {"a=1,b=x": [9, 18], "a=1,b=y": [7, None], "a=2,b=x": [45, None]},
            id="group_right",
        ),
        pytest.param(
            "+ on (a) group_left (c)",
            {"a=1,c=q": [1, 1], "a=2": [2, 2]},
            PER_A,
            {"a=1": [11, 21], "a=2,c=z": [52, None]},
            id="included labels replace and remove",
        ),
        pytest.param(
            "+ on (a) group_left (c)",
            {"a=1": [1, 1, 1]},
            {"a=1,c=p": [1, None, None], "a=1,c=q": [None, 2, 2]},
            {"a=1,c=p": [2, None, None], "a=1,c=q": [None, 3, 3]},
            id="the side of one changes in time",
        ),
        pytest.param(
            "+ on (a)",
            {"a=1,b=x": [1, None], "a=1,b=y": [None, 2]},
            {"a=1": [5, 5]},
            {"a=1": [6, 7]},
            id="one after the other",
        ),
        pytest.param(
            ">",
            {"a=1": [1, 9, math.nan]},
            {"a=1": [5, 5, 5]},
            {"a=1": [None, 9, None]},
            id="a filter keeps the left value",
        ),
        pytest.param(
            "< on (a) group_right",
            {"a=1": [1, 9]},
            {"a=1,b=x": [5, 5]},
            {"a=1,b=x": [1, None]},
            id="also where the right side is many",
        ),
        pytest.param("> bool", {"a=1": [1, 9]}, {"a=1": [5, 5]}, {"a=1": [0, 1]}, id="bool"),
        pytest.param("+ bool", {"a=1": [1]}, {"a=1": [5]}, {"a=1": [6]}, id="bool is ignored"),
        pytest.param("!=", {"a=1": [math.nan]}, {"a=1": [math.nan]}, {"a=1": [math.nan]}, id="NaN differs from itself"),
        pytest.param(
            "and", {"a=1": [1, 2], "a=2": [3, 4]}, {"a=1": [9, None], "a=3": [9, 9]}, {"a=1": [1, None]}, id="and"
        ),
        pytest.param(
            "and on ()",
            {"a=1": [1, 2], "a=2": [3, 4]},
            {"b=1": [None, 9]},
            {"a=1": [None, 2], "a=2": [None, 4]},
            id="and on nothing",
        ),
        pytest.param(
            "unless", {"a=1": [1, 2], "a=2": [3, 4]}, {"a=1": [9, None]}, {"a=1": [None, 2], "a=2": [3, 4]}, id="unless"
        ),
        pytest.param(
            "or on (b)",
            {"a=1": [1, None]},
            {"a=2": [9, 8]},
            {"a=1": [1, None], "a=2": [None, 8]},
            id="or on what neither has",
        ),
    ],
)
def test_vectors(text: str, left: Rows, right: Rows, found: Rows) -> None:
    result = rows_of(combined(text, matrix(left), matrix(right)))
    assert result.keys() == found.keys()
    for labels, row in found.items():
        assert result[labels] == pytest.approx(list(row), nan_ok=True)


def test_or_may_go_on_with_a_series_of_the_other_side() -> None:
    result = combined("or", matrix({"a=1": [1, None]}), matrix({"a=1": [9, 8], "a=2": [7, None]}))
    assert [dict(labels)["a"] for labels in result.labels] == ["1", "1", "2"]
    assert result.present.tolist() == [[True, False], [False, True], [True, False]]
    assert result.values[result.present].tolist() == [1, 8, 7]


@pytest.mark.parametrize(
    ("text", "left", "right", "found"),
    [
        ("-", 10.0, {"a=1": [1, None]}, {"a=1": [9, None]}),
        ("-", {"a=1": [1, None]}, 10.0, {"a=1": [-9, None]}),
        ("<", 2.0, {"a=1": [1, 3]}, {"a=1": [None, 3]}),
        (">", {"a=1": [1, 3]}, 2.0, {"a=1": [None, 3]}),
        ("> bool", {"a=1": [1, 3, None]}, 2.0, {"a=1": [0, 1, None]}),
        ("== bool", 3.0, {"a=1": [1, 3, None]}, {"a=1": [0, 1, None]}),
        ("^", 2.0, {"a=1": [3, -1]}, {"a=1": [8, 0.5]}),
        ("==", 7.0, {"a=1": [1, 3]}, {}),
    ],
)
def test_a_vector_and_a_number(text: str, left: Rows | float, right: Rows | float, found: Rows) -> None:
    """The operator is symmetric in what it lets through: the vector's value."""
    sides = [side if isinstance(side, float) else matrix(side) for side in (left, right)]
    assert rows_of(combined(text, *sides)) == found


@pytest.mark.parametrize(
    ("text", "left", "right", "reason"),
    [
        ("/ on (a)", PER_A, LEFT, r"several series on the right of `/` match: {a=\"1\"}"),
        ("/ on (a) group_left", LEFT, LEFT, r"several series on the right of `/` match: {a=\"1\"}"),
        ("/ on (a) group_right", LEFT, LEFT, r"several series on the left of `/` match: {a=\"1\"}"),
        ("/ on (a)", {"b=1": [1, 1]}, LEFT, "several series on the right"),
        ("/ on (a)", LEFT, PER_A, r"several results of `/` have the labels: {a=\"1\"} \(say group_left"),
        ("> on (a)", LEFT, PER_A, "several results"),
        ("/ on (a) group_left (b)", LEFT, {"a=1,b=q": [1, 1]}, r"several results of `/` .*{a=\"1\", b=\"q\"} \(keep"),
    ],
)
def test_what_is_ambiguous_is_refused(text: str, left: Rows, right: Rows, reason: str) -> None:
    with pytest.raises(SeriesConflictError, match=reason):
        combined(text, matrix(left), matrix(right))


def test_too_many_pairs() -> None:
    side = 1 + int(math.sqrt(MATRIX_VALUES / 2))
    # At no point two of the side of one are there, but each may meet all of the others.
    many = matrix({f"a={number}": [1, 1] for number in range(side)})
    single = matrix({f"b={number}": [1 if number == 0 else None, 1 if number == 1 else None] for number in range(side)})
    with pytest.raises(LimitExceededError):
        combined("+ on () group_left (b)", many, single)
