"""What log queries mean: text to syntax tree."""

from __future__ import annotations

import pytest

from logpulse.errors import QuerySyntaxError
from logpulse.logql.ast import (
    And,
    BytesComparison,
    ComparisonOperator,
    Condition,
    Decolorize,
    DropLabels,
    DurationComparison,
    Extraction,
    IpComparison,
    IpOperand,
    JsonParser,
    KeepLabels,
    LabelFilter,
    LabelFormat,
    LabelRename,
    LabelTemplate,
    LineFilter,
    LineFilterOperator,
    LineFormat,
    LogfmtParser,
    LogQuery,
    NumberComparison,
    Or,
    PatternParser,
    RegexpParser,
    Selector,
    Stage,
    TextComparison,
    TextOperand,
    UnpackParser,
)
from logpulse.logql.parser import parse, parse_log_query, parse_selector, parse_unrestricted
from logpulse.model.matcher import Matcher, MatchOperator

EQUAL, NOT_EQUAL = MatchOperator.EQUAL, MatchOperator.NOT_EQUAL
REGEX, NOT_REGEX = MatchOperator.REGEX, MatchOperator.NOT_REGEX
CONTAINS, NOT_CONTAINS = LineFilterOperator.CONTAINS, LineFilterOperator.NOT_CONTAINS
APP = Selector((Matcher("app", EQUAL, "x"),))


def stages_of(text: str) -> tuple[Stage, ...]:
    return parse_log_query(f'{{app="x"}} {text}').stages


def condition_of(text: str) -> Condition:
    (stage,) = stages_of(f"| {text}")
    assert isinstance(stage, LabelFilter)
    return stage.condition


def text_is(name: str, value: str) -> TextComparison:
    return TextComparison(Matcher(name, EQUAL, value))


def number_is(name: str, value: float) -> NumberComparison:
    return NumberComparison(name, ComparisonOperator.EQUAL, value)


# -- selectors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ('{app="x"}', [Matcher("app", EQUAL, "x")]),
        (
            '{app="a",b!="c",d=~"e",f!~"g"}',
            [
                Matcher("app", EQUAL, "a"),
                Matcher("b", NOT_EQUAL, "c"),
                Matcher("d", REGEX, "e"),
                Matcher("f", NOT_REGEX, "g"),
            ],
        ),
        ('{ app = "x" ,\n app!="y" }', [Matcher("app", EQUAL, "x"), Matcher("app", NOT_EQUAL, "y")]),
        ('{rate="r",sum="s"}', [Matcher("rate", EQUAL, "r"), Matcher("sum", EQUAL, "s")]),
        ('{ip="i",vector="v"}', [Matcher("ip", EQUAL, "i"), Matcher("vector", EQUAL, "v")]),
        ('{sumby="b",jsonx="j"}', [Matcher("sumby", EQUAL, "b"), Matcher("jsonx", EQUAL, "j")]),
        ('{_under="u",Upper="U"}', [Matcher("_under", EQUAL, "u"), Matcher("Upper", EQUAL, "U")]),
        ("{}", []),
    ],
)
def test_selectors(text: str, matchers: list[Matcher]) -> None:
    assert parse_selector(text) == Selector(tuple(matchers))
    assert parse_unrestricted(text) == LogQuery(Selector(tuple(matchers)))


def test_a_selector_knows_where_it_stood_but_compares_by_value() -> None:
    selector = parse_log_query('  ( {app="x"} |= "a")').selector
    assert (selector.offset, selector.length) == (4, 9)
    assert selector == APP
    assert hash(selector) == hash(APP)


@pytest.mark.parametrize("text", ["", '{app="x"} |= "a"', 'rate({app="x"}[5m])', '({app="x"})', '{app="x"} {app="x"}'])
def test_a_selector_stands_alone(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse_selector(text)


# -- literals, blanks and comments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"plain"', "plain"),
        ('""', ""),
        ('"é 日本 🚀"', "é 日本 🚀"),
        (r'"sp\x61rse \141 \u00fc \U0001F680"', "sparse a ü 🚀"),
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r'"\xc3\xa9\xff\303\251"', "é\N{REPLACEMENT CHARACTER}é"),
        (r"`a\n\"b`", r"a\n\"b"),
        ("`two\r\nlines`", "two\nlines"),
        ('"{}|=,#"', "{}|=,#"),
    ],
)
def test_strings(literal: str, value: str) -> None:
    assert stages_of(f"|= {literal}") == (LineFilter(CONTAINS, (TextOperand(value),)),)


@pytest.mark.parametrize(
    "text",
    [
        '{app="x"}|="a"',
        '\t{app="x"}\n|= "a"\n',
        '# first\n{app="x"} # then "quoted (\n |= "a" # last',
        '{app="x"} |= "a" /* dropped */',
        '{app="x"} |= "a" /* dropped\n * too */ \n',
        '({app="x"} |= "a")',
        '( ( {app="x"} |= "a" ) )',
    ],
)
def test_blanks_comments_and_parentheses_mean_nothing(text: str) -> None:
    assert parse(text) == LogQuery(APP, (LineFilter(CONTAINS, (TextOperand("a"),)),))


# -- line filters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", LineFilterOperator)
def test_every_line_filter_operator(operator: LineFilterOperator) -> None:
    assert stages_of(f'{operator.value} "<_>" or `b`') == (
        LineFilter(operator, (TextOperand("<_>"), TextOperand("b"))),
    )


def test_line_filters_follow_one_another_and_mix_texts_with_addresses() -> None:
    assert stages_of('|= "a" or ip("10.0.0.1") or "" != IP ( "::/0" ) != "c"') == (
        LineFilter(CONTAINS, (TextOperand("a"), IpOperand("10.0.0.1"), TextOperand(""))),
        LineFilter(NOT_CONTAINS, (IpOperand("::/0"),)),
        LineFilter(NOT_CONTAINS, (TextOperand("c"),)),
    )


