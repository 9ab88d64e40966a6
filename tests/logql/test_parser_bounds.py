"""Limits of queries: whatever comes is parsed or refused soon, and never ends in a crash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from logpulse.errors import LimitExceededError, QuerySyntaxError
from logpulse.limits import QUERY_CHARACTERS, QUERY_DEPTH, QUERY_STAGES, QUERY_TOKENS
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import _lalr, parse


@pytest.mark.parametrize(
    ("text", "limit", "value"),
    [
        ('{app="' + "x" * QUERY_CHARACTERS + '"}', "characters of a query", QUERY_CHARACTERS),
        ("1" + "+1" * 60_000, "words and signs of a query", QUERY_TOKENS),
        ("(" * 100_000, "words and signs of a query", QUERY_TOKENS),
        ('{app="x"}' + '|="x"' * 501, "stages of one pipeline", QUERY_STAGES),
        ('rate({app="x"}' + '|="x"' * 400 + "[5m]" + '|="x"' * 101 + ")", "stages of one pipeline", QUERY_STAGES),
        ("(" * 101 + "1" + ")" * 101, "levels of parentheses and operators in a query", QUERY_DEPTH),
        ("sum(" * 101 + "vector(1)" + ")" * 101, "levels of parentheses and operators in a query", QUERY_DEPTH),
        ("vector(1)" + "+vector(1)" * 100, "levels of parentheses and operators in a query", QUERY_DEPTH),
        ("vector(1)^" * 100 + "vector(1)", "levels of parentheses and operators in a query", QUERY_DEPTH),
        (
            '{app="x"} | ' + "(a=1 or b=1 and " * 50 + "c=1" + ")" * 50,
            "levels of parentheses and operators in a query",
            QUERY_DEPTH,
        ),
    ],
)
def test_what_is_too_much_is_refused_by_name(text: str, limit: str, value: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse(text)
    assert (caught.value.limit, caught.value.value) == (limit, value)
    assert isinstance(caught.value.sent, int)
    assert caught.value.sent > value


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100 + "1" + ")" * 100,
        "1" + "+1" * 4_900,
        "sum(" * 98 + "vector(1)" + ")" * 98,
        "vector(1)" + "+vector(1)" * 99,
        '{app="x"} | ' + " or ".join(["a=1"] * 2_000),
        '{app="x"} |= "' + "(" * 50_000 + '" # ' + "(" * 50_000,
        '{app="x"} | ' + "(a=1 or b=1 and " * 48 + "c=1" + ")" * 48,
    ],
)
def test_what_is_just_within_the_bounds_is_parsed_and_written_out(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query
    assert hash(query) == hash(parse(text))


def test_as_many_stages_as_allowed() -> None:
    query = parse('{app="x"}' + '|="x"' * QUERY_STAGES)
    assert isinstance(query, LogQuery)
    assert len(query.stages) == QUERY_STAGES


@pytest.mark.parametrize(
    "text",
    [
        '{app="' + "x" * 130_000,
        "sum" + "#" * 130_000,
        "sum" + "#\n" * 4_000 + "x",
        "sum" + " " * 130_000 + "x",
        '{app="x"} | a>' + "9" * 130_000 + "B",
        '{app="x"} | a>' + "1h" * 60_000,
        "9" * 130_000,
        '{app="x"} | a>' + "9" * 130_000 + "h",
        'rate({app="x"}[' + "9" * 130_000 + "h])",
        "topk(" + "9" * 130_000 + ", vector(1))",
        '{app="x"} | pattern "' + "<" * 130_000 + '"',
        '{app="x"} | line_format "{{' + "(" * 60_000 + '"',
        '{app="x"} | json a="a' + "[99999999999]" * 5_000 + '"',
    ],
)
def test_huge_tokens_are_refused_and_not_a_danger(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse(text)


def test_one_parser_serves_all_threads() -> None:
    texts = [f'sum by (a{number}) (rate({{app="x{number}"}} |= "{number}" [5m])) > {number}' for number in range(64)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(parse, texts)) == [parse(text) for text in texts]
    assert _lalr() is _lalr()
