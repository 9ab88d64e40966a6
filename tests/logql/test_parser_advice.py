"""What an error says could stand at its place, and how it helps with common slips."""

from __future__ import annotations

import pytest

from logpulse.errors import QuerySyntaxError
from logpulse.logql.diagnosis import _NAMES_TOO
from logpulse.logql.expectations import describe
from logpulse.logql.hints import _FUNCTIONS, _KEYWORDS
from logpulse.logql.parser import _lalr, parse

from .strategies import KEYWORDS


def refusal(text: str) -> QuerySyntaxError:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ('a selector such as `{service="api"}`', "a metric function such as `rate(`", "a number", "`(`")),
        ("{", ("a label name", "`}`")),
        ("{app", ("`=`, `!=`, `=~` or `!~`",)),
        ("{app=", ("a quoted string",)),
        ('{app="x"', ("`}`", "`,`")),
        ('{app="x"} x', ("a line filter such as `|=`", "the end of the query", "`|` and a stage")),
        ('{app="x"} |=', ("a quoted string", "`ip(`")),
        (
            '{app="x"} |',
            ("a parser such as `json`", "a format stage such as `line_format`", "a label name", "`(`", "`unwrap`"),
        ),
        ('{app="x"} | a', ("a comparison such as `=`, `=~` or `>`",)),
        ('rate({app="x"}[5m]', ("a line filter such as `|=`", "`)`", "`|` and a stage", "`offset`")),
        ("vector(1) vector", ("an operator such as `+`, `>` or `and`", "the end of the query")),
    ],
)
def test_expectations_are_in_plain_words(text: str, expected: tuple[str, ...]) -> None:
    assert refusal(text).expected == expected


NAMED_BY_GROUPS = """
    AND OR UNLESS PLUS MINUS TIMES DIVIDED MODULO POWER MATCHES NOT_MATCHES
    EQUAL_TO GREATER GREATER_OR_EQUAL LESS LESS_OR_EQUAL NOT_EQUAL
    LINE_CONTAINS LINE_MATCHES LINE_MATCHES_PATTERN LINE_NOT_PATTERN
    RANGE_OPERATOR VECTOR_OPERATOR VECTOR LABEL_REPLACE JSON LOGFMT REGEXP PATTERN UNPACK
    LINE_FORMAT LABEL_FORMAT DECOLORIZE DROP KEEP BY WITHOUT ON IGNORING GROUP_LEFT GROUP_RIGHT
"""


def test_every_terminal_has_a_name_in_plain_words() -> None:
    named_by_groups = set(NAMED_BY_GROUPS.split())
    ignored = {"BLANK", "COMMENT", "TRAILING_COMMENT"}
    terminals = {terminal.name for terminal in _lalr().terminals} - ignored - _NAMES_TOO
    assert named_by_groups <= terminals
    for terminal in terminals - named_by_groups:
        assert describe([terminal]), terminal
    assert len(describe(terminals)) == 8


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("{app=api-gateway}", 'text needs quotes: "api-gateway"'),
        ('{app="x"} |= timeout', 'text needs quotes: "timeout"'),
        ('{app="x"} | level=error', 'text needs quotes: "error"'),
        ("{}", "name a label with a value"),
        ("{app='x'}", "straight double quotes"),
        ("{app=\N{LEFT DOUBLE QUOTATION MARK}x\N{RIGHT DOUBLE QUOTATION MARK}}", "straight double quotes"),
        ('{app=="x"}', "a single `=`"),
        ('{app="x"} | a=="x"', "a single `=`"),
        ('{app="x"} | a>"5"', "without quotes"),
        ('rate({app="x"}[5m]) = 1', "compared with `==`"),
        ('app="x"', 'a selector stands in braces: {app="…"}'),
        ("timeout", 'to search for text write {service=~".+"} |= "text"'),
        ('{app="x"} = "a"', 'write `|= "…"`'),
        ('{app="x"} "a"', 'write `|= "…"`'),
        ('{app="x"} | "a"', 'write `|= "a"`'),
        ('{app="x"} ~ "a"', 'write `|~ "…"`'),
        ('{app="x"} =~ "a"', 'write `|~ "…"`'),
        ('{app="x"} |= "a', 'close it with `"`'),
        ('{app="x"} |= "say "hi""', r"a quote inside a string is written `\"`"),
        ('{app="x"} |~ "\\d"', r"write `\\d` for a backslash, or put the text in backquotes"),
        ('{app="x" |= "a"', "close the selector with `}`"),
        ('{app="x"', "close the selector with `}`"),
        ('{app="x" env="y"}', "a comma between two matchers"),
        ('{app="x",}', "remove the comma"),
        ("{app}", 'say which value: {app="…"}'),
        ('{"app"="x"}', "label names stand without quotes"),
        ('{json="x"}', "`json` is a keyword"),
        ('{app="x"} | json="j"', "`json` is a keyword"),
        ('{app="x"} |= "a" and "b"', '`|= "a" |= "b"`'),
        ('{app="x"} |= "a" && "b"', '`|= "a" |= "b"`'),
        ('{app="x"} or {app="y"}', "log queries cannot be joined"),
        ('{app="x"} + 1', "count_over_time({…}[5m])"),
        ('{app="x"} | jsn', "did you mean `json`?"),
        ('{app="x"} | json status>400', "a condition is a stage of its own: `| status>…`"),
        ('{app="x"} | not a="b"', "LogQL has no `not`"),
        ('{app="x"} | json --strict', "only `logfmt` has flags"),
        ('{app="x"} | line_format {{.a}}', 'a template is a string: "{{.name}}"'),
        ('count_overtime({app="x"}[5m])', "did you mean `count_over_time`?"),
        ('rate({app="x"})', "`[5m]` before the parenthesis"),
        ('sum({app="x"})', "make a metric of the log query"),
        ('{app="x"}[5m]', "a range belongs into a function"),
        ('rate({app="x"}[5])', "as in `[5s]`"),
        ('rate({app="x"}[5m:1m])', "no subqueries"),
        ('rate({app="x"}[5m]) offset 1h', "follows a range directly"),
        ('rate({app="x"}[5m] offset 5)', "as in `5m`"),
        ('rate({app="x"}[5m]) @ 5', "no `@` modifier"),
        ('rate({app="x"}[5m]) by (a)', "sum by (a) (rate(…))"),
        ("sum by a (vector(1))", "by (a)"),
        ("sum (vector(1)", "a parenthesis is not closed"),
        ("sum vector(1)", "sum(…)"),
        ("sum(1)", "write vector(1)"),
        ("-vector(1)", "write `-1 * …`"),
        ('{app="x"} |~ "(?!a)"', "no look-around"),
        ('{app=~"*"}', "write `.*`"),
    ],
)
def test_common_slips_get_advice(text: str, advice: str) -> None:
    assert advice in refusal(text).hint


def test_the_words_that_advice_knows_are_those_of_the_grammar() -> None:
    assert _KEYWORDS == KEYWORDS
    for keyword in KEYWORDS:
        for spelling in (keyword, keyword.upper()):
            assert "is a keyword" in refusal(f'{{{spelling}="x"}}').hint
    for function in _FUNCTIONS:
        assert refusal(f"{function}()").position.offset > 0, "the parser knows the name"
        parse(f'{{{function}="x"}} | keep {function}')
