"""Turn the parser's refusal of a text into an error that says what stands there and what could."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from logpulse.errors import QuerySyntaxError
from logpulse.logql.expectations import END, describe
from logpulse.logql.hints import Found, hint_for
from logpulse.logql.lexical import shortened
from logpulse.logql.position import locate

_LONGEST_WORD: Final = 200  # characters looked back for the begin of a word
_WORD_BEFORE: Final = re.compile(r"[\w.]+\Z")
_WORD: Final = re.compile(r"[\w.]*")
_AMOUNT: Final = re.compile(
    r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:(?:[eE][0-9]+)?|(?:[KMGTP]i|[kKMGTP])?B|(?:ns|us|µs|μs|ms|[smhdwy])(?:[0-9.]+(?:ns|us|µs|μs|ms|[smhdwy]))*)"
)
_FUNCTIONS: Final = frozenset({"RANGE_OPERATOR", "VECTOR_OPERATOR", "VECTOR", "LABEL_REPLACE", "CONVERSION", "IP"})
_NAMES_TOO: Final = frozenset({"DEDUP", "CONTEXT"})
_AMOUNTS: Final = ("NUMBER", "DURATION", "BYTES")


def diagnose(refusal: UnexpectedInput, text: str) -> QuerySyntaxError:
    """Explain why the parser refuses `text`."""
    expected = _expected(refusal)
    if isinstance(refusal, UnexpectedCharacters):
        offset = refusal.pos_in_stream or 0
        found = Found(text, offset, "", text[offset], expected)
    elif isinstance(refusal, UnexpectedToken) and refusal.token.type != END:
        terminal = "NAME" if refusal.token.type in _NAMES_TOO else refusal.token.type
        found = Found(text, refusal.token.start_pos or 0, terminal, str(refusal.token), expected)
    else:
        found = Found(text, len(text), END, "", expected)
    return _broken_amount(found) or QuerySyntaxError(
        _reason(found), locate(text, found.offset, _length(found)), describe(expected), hint_for(found)
    )


def _expected(refusal: UnexpectedInput) -> frozenset[str]:
    """Give the terminals that could stand where the parser stopped; words that are names as well go as names."""
    accepts: Callable[[], set[str]] = refusal.interactive_parser.accepts
    return frozenset(accepts() - _NAMES_TOO)


def _broken_amount(found: Found) -> QuerySyntaxError | None:
    """Recognise `1.5d`, `0x10`, `5min` and `10.0.0.1`, of which the parser has taken the first part as a number."""
    text = found.text
    end = found.offset
    touching = _WORD_BEFORE.search(text, max(0, end - _LONGEST_WORD), end)
    if touching is None:
        end = len(text[:end].rstrip())
        touching = _WORD_BEFORE.search(text, max(0, end - _LONGEST_WORD), end)
    if touching is None or "#" in text[text.rfind("\n", 0, end) + 1 : end]:
        return None
    start = touching.start()
    rest = _WORD.match(text, end)
    word = text[start : end if rest is None else rest.end()]
    if not word.lstrip(".")[:1].isdecimal() or _AMOUNT.fullmatch(word):
        return None
    return QuerySyntaxError(
        f"`{shortened(word)}` is no number, no duration and no byte size",
        locate(text, start, len(word)),
        describe(_AMOUNTS),
        f'durations are written like 90s or 1h30m, sizes like 10MB or 1.5KiB, text in quotes: "{shortened(word)}"',
    )


def _reason(found: Found) -> str:
    word = shortened(found.word)
    match found.terminal:
        case "":
            return _character_reason(found)
        case "$END":
            return "unexpected end of the query" if found.text.strip() else "the query is empty"
        case "STRING":
            return f"unexpected string {word}"
        case "NAME" if found.at_expression and found.after.startswith("("):
            return f"`{word}` is no function of LogQL"
        case "NAME":
            return f"unexpected name `{word}`"
        case terminal if terminal in _FUNCTIONS:
            return f"unexpected function `{word}`"
        case _ if found.word[0].isalpha():
            return f"unexpected keyword `{word}`"
        case _:
            return f"unexpected `{word}`"


def _character_reason(found: Found) -> str:
    match found.word:
        case '"' | "`":
            return f"the string {shortened(_rest_of_line(found), 20)} is not closed"
        case "[":
            return "the range is not closed"
        case character if character.isprintable():
            return f"unexpected character `{character}`"
        case character:
            return f"unexpected character U+{ord(character):04X}"


def _length(found: Found) -> int:
    return len(_rest_of_line(found)) if not found.terminal and found.word in '"`' else len(found.word)


def _rest_of_line(found: Found) -> str:
    return found.text[found.offset :].partition("\n")[0]
