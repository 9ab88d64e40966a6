"""Functions of templates that compare values or look into them, `and`, `or` and `not`, and how values are printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.template_comparison import COMPARISON_FUNCTIONS
from logpulse.logql.template_failure import CallError
from logpulse.logql.template_time import Duration, GoTime, Month, Weekday
from logpulse.logql.template_types import NO_VALUE, Int64, LabelMap, Uint8, go_type, truth
from logpulse.logql.template_values import format_float, sprint_value, text_of
from tests.logql.rendering import reason, render

JSON = '{"list":["a","b"],"map":{"k":"v"},"nil":null,"n":1.5}'
J = "(fromJson __line__)"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('eq .x "a"', "true"),
        ('eq "a" .x', "true"),
        ("eq .x .y", "false"),
        ('eq .x "b" "a"', "true"),
        ('eq .x "b" "c"', "false"),
        ("eq 1 1", "true"),
        ("eq 1 (add 1 0)", "true"),
        ("eq 1.5 1.5", "true"),
        ("eq true true", "true"),
        ("eq nil nil", "true"),
        ("eq .x nil", "false"),
        (f"eq {J}.nil nil", "true"),
        (f"eq {J}.list nil", "false"),
        (f"eq {J}.nil 5", "false"),
        (f'eq (index {J}.list 0) "a"', "true"),
        ('ne .x "a"', "false"),
        ('ne .missing ""', "false"),
        ('lt "a" "b"', "true"),
        ('lt "B" "a"', "true"),
        ("lt 1 2", "true"),
        ("lt 1.5 1.5", "false"),
        ("le 1.5 1.5", "true"),
        ("gt 2 1", "true"),
        ("ge 1 2", "false"),
        ('gt (float64 "2.5") 2.0', "true"),
        ("not .x", "false"),
        ("not .missing", "true"),
        ("not nil", "true"),
        ('and .x "z"', "z"),
        ('and .missing "z"', ""),
        ("and 1 0 2", "0"),
        ('or .missing "z"', "z"),
        ('or .x "z"', "a"),
        ("or 0 false", "false"),
        ('"z" | or .missing', "z"),
        ('"z" | and .x', "z"),
        ("and false (div 1 0)", "false"),
        ("or 1 (div 1 0)", "1"),
        ("len .x", "1"),
        ('len "日本"', "6"),
        (f"len {J}.list", "2"),
        (f"len {J}.map", "1"),
        ("len .", "2"),
        ('index "abc" 1', "98"),
        (f"index {J}.list 1", "b"),
        (f'index {J}.map "k"', "v"),
        (f'index {J}.map "none"', "<no value>"),
        (f'index {J} "map" "k"', "v"),
        (f'index {J} "list" 0 0', "97"),
        ("index .x", "a"),
        ('index . "x"', "a"),
        ('index . "none"', ""),
        ('slice "hello" 1 3', "el"),
        ('slice "hello" 2', "llo"),
        ('slice "hello"', "hello"),
        ('slice "日" 0 1', "\ufffd"),
        (f"slice {J}.list 1", "[b]"),
        (f"slice {J}.list 0 1 2", "[a]"),
        ('default "d" .missing', "d"),
        ('default "d" .x', "a"),
        ('default "d"', "d"),
        ("default 5 0", "5"),
        (f"{J}.nil | default 7", "7"),
        (f"{J}.list | default 7", "[a b]"),
        ("default 1 false", "1"),
        ("default 1 __timestamp__.IsZero", "1"),
    ],
)
def test_results(expression: str, text: str) -> None:
    assert render(f"{{{{{expression}}}}}", JSON, x="a", y="b") == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("eq 1", "error calling eq: missing argument for comparison"),
        ("eq", "wrong number of args for eq: want at least 1 got 0"),
        ("ne 1", "wrong number of args for ne: want 2 got 1"),
        ("eq .x 1", "error calling eq: incompatible types for comparison"),
        ("eq 1 1.0", "error calling eq: incompatible types for comparison"),
        ("eq true 1", "error calling eq: incompatible types for comparison"),
        (f"eq {J}.list {J}.list", "error calling eq: non-comparable type [a b]: []interface {}"),
        ("lt 1 1.5", "error calling lt: incompatible types for comparison"),
        ('lt 1 "a"', "error calling lt: incompatible types for comparison"),
        ("lt true false", "error calling lt: invalid type for comparison"),
        ("lt nil 1", "error calling lt: invalid type for comparison"),
        ("gt .x 1", "error calling gt: incompatible types for comparison"),
        ("len 5", "error calling len: len of type int"),
        (f"len {J}.nil", "error calling len: len of nil pointer"),
        ("len nil", "error calling len: reflect: call of reflect.Value.Type on zero Value"),
        ("index nil 1", "error calling index: index of untyped nil"),
        ('index "" 5', "error calling index: index out of range: 5"),
        ('index "abc" 3', "error calling index: reflect: string index out of range"),
        (f"index {J}.list 2", "error calling index: reflect: slice index out of range"),
        (f"index {J}.list -1", "error calling index: index out of range: -1"),
        (f'index {J}.list "a"', "error calling index: cannot index slice/array with type string"),
        (f"index {J}.list nil", "error calling index: cannot index slice/array with nil"),
        (f"index {J}.map 1", "error calling index: value has type int; should be string"),
        (f"index {J}.map nil", "error calling index: value is nil; should be of type string"),
        (f'index {J}.map "none" 1', "error calling index: index of nil pointer"),
        ("index 5 1", "error calling index: can't index item of type int"),
        ("slice nil", "error calling slice: slice of untyped nil"),
        ("slice 5 1", "error calling slice: can't slice item of type int"),
        ('slice "abc" 2 1', "error calling slice: invalid slice index: 2 > 1"),
        ('slice "abc" 0 4', "error calling slice: index out of range: 4"),
        ('slice "abc" 0 1 2', "error calling slice: cannot 3-index slice a string"),
        ('slice "abc" 0 1 2 3', "error calling slice: too many slice indexes: 4"),
        (f"slice {J}.list 0 2 1", "error calling slice: invalid slice index: 2 > 1"),
        ("(div 1 0) | or 1", "error calling div: runtime error: integer divide by zero"),
    ],
)
def test_failures(expression: str, text: str) -> None:
    assert reason(f"{{{{{expression}}}}}", JSON, x="a") == text


def test_zero_is_empty_and_text_is_not() -> None:
    empty: list[object] = [0, 0.0, False, "", None, NO_VALUE, [], {}, LabelMap(), Int64(0), Duration(0), Weekday(0)]
    full: list[object] = [-1, 0.5, True, "0", [None], {"": None}, GoTime(0), Month(1), float("nan")]
    assert not any(map(truth, empty))
    assert all(map(truth, full))


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("a", "string", "a"),
        (True, "bool", "true"),
        (1, "int", "1"),
        (Int64(1), "int64", "1"),
        (Uint8(1), "uint8", "1"),
        (1.0, "float64", "1"),
        ([1, None, "a b"], "[]interface {}", "[1 <nil> a b]"),
        ({"b": [], "a": {}}, "map[string]interface {}", "map[a:map[] b:[]]"),
        (LabelMap(b="", a="x"), "map[string]string", "map[a:x b:]"),
        (Duration(90 * 60 * 10**9), "time.Duration", "1h30m0s"),
        (Month(12), "time.Month", "December"),
        (Weekday(0), "time.Weekday", "Sunday"),
        (None, "<nil>", "<nil>"),
    ],
)
def test_types_and_texts(value: object, name: str, text: str) -> None:
    assert go_type(value).value == name
    assert sprint_value(value) == text


def test_nothing_prints_as_no_value() -> None:
    assert text_of(None) == text_of(NO_VALUE) == "<no value>"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (100000.0, "100000"),
        (123456.789, "123456.789"),
        (999999.9, "999999.9"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (1572864.0, "1.572864e+06"),
        (1e20, "1e+20"),
        (1e100, "1e+100"),
        (0.0001, "0.0001"),
        (0.00001234, "1.234e-05"),
        (5e-324, "5e-324"),
        (-2.5, "-2.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_floats(number: float, text: str) -> None:
    assert format_float(number) == text


@given(st.floats(allow_nan=False))
def test_floats_read_back(number: float) -> None:
    assert float(format_float(number)) == number


@given(st.text() | st.integers(-(2**63), 2**63 - 1), st.text() | st.integers(-(2**63), 2**63 - 1))
def test_comparisons_agree(first: object, second: object) -> None:
    results = {}
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        try:
            results[name] = COMPARISON_FUNCTIONS[name].call(first, second)
        except CallError:
            assert type(first) is not type(second)
            return
    assert results["eq"] is not results["ne"]
    assert results["le"] is (results["lt"] or results["eq"])
    assert results["gt"] is not results["le"]
    assert results["ge"] is not results["lt"]
