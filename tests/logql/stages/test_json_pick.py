"""Members picked out of JSON: where that is possible, and that it gives what reading the whole line gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.stages.json_pick import JsonPick
from tests.logql.stages.running import kept, parsed
from tests.logql.stages.test_json import flattened

NAMES = ["level", "status_code", "user_id"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"level":"info","status_code":5.0,"x":[{"y":1}]}', {"level": "info", "status_code": "5.0"}),
        ('{"x":"y","user_id" : 1}', None),
        ('{"user_id": true , "level": -1e3 }', {"user_id": "true", "level": "-1e3"}),
        ('{"level":null,"status_code":[1],"user_id":{"x":1}}', {}),
        ('{"level":"é"}', {"level": "é"}),
        ('{"level":""}', {"level": ""}),
        ("{}", {}),
        ('{"msg":"a level"}', None),
        ('{"level":1,"msg":"level"}', None),
        ('{"level":1,"level":2}', None),
        ('{"x":{"level":1}}', None),
        ('{"status-code":1}', None),
        ('{"user":{"id":1}}', None),
        ('{" level":1}', None),
        ('{"level":"a\\tb"}', None),
        ('{"level":1} tail', None),
        ('{"level":007}', None),
        (' {"level":1}', None),
        ("text", None),
        ("", None),
    ],
)
def test_lines(line: str, found: dict[str, str] | None) -> None:
    assert JsonPick(NAMES).read(line) == found


def test_a_name_without_letters_and_digits_cannot_be_picked() -> None:
    assert JsonPick(["_"]).read("{}") is None
    assert JsonPick(["__error__"]).read("{}") == {}


keys = st.sampled_from(
    ["level", " level", "status_code", "status-code", "status", "code", "user", "id", "user_id", "", "x"]
)
values = st.recursive(
    st.sampled_from(["info", "level", "", "é", "user", True, None, 1, 1.5, -0.0]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(keys, values, max_size=4), st.sampled_from([None, (", ", ": "), (",", ":"), (" , ", " : ")]))
def test_picked_members_are_those_of_the_whole_line(
    members: dict[str, object], separators: tuple[str, str] | None
) -> None:
    line = json.dumps(members, ensure_ascii=False, separators=separators)
    expected = {name: value for name, value in flattened(members).items() if name in NAMES}
    found = JsonPick(NAMES).read(line)
    assert found is None or found == expected
    ran = kept("| json", line, wanted=frozenset(NAMES))
    assert (parsed(ran), ran.error) == (expected, "")


@given(st.text('{}[]:," \n\tlevel1', max_size=16))
def test_a_broken_line_is_not_picked_from(text: str) -> None:
    line = '{"level":1,' + text
    if JsonPick(NAMES).read(line) is not None:
        assert json.loads(line)["level"] == 1
