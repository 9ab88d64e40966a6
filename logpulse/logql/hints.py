"""Advice for the slips that people make most often."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Final

import attrs

from logpulse.errors import LogPulseError
from logpulse.logql.expectations import END
from logpulse.logql.lexical import shortened
from logpulse.model.pattern import PatternError

_NEARBY: Final = 200  # characters before the place that a rule looks at
_STAGES: Final = (
    *("json", "logfmt", "regexp", "pattern", "unpack"),
    *("line_format", "label_format", "decolorize", "drop", "keep", "unwrap"),
)
_ENDINGS: Final = ("dedup", "context")
_MODIFIERS: Final = (
    *("and", "or", "unless", "bool", "on", "ignoring", "group_left", "group_right", "by", "without"),
    "offset",
)
_KEYWORDS: Final = frozenset((*_STAGES, *_MODIFIERS))
_FUNCTIONS: Final = (
    *("count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time", "rate_counter"),
    *("sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "first_over_time", "last_over_time"),
    *("stddev_over_time", "stdvar_over_time", "quantile_over_time"),
    *("sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "approx_topk", "sort", "sort_desc"),
    *("vector", "label_replace"),
)
_IN_DEDUP: Final = re.compile(r"\|\s*dedup(?:\s+by)?\s*\Z", re.ASCII | re.IGNORECASE)
# Nothing here gives back what it took: of blanks that two parts could share there would be too many readings.
_IN_CONTEXT: Final = re.compile(
    r"\|\s*+context(?:\s++(?:before|after)\s*+=\s*+[0-9.]*+)*+(?:\s++(?:before|after))?+\s*+\Z",
    re.ASCII | re.IGNORECASE,
)
_LAST_WORD: Final = re.compile(r"([a-zA-Z_]\w*)\s*\Z", re.ASCII)
_BARE_TEXT: Final = re.compile(r"""[^\s"'`|,(){}\[\]]+""")
_ARITHMETIC: Final = frozenset({"PLUS", "MINUS", "TIMES", "DIVIDED", "MODULO", "POWER"})
_COMPARISONS: Final = frozenset({"EQUAL_TO", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL"})
_QUOTES: Final = "'\u2018\u2019\u201c\u201d\u00b4"  # straight, curly and acute


@attrs.frozen
class Found:
    """Hold what stands where a query stops making sense.

    `terminal` is the grammar's name of it, empty for a character that begins no token; `word` is its text;
    `expected` holds the terminals that could stand there.
    """

    text: str
    offset: int
    terminal: str
    word: str
    expected: frozenset[str]

    @property
    def before(self) -> str:
        """The text shortly before, without blanks at its end."""
        return self.text[max(0, self.offset - _NEARBY) : self.offset].rstrip()

    @property
    def last_word(self) -> str:
        """The name or keyword just before, empty if it is something else."""
        match = _LAST_WORD.search(self.before)
        return "" if match is None else match[1]

    @property
    def after(self) -> str:
        """The text shortly after, without blanks at its start."""
        end = self.offset + len(self.word)
        return self.text[end : end + _NEARBY].lstrip()

    @property
    def in_log_query(self) -> bool:
        """Whether a line filter could stand here."""
        return "LINE_CONTAINS" in self.expected

    @property
    def at_expression(self) -> bool:
        """Whether a metric expression could begin here."""
        return "RANGE_OPERATOR" in self.expected


def hint_for(found: Found) -> str:
    """Give advice on what was found, empty if no rule knows the slip."""
    return next(filter(None, (rule(found) for rule in _RULES)), "")


def hint_for_literal(error: LogPulseError) -> str:
    """Give advice on a string literal whose content is refused, empty if there is none."""
    if not isinstance(error, PatternError):
        return ""
    if "perl operator" in error.reason or "escape" in error.reason:
        return "LogQL uses RE2, which has no look-around and no back-references"
    if "no argument" in error.reason:
        return "write `.*` for any text"
    return ""


def closest(word: str, candidates: tuple[str, ...]) -> str:
    """Give the candidate most like a mistyped word, empty if none is close."""
    return next(iter(difflib.get_close_matches(word[:_NEARBY].lower(), candidates, 1, 0.7)), "")


# -- the rules: the first that gives advice wins ----------------------------------------------------------------------


def _strange_character(found: Found) -> str:
    if found.terminal:
        return ""
    if found.word in _QUOTES:
        return 'strings stand in straight double quotes, "…", or in backquotes'
    if found.word == '"':
        return 'close it with `"` on the same line; a string in backquotes may span lines'
    if found.word == "&":
        return 'filters follow one another: `|= "a" |= "b"`' if found.in_log_query else "write `and`"
    if found.word == ":" and "EQUAL" in found.expected:
        return "a label and its value are joined by `=`"
    if found.word == "." and {"EQUAL", "COMMA"} <= found.expected:
        return 'a path is quoted and gets a name: `json city="user.city"`'
    if found.word == "@":
        return "LogQL has no `@` modifier; use `offset`"
    if found.word == "~" and found.in_log_query:
        return 'to match the line write `|~ "…"`'
    if not found.word.isprintable():
        return f"only blanks, tabs and line ends may separate words; this is U+{ord(found.word):04X}"
    if found.word.isalnum() and "STRING" not in found.expected:
        return "label names are made of ASCII letters, digits and `_`"
    return ""


def _keyword_as_label(found: Found) -> str:
    compared = found.terminal in ("EQUAL", "NOT_EQUAL", "MATCHES")
    keyword = (found.last_word if compared else found.word).lower()
    if keyword not in _KEYWORDS:
        return ""
    if compared or ("NAME" in found.expected and found.after.startswith(("=", "!", ",", ")", "}"))):
        return f"`{keyword}` is a keyword of LogQL and cannot name a label in a query"
    return ""


def _wrong_equals_sign(found: Found) -> str:
    if found.terminal == "EQUAL_TO" and "EQUAL" in found.expected:
        return "a label is compared with a single `=`"
    if found.terminal == "EQUAL" and {"EQUAL_TO", "PLUS"} <= found.expected:
        return "values are compared with `==`"
    if found.terminal != "STRING" or "NUMBER" not in found.expected:
        return ""
    if found.before.endswith("=="):
        return "text is compared with a single `=`"
    if found.before.endswith((">", "<", ">=", "<=")):
        return "text has no order; write the number, duration or byte size without quotes"
    return ""


def _quotes(found: Found) -> str:
    if found.terminal == "STRING" and "NAME" in found.expected and "STRING" not in found.expected:
        return _stage_or_name(found)
    wordlike = found.word[:1].isalnum() or found.word[:1] in ("_", "/", ".")
    if wordlike and found.terminal and found.text[max(0, found.offset - 1)] == '"':
        return 'a quote inside a string is written `\\"`, or the string stands in backquotes'
    if found.terminal == "LEFT_BRACE" and "STRING" in found.expected:
        return 'a template is a string: "{{.name}}"'
    if not wordlike or "STRING" not in found.expected:
        return ""
    bare = _BARE_TEXT.match(found.text, found.offset)
    return f'text needs quotes: "{shortened(bare[0])}"' if bare else ""


def _stage_or_name(found: Found) -> str:
    if "JSON" in found.expected:
        return f"to search the line write `|= {shortened(found.word)}`"
    return "label names stand without quotes" if not found.in_log_query else ""


def _line_filter_without_pipe(found: Found) -> str:
    if not found.in_log_query:
        return ""
    if "EQUAL" in found.expected and found.terminal in _COMPARISONS:
        return f"a condition is a stage of its own: `| {shortened(found.last_word)}{found.word}…`"
    if found.terminal in ("EQUAL", "EQUAL_TO", "STRING") or (found.terminal == "NAME" and "AND" not in found.expected):
        return 'to search the line write `|= "…"`'
    if found.terminal == "MATCHES":
        return 'to match the line write `|~ "…"`'
    if found.terminal == "AND":
        return 'filters follow one another: `|= "a" |= "b"`'
    if found.terminal in ("OR", "UNLESS"):
        return 'log queries cannot be joined; alternatives of one filter can: `|= "a" or "b"`'
    if found.terminal in _ARITHMETIC | _COMPARISONS:
        return "a log query has no value; count its lines: count_over_time({…}[5m])"
    return ""


def _missing_selector(found: Found) -> str:
    if not found.at_expression or found.terminal not in ("NAME", "STRING"):
        return ""
    if found.after.startswith(("=", "!=")):
        return f'a selector stands in braces: {{{shortened(found.word)}="…"}}'
    if found.terminal == "NAME" and found.after.startswith("("):
        likely = closest(found.word, _FUNCTIONS)
        return f"did you mean `{likely}`?" if likely else ""
    if found.terminal == "NAME" and found.word.lower() in _FUNCTIONS:
        return f"the argument of a function stands in parentheses: {found.word.lower()}(…)"
    if not found.before and "LEFT_BRACE" in found.expected:
        return 'to search for text write {service=~".+"} |= "text"'
    return ""


def _selector_slips(found: Found) -> str:
    if found.terminal in ("RIGHT_BRACE", "RIGHT_PARENTHESIS") and found.before.endswith(","):
        return f"remove the comma before `{found.word}`"
    if found.before.endswith(",") and found.expected == {"NAME"}:
        return "something is missing after the comma"
    if {"RIGHT_BRACE", "COMMA"} <= found.expected:
        return "put a comma between two matchers" if found.terminal == "NAME" else "close the selector with `}`"
    if found.terminal == "RIGHT_BRACE" and "EQUAL" in found.expected:
        return f'say which value: {{{found.last_word}="…"}}'
    return ""


def _endings(found: Found) -> str:
    if found.terminal in ("", "STRING") or found.terminal in _COMPARISONS:
        return ""
    if _IN_CONTEXT.search(found.before):
        return "say how many entries: `| context before=2 after=2`"
    if _IN_DEDUP.search(found.before):
        return "whole lines are compared by `| dedup`, labels by `| dedup by (a, b)`"
    return ""


def _unknown_stage(found: Found) -> str:
    if not {"EQUAL", "GREATER"} <= found.expected or "PLUS" in found.expected:
        return ""
    word = found.last_word
    if word.lower() == "not":
        return "LogQL has no `not`; use `!=` or `!~`"
    likely = closest(word, (*_STAGES, *_ENDINGS))
    return f"did you mean `{likely}`?" if likely else f'to filter by a label compare it: `| {shortened(word)}="…"`'


def _ranges(found: Found) -> str:
    if found.terminal == "RIGHT_PARENTHESIS" and "RANGE" in found.expected:
        return "say how long a window is: `[5m]` before the parenthesis"
    if found.terminal == "RANGE":
        return "a range belongs into a function such as count_over_time({…}[5m])"
    if found.terminal == "LEFT_BRACE" and found.at_expression:
        return "make a metric of the log query: count_over_time({…}[5m])"
    if found.terminal == "OFFSET":
        return "`offset` follows a range directly: `[5m] offset 1h`"
    if found.terminal == "NUMBER" and "DURATION" in found.expected and "NUMBER" not in found.expected:
        return f"a duration needs a unit, as in `{shortened(found.word)}m`"
    return ""


def _parentheses(found: Found) -> str:
    if found.terminal == "NAME" and found.last_word.lower() in ("by", "without", "on", "ignoring"):
        return f"its labels stand in parentheses: {found.last_word.lower()} ({shortened(found.word)})"
    if found.expected == {"LEFT_PARENTHESIS"} and found.before.endswith(")"):
        return "the argument of an aggregation stands in parentheses: sum by (app) (…)"
    if found.terminal == END and "RIGHT_PARENTHESIS" in found.expected:
        return "a parenthesis is not closed"
    return ""


def _signs_and_flags(found: Found) -> str:
    if found.before.endswith(("+", "-")) and "NUMBER" in found.expected and not found.at_expression:
        return "a sign belongs to a number; write `-1 * …`" if found.terminal not in ("", "NUMBER") else ""
    if found.terminal == "FLAG":
        return "only `logfmt` has flags, and they stand before its keys"
    if found.terminal == "PIPE" and found.before.endswith("|"):
        return "a stage is missing between the two `|`; alternatives are joined by `or`"
    return ""


_RULES: Final[tuple[Callable[[Found], str], ...]] = (
    _strange_character,
    _endings,
    _keyword_as_label,
    _wrong_equals_sign,
    _quotes,
    _selector_slips,
    _line_filter_without_pipe,
    _missing_selector,
    _ranges,
    _parentheses,
    _signs_and_flags,
    _unknown_stage,
)
