"""The parser `| unpack`: what the agent packed comes out, and nothing else."""

from __future__ import annotations

import pytest

from tests.logql.stages.running import kept, parsed

JSON_ERROR = "JSONParserErr"


@pytest.mark.parametrize(
    ("line", "unpacked", "labels"),
    [
        ('{"pod":"p","n":1,"x":null,"o":{"a":"b"},"_entry":"text"}', "text", {"pod": "p"}),
        ('{"_entry":"a\\n\\u00e9","a b":"c\\t"}', "a\né", {"a_b": "c\t"}),
        ('{"_entry":""}', "", {}),
        ('{"_entry":"1","_entry":"2","a":"3","a":"4"}', "1", {"a": "3"}),
        ('{"app":"x","_entry":"1"}', "1", {"app_extracted": "x"}),
        ('{"_entry":"1"} tail', "1", {}),
    ],
)
def test_packed_lines(line: str, unpacked: str, labels: dict[str, str]) -> None:
    ran = kept("| unpack", line)
    assert (ran.line, parsed(ran), ran.error) == (unpacked, labels, "")


@pytest.mark.parametrize("line", ["", "{}", '{"pod":"p"}', '{"_entry":{"a":1},"pod":"p"}', '{"_entry":1,"pod":"p"}'])
def test_other_objects_stay(line: str) -> None:
    ran = kept("| unpack", line)
    assert (ran.line, parsed(ran), ran.error) == (line, {}, "")


@pytest.mark.parametrize("line", ["text", "[1]", ' {"_entry":"x"}', '{"pod":"p","_entry":', '{"a":1 2,"_entry":"x"}'])
def test_broken_lines_fail_and_stay(line: str) -> None:
    ran = kept("| unpack", line)
    assert (ran.line, parsed(ran), ran.error) == (line, {}, JSON_ERROR)
    assert ran.error_details


def test_where_no_label_is_wanted_the_line_is_unpacked_all_the_same() -> None:
    assert kept("| unpack", '{"_entry":"x"}', wanted=frozenset()).line == "x"
    assert kept("| unpack", "text", wanted=frozenset()).error == ""
