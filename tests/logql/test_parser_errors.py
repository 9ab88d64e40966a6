"""What is refused, and where the error points. The marks « » enclose where an error must point."""

from __future__ import annotations

import pytest

from logpulse.errors import Position, QuerySyntaxError
from logpulse.logql.parser import parse, parse_selector, parse_unrestricted
from logpulse.logql.validation import require_selective


def refusal(text: str) -> QuerySyntaxError:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    return caught.value


def refusal_at_marks(marked: str) -> QuerySyntaxError:
    """Parse a text without its marks, and check that the error points at what stood between them."""
    before, found, after = marked.replace("»", "«").split("«")
    error = refusal(before + found + after)
    assert (error.position.offset, error.position.length) == (len(before), len(found))
    return error


# -- where and why ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ("«»", "the query is empty"),
        ('{app="x" «env»="y"}', "unexpected name `env`"),
        ("{app=«1»}", "unexpected `1`"),
        ('{app="x"} «"a"»', 'unexpected string "a"'),
        ('{«json»="x"}', "unexpected keyword `json`"),
        ('{app="x"} | foo«»', "unexpected end of the query"),
        ('{app="x"} |= «"abc»', 'the string "abc is not closed'),
        ('{app="x"} |= «"abc»\n|= "b"', 'the string "abc is not closed'),
        ('{app="x"} |= «`abc»', "the string `abc is not closed"),
        ('count_over_time({app="x"}«[»5m)', "the range is not closed"),
        ('«increase»({app="x"}[5m])', "`increase` is no function of LogQL"),
        ('- «rate»({app="x"}[5m])', "unexpected function `rate`"),
        ('{app="x"} | a>«5x»', "`5x` is no number, no duration and no byte size"),
        ("«0x10» + 1", "`0x10` is no number, no duration and no byte size"),
        ('{app="x"} | a=«10.0.0.1»', "`10.0.0.1` is no number, no duration and no byte size"),
        ('{app="x"} «&»', "unexpected character `&`"),
        ('{app="x"}«\u00a0»', "unexpected character U+00A0"),
    ],
)
def test_syntax(marked: str, reason: str) -> None:
    assert refusal_at_marks(marked).reason == reason


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        (r'{app="x"} |~ "a«\d»+"', r"`\d` is not an escape of a quoted string"),
        (r'{app="«\ud800»"}', r"`\ud800` names no character"),
        (r'{app="«\x4»"}', r"`\x4` is not an escape of a quoted string"),
        (r'{app="«\777»"}', r"`\777` is not an escape of a quoted string"),
        ("«1e400»", "the number is out of range"),
        ('{app="x"} | a>«1.5d»', "`1.5d` is not a duration"),
        ('{app="x"} | a>«1h1d»', "`1h1d` is not a duration"),
        ('{app="x"} | a>«293y»', "`293y` is not a duration: it must be at most 292 years"),
        ('{app="x"} | a>«9224PB»', "the byte size is out of range"),
        ('rate({app="x"}«[5]»)', "`[5]` is not a range"),
        ('rate({app="x"}«[ 5m ]»)', "`[ 5m ]` is not a range"),
        ('rate({app="x"}«[-5m]»)', "`[-5m]` is not a range"),
        ('rate({app="x"}«[1.5h]»)', "`[1.5h]` is not a range"),
        ('rate({app="x"}«[5m:1m]»)', "`[5m:1m]` is not a range"),
        ('rate({app="x"}«[5m1h]»)', "`[5m1h]` is not a range"),
        ('rate({app="x"}«[]»)', "`[]` is not a range"),
        ('rate({app="x"}«[0s]»)', "a range must be longer than zero"),
    ],
)
def test_literals(marked: str, reason: str) -> None:
    assert refusal_at_marks(marked).reason == reason


