"""Matchers: four operators on a label's value, an absent label being empty, RE2 anchored at both ends."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.limits import REGEX_BYTES
from logpulse.logql.parser import parse_selector
from logpulse.model.labels import Labels
from logpulse.model.matcher import Matcher, MatchOperator
from logpulse.model.pattern import PatternError, compile_anchored, compile_search

from ..logql.strategies import KEYWORDS
from ..strategies import label_names, labels, texts

EQUAL, NOT_EQUAL = MatchOperator.EQUAL, MatchOperator.NOT_EQUAL
REGEX, NOT_REGEX = MatchOperator.REGEX, MatchOperator.NOT_REGEX
API = Labels.of({"service": "api", "env": "line\nbreak"})


def holds(matcher: Matcher, found: Labels) -> bool:
    """Tell whether a stream's labels meet the condition."""
    return matcher.predicate()(found.get(matcher.name))


@pytest.mark.parametrize(
    ("name", "operator", "value", "matches"),
    [
        ("service", EQUAL, "api", True),
        ("service", EQUAL, "ap", False),
        ("service", EQUAL, "API", False),
        ("service", EQUAL, "", False),
        ("absent", EQUAL, "", True),
        ("absent", EQUAL, "x", False),
        ("service", NOT_EQUAL, "web", True),
        ("service", NOT_EQUAL, "api", False),
        ("service", NOT_EQUAL, "", True),
        ("absent", NOT_EQUAL, "", False),
        ("absent", NOT_EQUAL, "x", True),
        ("service", REGEX, "a.i", True),
        ("service", REGEX, "ap", False),
        ("service", REGEX, "pi", False),
        ("service", REGEX, "web|api", True),
        ("service", REGEX, "(?i)API", True),
        ("service", REGEX, "", False),
        ("absent", REGEX, "", True),
        ("absent", REGEX, ".*", True),
        ("absent", REGEX, ".+", False),
        ("env", REGEX, "line.break", True),
        ("env", REGEX, ".+", True),
        ("service", NOT_REGEX, "a.i", False),
        ("service", NOT_REGEX, "ap", True),
        ("absent", NOT_REGEX, ".+", True),
        ("absent", NOT_REGEX, ".*", False),
    ],
)
def test_matchers_compare(name: str, operator: MatchOperator, value: str, matches: bool) -> None:
    assert holds(Matcher(name, operator, value), API) is matches


@given(labels, label_names, texts)
def test_negative_operators_are_the_opposite(found: Labels, name: str, value: str) -> None:
    assert holds(Matcher(name, EQUAL, value), found) is not holds(Matcher(name, NOT_EQUAL, value), found)
    pattern = re.escape(value).replace("\0", "")
    assert holds(Matcher(name, REGEX, pattern), found) is not holds(Matcher(name, NOT_REGEX, pattern), found)


@given(label_names.filter(lambda name: name.lower() not in KEYWORDS), st.sampled_from([EQUAL, NOT_EQUAL]), texts)
def test_matchers_are_written_as_they_are_read(name: str, operator: MatchOperator, value: str) -> None:
    matcher = Matcher(name, operator, value)
    assert parse_selector("{" + str(matcher) + "}").matchers == (matcher,)


def test_which_operators_are_negative() -> None:
    assert [operator.value for operator in MatchOperator if operator.negative] == ["!=", "!~"]


@pytest.mark.parametrize("pattern", ["(", "a**", "[", r"\1", "(?=a)", "(?<!a)", "a{2000}", "\\"])
def test_what_re2_refuses_is_refused_with_its_reason(pattern: str) -> None:
    for compile_any in (compile_anchored, compile_search):
        with pytest.raises(PatternError, match=r"^invalid regular expression: .") as caught:
            compile_any(pattern)
        assert caught.value.pattern == pattern
    with pytest.raises(PatternError):
        Matcher("service", REGEX, pattern).predicate()


def test_patterns_are_bounded() -> None:
    assert compile_search("a" * REGEX_BYTES)("a" * REGEX_BYTES)
    with pytest.raises(PatternError, match=f"longer than {REGEX_BYTES} bytes"):
        compile_search("a" * (REGEX_BYTES + 1))
    with pytest.raises(PatternError, match=f"longer than {REGEX_BYTES} bytes"):
        compile_search("é" * (REGEX_BYTES // 2 + 1))
    with pytest.raises(PatternError, match=r"too large"):
        compile_search(r"(\pL{30}){30}")


def test_evil_patterns_take_linear_time() -> None:
    assert not compile_anchored("(a+)+b")("a" * 50_000)
    assert not compile_anchored("(a|aa)*b")("a" * 50_000)


def test_a_pattern_that_takes_seconds_to_compile_is_refused_and_a_long_list_of_words_is_not() -> None:
    bomb = "|".join(f"x{number}[a-z]{{1,50}}" for number in range(500))
    words = "|".join(f"request-{number:05}" for number in range(700))
    assert max(len(bomb), len(words)) <= REGEX_BYTES
    with pytest.raises(PatternError, match=r"too large"):
        compile_anchored(bomb)
    assert compile_search(words)("a request-00699 b")
