"""The parser `| json name="path"`: where paths lead, and which lines fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.errors import LimitExceededError
from logpulse.limits import JSON_DEPTH
from logpulse.logql.ast import Extraction, JsonParser
from logpulse.logql.json_path import parse_json_path
from logpulse.logql.stages import json_paths
from tests.logql.stages.running import kept, parsed, record
from tests.logql.stages.test_json import broken_lines, objects

JSON_ERROR = "JSONParserErr"
LINE = '{"a":{"b":"x","c":[1,{"d":"y"},[2]]},"e":1.50,"t":true,"n":null,"s":"q\\"\\u00e9","app":"in"}'


@pytest.mark.parametrize(
    ("stage", "labels"),
    [
        ('json x="a.b"', {"x": "x"}),
        ('json x="a[\\"b\\"]"', {"x": "x"}),
        ("json e, t, n, s", {"e": "1.50", "t": "true", "n": "", "s": 'q"é'}),
        ('json x="a"', {"x": '{"b":"x","c":[1,{"d":"y"},[2]]}'}),
        ('json x="a.c"', {"x": '[1,{"d":"y"},[2]]'}),
        ('json x="a.c[0]", y="a.c[1].d", z="a.c[2][0]"', {"x": "1", "y": "y", "z": "2"}),
        ('json x="a.c[3]", y="a.c[0].d", z="e.f"', {"x": "", "y": "", "z": ""}),
        ('json x="a.b", y="a.b"', {"x": "x", "y": "x"}),
        ('json x="a", y="a.b"', {"x": '{"b":"x","c":[1,{"d":"y"},[2]]}', "y": "x"}),
        ("json app", {"app_extracted": "in"}),
        ('json env="nosuch"', {}),
    ],
)
def test_labels(stage: str, labels: dict[str, str]) -> None:
    ran = kept(f"| {stage}", LINE)
    assert (parsed(ran), ran.error) == (labels, "")


@pytest.mark.parametrize(
    ("line", "labels", "error"),
    [
        pytest.param("", {}, "", id="an empty line gets no labels"),
        pytest.param("text", {}, JSON_ERROR, id="no JSON"),
        pytest.param("1", {}, JSON_ERROR, id="nor a number"),
        pytest.param(' {"a":1}', {}, JSON_ERROR, id="nor with blanks in front"),
        pytest.param("[1]", {"a": "", "b": ""}, "", id="an array"),
        pytest.param('"text', {"a": "", "b": ""}, "", id="a text"),
        pytest.param('{"a":1', {"a": "1", "b": ""}, "", id="a line that ends early"),
        pytest.param('{"a":1,"b":}', {"a": "1", "b": ""}, JSON_ERROR, id="a malformed value"),
        pytest.param('{"x":NaN,"a":1,"b":2}', {"a": "1", "b": "2"}, "", id="a malformed value of another"),
        pytest.param('{"x":{"a":3},"a":1}', {"a": "1", "b": ""}, "", id="not inside others"),
        pytest.param('{"a":1,"a":2}', {"a": "1", "b": ""}, "", id="the first of equal keys"),
        pytest.param('{"\\u0061":1}', {"a": "1", "b": ""}, "", id="a key with escapes"),
        pytest.param('{"a":"\\ud800"}', {"a": "", "b": ""}, "", id="half a surrogate pair"),
        pytest.param('{"a":1} tail', {"a": "1", "b": ""}, "", id="what follows"),
    ],
)
def test_lines(line: str, labels: dict[str, str], error: str) -> None:
    ran = kept("| json a, b", line)
    assert (parsed(ran), ran.error) == (labels, error)


def test_paths_into_a_line_that_ends_early() -> None:
    assert parsed(kept('| json x="a.b", y="a.c"', '{"a":{"b":1,"c":[2')) == {"x": "1", "y": ""}
    assert parsed(kept('| json x="[1]"', "[1,2")) == {"x": "2"}


def test_a_label_that_is_there_stays_where_the_line_has_none() -> None:
    assert parsed(kept('| label_format x="1" | json x', "{}")) == {"x": "1"}
    assert parsed(kept("| json x | json x", '{"x":1}')) == {"x": "1"}


def test_where_no_label_is_wanted_nothing_fails() -> None:
    ran = kept("| json a", "text", wanted=frozenset())
    assert (parsed(ran), ran.error) == ({}, "")


def test_the_steps_of_a_path_are_bounded() -> None:
    assert len(parse_json_path(".".join("a" * JSON_DEPTH))) == JSON_DEPTH
    with pytest.raises(LimitExceededError):
        parse_json_path(".".join("a" * (JSON_DEPTH + 1)))


@pytest.mark.parametrize("line", ['{"a":' * 50_000, '{"a":' + "[" * 200_000, '{"a":' + "[" * 50_000 + "]" * 50_000])
def test_deep_lines(line: str) -> None:
    path = "a" + "[0]" * (JSON_DEPTH - 1)
    kept(f'| json x="{path}", y="a.a"', line)


# -- laws -------------------------------------------------------------------------------------------------------------

paths = st.sampled_from(["a", "b", "app", "a.b", "b.a", "a.a.b", '["a.b"]', '["ünï"]', "a_b", "a[0]", "[0]", "b[1].a"])
parsers = st.lists(
    st.builds(Extraction, st.sampled_from(["a", "b", "x", "y", "env"]), paths), min_size=1, max_size=4
).map(lambda extractions: JsonParser(tuple(extractions)))


@given(broken_lines, parsers)
def test_the_fast_form_is_the_lenient_form(line: str, stage: JsonParser) -> None:
    tree = json_paths._tree([(parse_json_path(each.expression), each.name) for each in stage.extractions])
    reader = json_paths._FastReader.of(tree)
    if reader is None or not line or line[0] not in '"{[':
        return
    fast, lenient = reader.read(line), json_paths._LenientReader(line)
    lenient.read(tree)
    if fast is not None:
        assert (fast, "") == (lenient.found, lenient.failure)


@given(objects, st.sampled_from(["a", "b", "app"]), st.sampled_from(["a", "b"]))
def test_a_path_leads_to_its_member(members: dict[str, object], key: str, inner: str) -> None:
    ran = kept(f'| json x="{key}.{inner}"', json.dumps(members))
    outer = members.get(key)
    value = outer.get(inner) if isinstance(outer, dict) else None
    if isinstance(value, str):
        assert ran.labels["x"] == value
    elif value is None:
        assert ran.labels["x"] == ""
    else:
        assert json.loads(ran.labels["x"]) == value


@given(broken_lines, parsers)
def test_no_line_breaks_the_stage(line: str, stage: JsonParser) -> None:
    ran = record(line)
    assert json_paths.exact(stage)(ran)
    assert ran.line == line
