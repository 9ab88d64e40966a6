"""The parser `| json`: what becomes a label, which value wins, and where a line breaks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import EXTRACTED_LABELS, JSON_DEPTH
from logpulse.logql.ast import JsonParser
from logpulse.logql.label_name import label_name, part_of_label_name
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.stages import json as json_stage
from logpulse.logql.stages.sought import Wanted
from tests.logql.stages.running import kept, parsed, record

JSON_ERROR = "JSONParserErr"


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        pytest.param('{"a":"x","b":""}', {"a": "x", "b": ""}, id="strings, empty ones too"),
        pytest.param('{"a":1.50,"b":1e3,"c":-0,"d":12345678901234567890}',
                     {"a": "1.50", "b": "1e3", "c": "-0", "d": "12345678901234567890"}, id="numbers keep their text"),
        pytest.param('{"a":true,"b":false,"c":null,"d":[1],"e":[],"f":{}}', {"a": "true", "b": "false"},
                     id="null, arrays and empty objects give none"),
        pytest.param('{"a":{"b":{"c":1},"d":2}}', {"a_b_c": "1", "a_d": "2"}, id="inner objects"),
        pytest.param('{"a":{"1":1,"":2," c ":3}}', {"a_1": "1", "a_": "2", "a_c": "3"}, id="inner keys"),
        pytest.param('{"a b":1,"ünï":2,"a:c":3,"1x":4," y\\n":5,"":6,"  ":7}',
                     {"a_b": "1", "_n_": "2", "a_c": "3", "_1x": "4", "y": "5"}, id="keys become names"),
        pytest.param('{"":{"b":1}}', {"b": "1"}, id="an object without a name lends none"),
        pytest.param('{"a":"1","a":"2"}', {"a": "1"}, id="the first of equal keys wins"),
        pytest.param('{"a":null,"a":"2"}', {"a": "2"}, id="but null is no value"),
        pytest.param('{"a":{"b":1},"a.b":2,"a_b":3}', {"a_b": "1"}, id="and over names that become equal"),
        pytest.param('{"a":{"x":1},"a":{"y":2}}', {"a_x": "1", "a_y": "2"}, id="objects of equal keys add up"),
        pytest.param('{"t":"a\\tb","u":"\\u00e9\\ud83d\\ude00","s":"\\/"}', {"t": "a\tb", "u": "é😀", "s": "/"},
                     id="escapes"),
        pytest.param('{"a":"\\ud83d"}', {"a": ""}, id="half a surrogate pair empties a value"),
        pytest.param('{"a":"\x01"}', {"a": "\x01"}, id="control characters"),
        pytest.param('{"a":1} tail', {"a": "1"}, id="what follows the object does not matter"),
        pytest.param(' \t{"a":1}', {"a": "1"}, id="nor do blanks before it"),
        pytest.param('{"a":007,"b":1}', {"a": "007", "b": "1"}, id="numbers need not be JSON's"),
        pytest.param('{"a":[1,NaN,"],{"],"b":1}', {"b": "1"}, id="nor what is in arrays"),
        pytest.param('{"a":1,}', {"a": "1"}, id="a comma may stand at the end"),
        pytest.param("{}", {}, id="an empty object"),
    ],
)  # fmt: skip
def test_labels(line: str, labels: dict[str, str]) -> None:
    ran = kept("| json", line)
    assert parsed(ran) == labels
    assert (ran.line, ran.error) == (line, "")


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ('{"a":1,"b":}', {"a": "1"}),
        ('{"a":"x"', {"a": "x"}),
        ('{"a":1,"b":"x', {"a": "1"}),
        ('{"a":1,"b":{"c":2', {"a": "1"}),
        ('{"a":1,"b":[2', {"a": "1"}),
        ('{"a":1 "b":2}', {"a": "1"}),
        ('{"a":1,b:2}', {"a": "1"}),
        ('{"a":1,"b" 2}', {"a": "1"}),
        ('{"a":1,"b\\x":2}', {"a": "1"}),
        ('{"a":1,"\\ud800":2}', {"a": "1"}),
        ('{"a":1,"b":\'x\'}', {"a": "1"}),
        ('{"a":1,"b":NaN}', {"a": "1"}),
        ('{"a":1,"b":undefined}', {"a": "1"}),
        ('{"a":1,"b":truely}', {"a": "1"}),
        *((line, {}) for line in ("", "no JSON", "[1]", '"text"', "42", "null", "{", '{"', "{,}")),
    ],
)
def test_a_line_that_breaks_keeps_what_was_found(line: str, labels: dict[str, str]) -> None:
    ran = kept("| json", line)
    assert (parsed(ran), ran.error) == (labels, JSON_ERROR)
    assert ran.error_details
    assert ran.line == line


def test_clashes_get_a_suffix() -> None:
    line = '{"app":"a","trace":"b","app_extracted":"c","other":"d"}'
    ran = kept("| json", line, metadata={"trace": "m"})
    assert parsed(ran) == {"app_extracted": "a", "trace_extracted": "b", "other": "d"}
    dropped = kept("| drop app, trace | json", line, metadata={"trace": "m"})
    assert dropped.labels == {"env": "prod", "app_extracted": "a", "trace": "b", "other": "d"}


def test_what_was_found_first_stays() -> None:
    assert parsed(kept('| json | line_format `{"a":"2","b":"2"}` | json', '{"a":"1"}')) == {"a": "1", "b": "2"}
    assert parsed(kept("| json | drop a | json", '{"a":"1"}')) == {}
    assert parsed(kept('| label_format a="0" | json', '{"a":"1"}')) == {"a": "1"}
    assert parsed(kept('| json | label_format a="0" | json', '{"a":"1"}')) == {"a": "0"}


def test_error_labels_of_a_line_are_labels_like_others() -> None:
    ran = kept("| json", '{"__error__":"mine"}')
    assert (ran.error, parsed(ran)) == ("", {"__error__": "mine"})


# -- what is wanted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "line", "labels", "error"),
    [
        pytest.param({"a"}, '{"a":1,"b":2}', {"a": "1"}, "", id="no more than is wanted"),
        pytest.param({"a"}, '{"a":1,"b":}', {"a": "1"}, "", id="nothing fails behind it"),
        pytest.param({"a", "c"}, '{"a":1,"b":}', {"a": "1"}, JSON_ERROR, id="before all is found it does"),
        pytest.param({"a", "env"}, '{"a":1,"b":}', {"a": "1"}, JSON_ERROR, id="labels of the stream are never found"),
        pytest.param({"env_extracted"}, '{"env":1,"b":}', {"env_extracted": "1"}, "", id="but with their suffix"),
        pytest.param({"x_y"}, '{"x":{"z":0,"y":1},"b":}', {"x_y": "1"}, "", id="in an object"),
        pytest.param({"a"}, '{"x":{"y":},"a":1,"b":}', {"a": "1"}, "", id="objects that cannot hold it are skipped"),
        pytest.param(set(), '{"a":', {}, "", id="nothing wanted: nothing is read"),
        pytest.param({"b"}, '{"a":1}', {}, "", id="not there"),
        pytest.param({"b"}, '{"b":true,"b":1}', {"b": "true"}, "", id="the first value"),
    ],
)
def test_wanted(wanted: set[str], line: str, labels: dict[str, str], error: str) -> None:
    ran = kept("| json", line, wanted=frozenset(wanted))
    assert (parsed(ran), ran.error) == (labels, error)


# -- hostile lines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [JSON_DEPTH, JSON_DEPTH + 1, 2_000, 40_000])
def test_depth_is_bounded(depth: int) -> None:
    ran = kept("| json", '{"a":' * depth + "1" + "}" * depth)
    if depth == JSON_DEPTH:
        assert parsed(ran) == {"_".join("a" * depth): "1"}
    else:
        assert (parsed(ran), ran.error) == ({}, JSON_ERROR)


def test_arrays_of_any_depth_are_skipped() -> None:
    ran = kept("| json", '{"a":' + "[" * 100_000 + "]" * 100_000 + ',"b":1}')
    assert (parsed(ran), ran.error) == ({"b": "1"}, "")


@pytest.mark.parametrize("end", ["}", ""])
def test_the_number_of_labels_is_bounded(end: str) -> None:
    ran = kept("| json", "{" + ",".join(f'"k{number}":1' for number in range(EXTRACTED_LABELS + 1)) + end)
    assert len(parsed(ran)) == EXTRACTED_LABELS
    assert ran.error == ("LabelLimitErr" if end else JSON_ERROR)


# -- laws -------------------------------------------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
keys = st.sampled_from(["a", "b", "a_b", "a.b", "app", "ünï", "1", "", " c", "d\t"]) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(keys, values, max_size=5)


def flattened(members: dict[str, object], prefix: str = "") -> dict[str, str]:
    """Give the labels that an object stands for."""
    found: dict[str, str] = {}
    for key, value in members.items():
        name = f"{prefix}_{part_of_label_name(key)}" if prefix else label_name(key)
        if isinstance(value, dict):
            for inner, text in flattened(value, name).items():
                found.setdefault(inner, text)
        elif name and isinstance(value, str | bool | int | float):
            found.setdefault(name, value if isinstance(value, str) else json.dumps(value))
    return found


@given(objects, st.booleans())
def test_an_object_gives_its_flattened_members(members: dict[str, object], escaped: bool) -> None:
    ran = kept("| json", json.dumps(members, ensure_ascii=escaped), other="x")
    assert (parsed(ran), ran.error) == (flattened(members), "")


pieces = st.sampled_from(
    ['{', '}', '[', ']', '"a":', '"b":', '"a" :', '"app":', ',', '1', '007', 'true', 'null', 'NaN', '"x"', '"\\n"',
     '"\\ud83d"', '"\\ud83d\\ude00"', '"\\q"', '"', '\\', ' ', '\t', 'x', ':', '12"3', '{"a":{"b":1},"c":[{"a":2}]}']
)  # fmt: skip
broken_lines = st.one_of(
    st.lists(pieces, max_size=14).map("".join),
    st.lists(pieces, max_size=12).map(lambda parts: "{" + "".join(parts)),
    st.builds(lambda members, cut: json.dumps(members)[:cut], objects, st.integers(0, 60)),
    st.builds(lambda members, more: json.dumps(members) + more, objects, st.sampled_from(["", " x", "}"])),
)
wanted_sets = st.none() | st.frozensets(
    st.sampled_from(["a", "b", "a_b", "c", "app", "app_extracted"]), min_size=1, max_size=3
)


@given(broken_lines, wanted_sets)
def test_the_fast_form_is_the_lenient_form(line: str, wanted: frozenset[str] | None) -> None:
    fast, lenient = record(line), record(line)
    assert Pipeline([JsonParser()], wanted).run(fast)
    sought = None if wanted is None else Wanted(wanted).sought(lenient)
    json_stage._Leniently(lenient, sought).read()
    assert (dict(fast.labels), fast.error) == (dict(lenient.labels), lenient.error)


@given(broken_lines, st.frozensets(st.sampled_from(["a", "b", "a_b", "c", "app_extracted"]), min_size=1))
def test_what_is_wanted_is_as_if_all_were_extracted(line: str, wanted: frozenset[str]) -> None:
    everything, some = kept("| json", line), kept("| json", line, wanted=wanted)
    assert parsed(some) == {name: value for name, value in parsed(everything).items() if name in wanted}
    assert not some.error or everything.error, "a line that is read whole without an error has none"


def test_a_parser_keeps_nothing_between_lines() -> None:
    pipeline = Pipeline([JsonParser()])
    first, second = record('{"a":1}'), record('{"b":2}')
    for each in (first, second):
        assert pipeline.run(each)
    assert (parsed(first), parsed(second)) == ({"a": "1"}, {"b": "2"})
