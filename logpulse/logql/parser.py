"""Read LogQL: from text to the syntax tree, or to an error that says where and why not.

The grammar is in `grammar.lark`; the builders make nodes while the parser runs, without a parse tree in between.
Every function here raises the same errors:

* QuerySyntaxError: the text is malformed or breaks a rule of LogQL; its position lies within the text.
* LimitExceededError: the text is longer than QUERY_CHARACTERS or QUERY_TOKENS, nests deeper than QUERY_DEPTH, or has
  more than QUERY_STAGES in one pipeline.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Final, cast

from lark import Lark
from lark.exceptions import UnexpectedInput

from logpulse.errors import LimitExceededError, QuerySyntaxError
from logpulse.limits import QUERY_CHARACTERS, QUERY_DEPTH, QUERY_TOKENS
from logpulse.logql.ast import LogQuery, Query, Selector
from logpulse.logql.diagnosis import diagnose
from logpulse.logql.metric_builder import TreeBuilder
from logpulse.logql.position import Placed, locate
from logpulse.logql.validation import require_selective

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# About one match for each token of the grammar; what stands in strings and comments is none.
_LEXEME: Final = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|`[^`]*`|#[^\n]*|[\w.]+|[=!<>|]{1,2}|[^\w\s]', re.ASCII)


def parse(text: str) -> Query:
    """Read a log query or a metric query, and make sure that no selector could choose everything by mistake."""
    query = parse_unrestricted(text)
    for selector in query.selectors:
        require_selective(selector, text)
    return query


def parse_log_query(text: str) -> LogQuery:
    """Read a log query as `parse_unrestricted` does; a metric query is a QuerySyntaxError."""
    query = parse_unrestricted(text)
    if not isinstance(query, LogQuery):
        raise QuerySyntaxError(
            "this is a metric query",
            locate(text, len(text) - len(text.lstrip()), 1),
            ('a log query such as {service="api"} |= "timeout"',),
        )
    return query


def parse_unrestricted(text: str) -> Query:
    """Read a log query or a metric query whose selectors may be empty or match every stream: `{}`, `{app=~".*"}`."""
    return cast("Placed[Query]", _run(text, "query")).node


def parse_selector(text: str) -> Selector:
    """Read a selector and nothing else; it may be `{}` (see `require_selective`)."""
    return cast("Placed[Selector]", _run(text, "selector")).node


def _run(text: str, start: str) -> object:
    _check_bounds(text)
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    try:
        return _lalr().parse(text, start=start)
    except UnexpectedInput as refusal:
        raise diagnose(refusal, text) from None


@lru_cache(maxsize=1)
def _lalr() -> Lark:
    """Make the parser, once: it takes 0.1 s. It holds no state between texts, so one serves every thread."""
    return Lark(
        files("logpulse.logql").joinpath("grammar.lark").read_text("utf-8"),
        parser="lalr",
        lexer="basic",
        start=["query", "selector"],
        transformer=TreeBuilder(),
        g_regex_flags=re.ASCII,
    )


def _check_bounds(text: str) -> None:
    """Refuse what would take long to parse or nest too deep, before it is parsed."""
    if len(text) > QUERY_CHARACTERS:
        raise LimitExceededError("characters of a query", QUERY_CHARACTERS, len(text))
    if len(text) <= QUERY_TOKENS and text.count("(") <= QUERY_DEPTH:
        return
    lexemes = _LEXEME.findall(text)
    if len(lexemes) > QUERY_TOKENS:
        raise LimitExceededError("words and signs of a query", QUERY_TOKENS, len(lexemes))
    depth = deepest = 0
    for lexeme in lexemes:
        if lexeme == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif lexeme == ")":
            depth -= 1
    if deepest > QUERY_DEPTH:
        raise LimitExceededError("levels of parentheses and operators in a query", QUERY_DEPTH, deepest)
