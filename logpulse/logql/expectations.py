"""What could stand at a place of a query, in the words of a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

END: Final = "$END"
_MOST: Final = 8  # a longer list helps nobody

_MATCH_OPERATORS: Final = frozenset({"EQUAL", "NOT_EQUAL", "MATCHES", "NOT_MATCHES"})
_COMPARISONS: Final = frozenset({"EQUAL_TO", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL"})
_LINE_FILTERS: Final = frozenset(
    {"LINE_CONTAINS", "NOT_EQUAL", "LINE_MATCHES", "NOT_MATCHES", "LINE_MATCHES_PATTERN", "LINE_NOT_PATTERN"}
)
_ARITHMETIC: Final = frozenset({"PLUS", "MINUS", "TIMES", "DIVIDED", "MODULO", "POWER"})

# Terminals that have one name together come first; the rest of a set goes by single names.
_GROUPS: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"LEFT_BRACE"}), 'a selector such as `{service="api"}`'),
    (_ARITHMETIC | _COMPARISONS | {"NOT_EQUAL", "AND", "OR", "UNLESS"}, "an operator such as `+`, `>` or `and`"),
    (_MATCH_OPERATORS | _COMPARISONS, "a comparison such as `=`, `=~` or `>`"),
    (_MATCH_OPERATORS, "`=`, `!=`, `=~` or `!~`"),
    (frozenset({"AND", "COMMA", "NAME", "LEFT_PARENTHESIS"}), "another condition"),
    (_LINE_FILTERS, "a line filter such as `|=`"),
    (frozenset({"RANGE_OPERATOR", "VECTOR_OPERATOR", "VECTOR", "LABEL_REPLACE"}), "a metric function such as `rate(`"),
    (frozenset({"JSON", "LOGFMT", "REGEXP", "PATTERN", "UNPACK"}), "a parser such as `json`"),
    (
        frozenset({"LINE_FORMAT", "LABEL_FORMAT", "DECOLORIZE", "DROP", "KEEP"}),
        "a format stage such as `line_format`",
    ),
    (frozenset({"NUMBER", "PLUS", "MINUS"}), "a number"),
    (frozenset({"BY", "WITHOUT"}), "`by` or `without`"),
    (frozenset({"ON", "IGNORING"}), "`on` or `ignoring`"),
    (frozenset({"GROUP_LEFT", "GROUP_RIGHT"}), "`group_left` or `group_right`"),
)
_NAMES: Final = {
    END: "the end of the query",
    "NAME": "a label name",
    "STRING": "a quoted string",
    "NUMBER": "a number",
    "DURATION": "a duration such as `5m`",
    "BYTES": "a byte size such as `10MB`",
    "RANGE": "a range such as `[5m]`",
    "FLAG": "a flag such as `--strict`",
    "RIGHT_BRACE": "`}`",
    "LEFT_PARENTHESIS": "`(`",
    "RIGHT_PARENTHESIS": "`)`",
    "COMMA": "`,`",
    "PIPE": "`|` and a stage",
    "IP": "`ip(`",
    "CONVERSION": "`duration(` or `bytes(`",
    "EQUAL": "`=`",
    "NOT_EQUAL": "`!=`",
    "UNWRAP": "`unwrap`",
    "OFFSET": "`offset`",
    "BOOL": "`bool`",
    "AND": "`and`",
    "OR": "`or`",
}


def describe(terminals: Iterable[str]) -> tuple[str, ...]:
    """Describe a set of the grammar's terminals, what matters most first; at most eight items."""
    left = set(terminals)
    words = []
    for group, name in _GROUPS:
        if group <= left:
            words.append(name)
            left -= group
    words.extend(name for terminal, name in _NAMES.items() if terminal in left)
    return tuple(words[:_MOST])
