"""Regular expressions: how they match, and what they give."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import REGEX_BYTES
from logpulse.model.pattern import PatternError, compile_anchored, compile_groups, compile_pattern, compile_search

CASES = [
    ("a.c", "abc", True, True),
    ("a.c", "xabc", True, False),
    ("a.c", "a\nc", False, True),
    ("é.日", "é😀日", True, True),
    ("(?i)É", "é", True, True),
    ("", "", True, True),
    ("", "a", True, False),
    ("^b", "ab", False, False),
]


@pytest.mark.parametrize(("pattern", "text", "found", "whole"), CASES)
def test_matching(pattern: str, text: str, found: bool, whole: bool) -> None:
    assert (compile_search(pattern)(text), compile_anchored(pattern)(text)) == (found, whole)
    assert (compile_groups(pattern)(text) is not None) is found


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"(?P<b>\d+)-(?<a>\w+)", "é 12-xy", {"b": "12", "a": "xy"}),
        (r"(?P<a>x)?(?P<b>y)", "zy", {"a": "", "b": "y"}),
        (r"(?P<a>)$", "é", {"a": ""}),
        ("(x)", "x", {}),
        ("(?P<a>x)", "y", None),
    ],
)
def test_groups(pattern: str, text: str, groups: dict[str, str] | None) -> None:
    assert compile_groups(pattern)(text) == groups


@pytest.mark.parametrize("compile_it", [compile_pattern, compile_search, compile_anchored, compile_groups])
@pytest.mark.parametrize("pattern", ["(", "a{1001}", r"(?=a)", "x" * (REGEX_BYTES + 1)])
def test_malformed(compile_it: object, pattern: str) -> None:
    assert callable(compile_it)
    with pytest.raises(PatternError) as raised:
        compile_it(pattern)
    assert raised.value.pattern == pattern


@given(st.text("abé😀\n", max_size=8), st.text("abé😀\n", max_size=4))
def test_groups_are_cut_between_characters(text: str, part: str) -> None:
    found = compile_groups(f"(?P<before>(?s:.*?))(?P<part>{re.escape(part)})")(f"{text}{part}")
    assert found is not None
    assert f"{text}{part}".startswith(found["before"] + found["part"])
    assert found["part"] == part