@pytest.mark.parametrize(
    "marked",
    [
        '{app=~«"("»}',
        '{app="x",b!~«"("»}',
        '{app="x"} |~ "a" or «"("»',
        '{app="x"} !~ «"("»',
        '{app="x"} | a!~«"("»',
        '{app="x"} | drop b, a=~«"("»',
        '{app="x"} | keep a!~«"("»',
        '{app="x"} | regexp «"("»',
        'label_replace(vector(1), "a", "b", "c", «"("»)',
    ],
)
def test_regular_expressions_are_checked_wherever_they_stand(marked: str) -> None:
    assert refusal_at_marks(marked).reason == "invalid regular expression: missing ): ("


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ('{app="x"} |~ «"(?=a)"»', "invalid regular expression: invalid perl operator: (?="),
        ('{app="x"} |~ «"a{1001}"»', "invalid regular expression: invalid repetition size: {1001}"),
        ('{app="x"} | regexp «`(?P<a>)(?<a>)`»', "invalid regular expression: the group `a` occurs twice"),
        ('{app="x"} | regexp «"(?P<é>x)"»', "invalid regular expression: `é` cannot name a label"),
        (
            r'{app="x"} | regexp «`[(?P<a>](x)\(?P<b>\Q(?P<c>\E`»',
            "invalid regular expression: at least one named group such as `(?P<ip>…)` is needed",
        ),
        ('{app="x"} | pattern «"<_>"»', "a pattern needs at least one named capture such as `<ip>`"),
        ('{app="x"} | pattern «"<a><_>"»', "no text stands between the captures `<a><_>`"),
        ('{app="x"} | pattern «"<a> <a>"»', "the pattern captures `<a>` twice"),
        ('{app="x"} |> «"<a> b"»', "a pattern filter takes no named capture such as `<a>`; write `<_>`"),
        ('{app="x"} !> "a" or «"<_><_>"»', "no text stands between the captures `<_><_>`"),
        ('{app="x"} | json a=«"b.c["»', "the path `b.c[` cannot be read at `[` at its character 4"),
        ('{app="x"} | json a=«"b."»', "the path `b.` cannot be read at `.` at its character 2"),
        ('{app="x"} | json a=«".b"»', "the path `.b` cannot be read at `.b` at its character 1"),
        ("""{app="x"} | json a=«`["b"]c`»""", 'the path `["b"]c` cannot be read at `c` at its character 6'),
        ('{app="x"} | json a=«""»', "the path `` cannot be read at its end"),
        ('{app="x"} | line_format «"{{.a"»', "invalid template: an action is not closed with `}}`"),
        ('{app="x"} | label_format a=«"{{else}}"»', "invalid template: `{{else}}` closes or continues nothing"),
    ],
)
def test_what_strings_hold(marked: str, reason: str) -> None:
    assert refusal_at_marks(marked).reason == reason


