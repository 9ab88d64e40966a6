"""Laws that hold for every query and every text."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import LimitExceededError, Position, QuerySyntaxError
from logpulse.logql.ast import Query, Selector
from logpulse.logql.parser import parse, parse_selector, parse_unrestricted
from logpulse.logql.template_lexer import TemplateError
from logpulse.logql.template_parser import parse_template

from .strategies import queries, selective, selectors

# What LogQL is made of, so that random texts get past the first token.
_SIGNS = "{ } ( ) [ ] , | = != =~ !~ == > >= < <= |= |~ |> !> + - * / % ^ \" ` ' # . @ \\ é \u00a0 \u017fum"
_LITERALS = '7 .5 1e3 5m 1.5h 10MB [5m] {app="x"} |="a" "<_>a" "{{.a}}" `x` ip("::1") --strict /*c*/ by(a) on() or("b")'
_KEYWORDS = "and or unless bool on ignoring group_left by without offset json logfmt regexp pattern unpack unwrap"
_FORMATS = (
    "line_format label_format decolorize drop keep rate( count_over_time( topk( sum vector( label_replace( ip( app "
    "dedup context before=2 after=3"
)
PIECES = ("\n", *f"{_SIGNS} {_LITERALS} {_KEYWORDS} {_FORMATS}".split())
_TEMPLATE = "{{ }} {{- -}} ( ) | . $ $x := = , .a if else end with range print 1 'a' \"b\" ` /* */ -1 \\n"
TEMPLATE_PIECES = (" ", "x", *_TEMPLATE.split())

law = settings(deadline=None)  # the first parse builds the parser, and the machine may be busy


def refusal(text: str) -> QuerySyntaxError | None:
    """Parse `text`, and give the error if it is malformed; no other error may escape."""
    try:
        parse(text)
    except LimitExceededError:
        return None
    except QuerySyntaxError as error:
        return error
    return None


def check(text: str) -> None:
    """Check that `text` is parsed, or refused by an error that can be shown to a person."""
    error = refusal(text)
    if error is None:
        return
    offset, length = error.position.offset, error.position.length
    assert 0 <= offset <= offset + length <= len(text)
    line_start = text.rfind("\n", 0, offset) + 1
    assert error.position == Position(offset, text.count("\n", 0, offset) + 1, offset - line_start + 1, length)
    assert error.reason
    assert len(error.expected) <= 8
    assert len(set(error.expected)) == len(error.expected)
    assert not re.search(r"[A-Z]{3,}_|\$END|Token\(", f"{error.expected}{error.hint}")


@law
@given(queries())
def test_a_query_written_out_parses_to_itself(query: Query) -> None:
    assert parse_unrestricted(str(query)) == query


@law
@given(queries(selective))
def test_a_query_with_selective_selectors_passes_validation(query: Query) -> None:
    assert parse(str(query)) == query


@law
@given(selectors)
def test_a_selector_written_out_parses_to_itself(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector


@law
@given(queries(), st.sampled_from(["\n", " \t", "  # comment ( \n"]))
def test_blanks_and_comments_around_a_query_change_nothing(query: Query, blank: str) -> None:
    assert parse_unrestricted(f"{blank}{query}{blank}") == query


@law
@given(st.text())
def test_any_text_is_parsed_or_refused_properly(text: str) -> None:
    check(text)


@law
@given(st.text(st.sampled_from("\ud800\udfff(aé")))
def test_lone_surrogates_are_no_danger(text: str) -> None:
    check(text)
    check(f'{{app="{text}"}} |~ `{text}`')


@law
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["", " "]))
def test_any_sequence_of_tokens_is_parsed_or_refused_properly(pieces: list[str], between: str) -> None:
    text = between.join(pieces)
    check(text)
    check(f'{{app="x"}} {text}')
    check(f'sum(rate({{app="x"}} {text} [5m]))')


@law
@given(queries(selective), st.data())
def test_a_damaged_query_is_parsed_or_refused_properly(query: Query, data: st.DataObject) -> None:
    text = str(query)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))
    check(text[:start] + data.draw(st.sampled_from(("", *PIECES))) + text[end:])


@law
@given(st.lists(st.sampled_from(TEMPLATE_PIECES)))
def test_any_template_is_parsed_or_refused_properly(pieces: list[str]) -> None:
    inside = "".join(pieces)
    for text in (inside, f"{{{{{inside}}}}}"):
        offset = 0
        try:
            parse_template(text)
        except TemplateError as error:
            offset = error.offset
        assert 0 <= offset <= len(text)
