"""The conditions of a label filter: comparisons of a label's value, joined by `and` and `or`."""

from __future__ import annotations

import enum

import attrs

from logpulse.logql.lexical import format_number, format_query_bytes, format_query_duration, quote
from logpulse.model.matcher import Matcher, MatchOperator


class ComparisonOperator(enum.Enum):
    """How a label's value is compared with a number, a duration or a byte size; the query may write `=` for `==`."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


@attrs.frozen
class TextComparison:
    """Compare a label's value as text: `level="error"`, `path=~"/api/.*"`. A missing label is empty."""

    matcher: Matcher

    def __str__(self) -> str:
        return str(self.matcher)


@attrs.frozen
class NumberComparison:
    """Compare a label's value as a number: `status>=500`."""

    name: str
    operator: ComparisonOperator
    value: float

    def __str__(self) -> str:
        return f"{self.name}{self.operator.value}{format_number(self.value)}"


@attrs.frozen
class DurationComparison:
    """Compare a label's value as a duration: `took>1.5s`."""

    name: str
    operator: ComparisonOperator
    nanoseconds: int

    def __str__(self) -> str:
        return f"{self.name}{self.operator.value}{format_query_duration(self.nanoseconds)}"


@attrs.frozen
class BytesComparison:
    """Compare a label's value as a number of bytes: `size<10MB`."""

    name: str
    operator: ComparisonOperator
    size: int

    def __str__(self) -> str:
        return f"{self.name}{self.operator.value}{format_query_bytes(self.size)}"


@attrs.frozen
class IpComparison:
    """Compare a label's value with an address, a range or a network: `src=ip("10.0.0.0/8")`.

    The operator is EQUAL or NOT_EQUAL.
    """

    name: str
    operator: MatchOperator
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator.value}ip({quote(self.value)})"


@attrs.frozen
class And:
    """Ask for all of two or more conditions, joined by `and`, `,` or a blank; binds tighter than `or`."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"( {' , '.join(map(str, self.conditions))} )"


@attrs.frozen
class Or:
    """Ask for one of two or more conditions."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"( {' or '.join(map(str, self.conditions))} )"


Condition = TextComparison | NumberComparison | DurationComparison | BytesComparison | IpComparison | And | Or


@attrs.frozen
class LabelFilter:
    """Keep the lines whose labels meet a condition."""

    condition: Condition

    def __str__(self) -> str:
        return f"| {self.condition}"