@pytest.mark.parametrize(
    "text", ["nonsense", "10.0.0.300", "9.0.0.9-9.0.0.1", "1.0.0.1-::1", "10.0.0.0/33", "", "10.0.0.0/255.0.0.0"]
)
def test_addresses(text: str) -> None:
    reason = f"`{text}` is no address, no range `a-b` and no network `a/bits`"
    assert refusal_at_marks(f'{{app="x"}} |= ip(«"{text}"»)').reason == reason
    assert refusal_at_marks(f'{{app="x"}} | a!=ip(«"{text}"»)').reason == reason


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ('{app="x"} |~ «ip»("1.2.3.4")', "`ip` goes with `|=` and `!=`, not with `|~`"),
        ('{app="x"} !> "a" or «ip»("1.2.3.4")', "`ip` goes with `|=` and `!=`, not with `!>`"),
        ('{app="x"} | logfmt «--loose»', "`logfmt` has no flag `--loose`"),
        ('{app="x"} | label_format a=b,«a»=c', "`label_format` sets `a` twice"),
        ('{app="x"} | label_format «__error__»="x"', "`__error__` cannot be set"),
        ('{app="x"} | json | «unwrap» a', "`unwrap` makes samples, and this is a log query"),
        ('sum_over_time({app="x"} | unwrap a | «json» [5m])', "only label filters may follow `unwrap`"),
        ('sum_over_time({app="x"} | unwrap a | b=1 | «unwrap» b [5m])', "only label filters may follow `unwrap`"),
        ('sum_over_time({app="x"} | unwrap a [5m] «|=» "b")', "only label filters may follow `unwrap`"),
        ("sum(«1» + 2)", "`sum` works on vectors, and this is the number 3"),
        ('label_replace(«-»7, "a", "b", "c", "d")', "`label_replace` works on vectors, and this is the number -7"),
        ("vector(1) and «2»", "`and` combines vectors, and this is the number 2"),
        ("(«2») unless vector(1)", "`unless` combines vectors, and this is the number 2"),
        ("vector(1) or «1» and vector(2)", "`and` combines vectors, and this is the number 1"),
    ],
)
def test_rules(marked: str, reason: str) -> None:
    assert refusal_at_marks(marked).reason == reason


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ('«count_over_time»({app="x"} | unwrap a [5m])', "`count_over_time` takes no `unwrap`"),
        ('«bytes_rate»({app="x"} | unwrap a [5m])', "`bytes_rate` takes no `unwrap`"),
        ('sum(«avg_over_time»({app="x"}[5m]))', "`avg_over_time` needs `unwrap`"),
        ('«rate_counter»({app="x"}[5m])', "`rate_counter` needs `unwrap`"),
        ('«quantile_over_time»({app="x"} | unwrap a [5m])', "`quantile_over_time` needs a parameter"),
        ('rate(«2», {app="x"}[5m])', "`rate` takes no parameter"),
        ('rate({app="x"}[5m]) «by» (app)', "grouping is not allowed for `rate`"),
        ('sum_over_time({app="x"} | unwrap a [5m]) «without» ()', "grouping is not allowed for `sum_over_time`"),
        ("sort(vector(1)) «by» (a)", "grouping is not allowed for `sort`"),
        ("approx_topk «by» (a) (2, vector(1))", "grouping is not allowed for `approx_topk`"),
        ("«topk»(vector(1))", "`topk` needs a parameter"),
        ("topk(«0», vector(1))", "`topk` needs a positive integer, got 0"),
        ("bottomk(«1.5», vector(1))", "`bottomk` needs a positive integer, got 1.5"),
        ("sum(«1», vector(1))", "`sum` takes no parameter"),
    ],
)
def test_aggregations(marked: str, reason: str) -> None:
    assert refusal_at_marks(marked).reason == reason


def test_positions_count_characters_lines_and_columns() -> None:
    assert refusal('{app="é"}\n  |= "日本"\n  | json | |').position == Position(31, 3, 12, 1)
    assert refusal('{app="x"} |= `a\nb` | a="\\q"').position == Position(24, 2, 9, 2)
    assert refusal('{app="x"} | regexp `\n`').position == Position(19, 1, 20, 3)
    assert refusal('{app="x"}\n |=').position == Position(13, 2, 4, 0)


# -- selectors that could choose everything ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "marked",
    [
        "«{}»",
        '«{app=""}»',
        '«{app=~".*"}»',
        '«{app!="x"}»',
        '«{app!~"x"}»',
        '«{app=~".*",env!="x"}» |= "a"',
        '«{app=~"x|"}»',
        'rate({app="x"}[5m]) / sum(rate(«{app=~"x*"}»[5m]))',
    ],
)
def test_a_selector_must_name_a_value(marked: str) -> None:
    error = refusal_at_marks(marked)
    assert error.reason.startswith("queries require at least one regexp or equality matcher that does not have")
    assert parse_unrestricted(marked.replace("«", "").replace("»", ""))


@pytest.mark.parametrize("text", ['{a=~".+"}', '{a="x",b=~".*"}', '{a!="x",b=~"y"}'])
def test_one_selective_matcher_is_enough(text: str) -> None:
    require_selective(parse_selector(text), text)