@pytest.mark.parametrize("text", ["1.2.3.4", "::1", "10.0.0.0/8", "192.168.4.5/16", "10.0.0.1-10.0.0.9", "::1-::ff"])
def test_addresses_ranges_and_networks(text: str) -> None:
    assert stages_of(f'|= ip("{text}")') == (LineFilter(CONTAINS, (IpOperand(text),)),)


# -- label filters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ('a="b"', text_is("a", "b")),
        ("a!=`b`", TextComparison(Matcher("a", NOT_EQUAL, "b"))),
        ('a=~"b.*"', TextComparison(Matcher("a", REGEX, "b.*"))),
        ('a!~"b"', TextComparison(Matcher("a", NOT_REGEX, "b"))),
        ("a=1", number_is("a", 1)),
        ("a==1.50", number_is("a", 1.5)),
        ("a==+3", number_is("a", 3)),
        ("a>=-.5", NumberComparison("a", ComparisonOperator.GREATER_OR_EQUAL, -0.5)),
        ("a<1e3", NumberComparison("a", ComparisonOperator.LESS, 1000)),
        ("a<=- 2", NumberComparison("a", ComparisonOperator.LESS_OR_EQUAL, -2)),
        ("a>1.5h", DurationComparison("a", ComparisonOperator.GREATER, 5_400 * 10**9)),
        ("a>1d12h", DurationComparison("a", ComparisonOperator.GREATER, 129_600 * 10**9)),
        ("a!=-10s", DurationComparison("a", ComparisonOperator.NOT_EQUAL, -(10**10))),
        ("a=250µs", DurationComparison("a", ComparisonOperator.EQUAL, 250_000)),
        ("a=5ns", DurationComparison("a", ComparisonOperator.EQUAL, 5)),
        ("a>=10KB", BytesComparison("a", ComparisonOperator.GREATER_OR_EQUAL, 10_000)),
        ("a==1.5KiB", BytesComparison("a", ComparisonOperator.EQUAL, 1_536)),
        ("a<20B", BytesComparison("a", ComparisonOperator.LESS, 20)),
        ('a=ip("10.0.0.0/8")', IpComparison("a", EQUAL, "10.0.0.0/8")),
        ('ip!=ip("::1")', IpComparison("ip", NOT_EQUAL, "::1")),
        ('duration="d"', text_is("duration", "d")),
    ],
)
def test_comparisons(text: str, condition: Condition) -> None:
    assert condition_of(text) == condition


A, B, C = number_is("a", 1), number_is("b", 2), number_is("c", 3)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("a=1 and b=2", And((A, B))),
        ("a=1 AND b=2, c=3", And((A, B, C))),
        ("a=1 b=2 c=3", And((A, B, C))),
        ("a=1 or b=2 OR c=3", Or((A, B, C))),
        ("a=1 or b=2 and c=3", Or((A, And((B, C))))),
        ("a=1 b=2 or c=3", Or((And((A, B)), C))),
        ("(a=1 or b=2) c=3", And((Or((A, B)), C))),
        ("a=1 and (b=2 and c=3)", And((A, And((B, C))))),
        ("((a=1))", A),
        ("a=1or b=2", Or((A, B))),
    ],
)
def test_and_binds_tighter_than_or(text: str, condition: Condition) -> None:
    assert condition_of(text) == condition


def test_a_line_filter_may_follow_a_label_filter_directly() -> None:
    assert stages_of('| a=1 != "debug"') == (LabelFilter(A), LineFilter(NOT_CONTAINS, (TextOperand("debug"),)))


# -- the other stages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("| json", JsonParser()),
        ('| json a="x.y", b', JsonParser((Extraction("a", "x.y"), Extraction("b", "b")))),
        ('| json a="[0].x[\\"y z\\"]"', JsonParser((Extraction("a", '[0].x["y z"]'),))),
        ("| LogFmt", LogfmtParser()),
        ("| logfmt --strict", LogfmtParser(strict=True)),
        ('| logfmt --keep-empty --strict a="k"', LogfmtParser(True, True, (Extraction("a", "k"),))),
        ("| logfmt rate, sum", LogfmtParser(extractions=(Extraction("rate", "rate"), Extraction("sum", "sum")))),
        (r"| regexp `(?P<a>\d+) [(?P<x>] \(?P<(?<b>.)`", RegexpParser(r"(?P<a>\d+) [(?P<x>] \(?P<(?<b>.)")),
        ("| pattern `<<pri>><_> db: <msg>`", PatternParser("<<pri>><_> db: <msg>")),
        ("| unpack", UnpackParser()),
        ('| line_format "{{.a}} <{{__line__ | upper}}>"', LineFormat("{{.a}} <{{__line__ | upper}}>")),
        ('| label_format a=b,c="{{.d}}"', LabelFormat((LabelRename("a", "b"), LabelTemplate("c", "{{.d}}")))),
        ("| decolorize", Decolorize()),
        ('| drop a, sum, b="v"', DropLabels(("a", "sum", Matcher("b", EQUAL, "v")))),
        ('| keep a != "x"', KeepLabels((Matcher("a", NOT_EQUAL, "x"),))),
    ],
)
def test_stages(text: str, stage: Stage) -> None:
    assert stages_of(text) == (stage,)


def test_a_log_query_is_no_metric_query() -> None:
    with pytest.raises(QuerySyntaxError, match="this is a metric query") as caught:
        parse_log_query('  rate({app="x"}[5m])')
    assert caught.value.position.offset == 2
