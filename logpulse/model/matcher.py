"""One condition of a selector on one label."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable

import attrs

from logpulse.model.pattern import compile_anchored


class MatchOperator(enum.Enum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"

    @property
    def negative(self) -> bool:
        """Whether the operator asks for what does not match."""
        return self in (MatchOperator.NOT_EQUAL, MatchOperator.NOT_REGEX)


@attrs.frozen
class Matcher:
    """Compare the label `name` with `value`. Regular expressions are RE2 and fully anchored; an absent label is empty.

    Raises:
        PatternError: from `predicate`, when the regular expression is malformed.
    """

    name: str
    operator: MatchOperator
    value: str

    def predicate(self) -> Callable[[str], bool]:
        """Compile the condition on a label's value, once for many values."""
        value = self.value
        match self.operator:
            case MatchOperator.EQUAL:
                return lambda text: text == value
            case MatchOperator.NOT_EQUAL:
                return lambda text: text != value
            case MatchOperator.REGEX:
                return compile_anchored(value)
            case MatchOperator.NOT_REGEX:
                matches = compile_anchored(value)
                return lambda text: not matches(text)

    def __str__(self) -> str:
        return f"{self.name}{self.operator.value}{json.dumps(self.value, ensure_ascii=False)}"
