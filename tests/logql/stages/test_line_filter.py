"""Line filters: what is found in a line, by text, expression, pattern and address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.ast import LineFilter, LineFilterOperator, TextOperand
from logpulse.logql.stages import line_filter
from tests.logql.stages.running import run, stages


@pytest.mark.parametrize(
    ("stage", "line", "holds"),
    [
        ('|= "b"', "abc", True), ('|= "B"', "abc", False), ('!= "b"', "abc", False), ('|= ""', "", True),
        ('!= ""', "abc", False), ('|~ "^b"', "abc", False), ('|~ "(?i)B"', "abc", True), ('!~ "x|y"', "abc", True),
        ('|~ "a.c"', "a\nc", False),
        ('|= "x" or "b"', "abc", True), ('|= "x" or ""', "abc", False), ('!= "x" or "b"', "abc", False),
        ('|> ""', "", True), ('|> ""', "a", False), ('|> "a"', "a", True), ('|> "a"', "ba", True),
        ('|> "a"', "ab", False), ('|> "a"', "aba", False),
        ('|> "<_>"', "a", True), ('|> "<_>"', "", False), ('|> "a<_>"', "xab", True), ('|> "a<_>"', "xa", False),
        ('|> "<_>a"', "ba", True), ('|> "<_>a"', "a", False), ('|> "<_>a"', "baxa", False),
        ('|> "<_>a<_>"', "bac", True), ('|> "<_>a<_>"', "abac", False),
        ('|> "a <_> b"', "a x b", True), ('|> "a <_> b"', "a  b", False), ('|> "a<_>b<_>c"', "axbyc", True),
        ('!> "a<_>"', "ab", False), ('!> "a<_>"', "b", True), ('|> "x" or "a<_>"', "ab", True),
        ('!> "x" or "a<_>"', "ab", False),
        ('|= ip("10.0.0.0/8")', "x 10.1.2.3:80", True), ('|= ip("10.0.0.0/8")', "x 11.1.2.3", False),
        ('!= ip("10.0.0.0/8")', "x 10.1.2.3:80", False), ('!= ip("10.0.0.0/8")', "none", True),
        ('|= ip("10.0.0.1") or "y"', "x y", True), ('|= "y" or ip("10.0.0.1")', "10.0.0.1", True),
    ],
)  # fmt: skip
def test_lines(stage: str, line: str, holds: bool) -> None:
    (only,) = stages(stage)
    assert isinstance(only, LineFilter)
    assert line_filter.exact(only)(line) is holds
    assert (run(stage, line) is not None) is holds


@pytest.mark.parametrize("stage", ['|> "<_>"', '|= ip("10.0.0.1")', '|= "x" or ip("10.0.0.1")'])
def test_patterns_and_addresses_have_no_sql_form(stage: str) -> None:
    (only,) = stages(stage)
    assert isinstance(only, LineFilter)
    assert not line_filter.has_sql(only)


words = st.text("ab ", min_size=1, max_size=3)


@given(st.lists(words, min_size=1, max_size=3), st.lists(words, min_size=4, max_size=4), st.booleans(), st.booleans())
def test_a_pattern_matches_only_what_its_texts_and_gaps_make(
    texts: list[str], gaps: list[str], begins_open: bool, ends_open: bool
) -> None:
    pattern = ("<_>" if begins_open else "") + "<_>".join(texts) + ("<_>" if ends_open else "")
    test = line_filter.exact(LineFilter(LineFilterOperator.MATCHES_PATTERN, (TextOperand(pattern),)))
    line = "x" * begins_open + "x".join(texts) + "x" * ends_open
    assert test(line), "gaps of a letter that no text has leave one place for each text"
    joined = "".join(f"{gap}{text}" for gap, text in zip(gaps, texts, strict=False)) + gaps[-1] * ends_open
    if test(joined):
        assert all(text in joined for text in texts)
        assert ends_open or joined.endswith(texts[-1])
