"""The log half of the syntax tree: selectors, line filters and the pipeline."""

from __future__ import annotations

import enum

import attrs

from logpulse.logql.ast_ending import Context, Dedup
from logpulse.logql.ast_label_filter import LabelFilter
from logpulse.logql.ast_stages import (
    Decolorize,
    DropLabels,
    JsonParser,
    KeepLabels,
    LabelFormat,
    LineFormat,
    LogfmtParser,
    PatternParser,
    RegexpParser,
    UnpackParser,
    Unwrap,
)
from logpulse.logql.lexical import quote
from logpulse.model.matcher import Matcher


@attrs.frozen
class Selector:
    """Choose streams by their labels. `offset` and `length` say where in the query text it stood."""

    matchers: tuple[Matcher, ...]
    offset: int = attrs.field(default=0, eq=False, repr=False, kw_only=True)
    length: int = attrs.field(default=0, eq=False, repr=False, kw_only=True)

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.matchers)) + "}"


class LineFilterOperator(enum.Enum):
    """How a line filter looks at the line. Regular expressions are not anchored."""

    CONTAINS = "|="
    NOT_CONTAINS = "!="
    MATCHES = "|~"
    NOT_MATCHES = "!~"
    MATCHES_PATTERN = "|>"
    NOT_MATCHES_PATTERN = "!>"

    @property
    def negative(self) -> bool:
        """Whether the filter keeps the lines in which no alternative is found."""
        return self.value[0] == "!"


@attrs.frozen
class TextOperand:
    """Look for a text, a regular expression or a pattern, as the filter's operator says."""

    value: str

    def __str__(self) -> str:
        return quote(self.value)


@attrs.frozen
class IpOperand:
    """Look for an address in the line: a single one, a range `a-b`, or a network `10.0.0.0/8`."""

    value: str

    def __str__(self) -> str:
        return f"ip({quote(self.value)})"


@attrs.frozen
class LineFilter:
    """Keep the lines in which one of the alternatives is found, or, for a negative operator, none."""

    operator: LineFilterOperator
    alternatives: tuple[TextOperand | IpOperand, ...]

    def __str__(self) -> str:
        return f"{self.operator.value} {' or '.join(map(str, self.alternatives))}"


Stage = (
    LineFilter
    | LabelFilter
    | JsonParser
    | LogfmtParser
    | RegexpParser
    | PatternParser
    | UnpackParser
    | LineFormat
    | LabelFormat
    | Decolorize
    | DropLabels
    | KeepLabels
    | Unwrap
)


@attrs.frozen
class LogQuery:
    """Select streams and run each line through the stages. `Unwrap` is no stage of a log query.

    Of the entries that match, `dedup` leaves some out of an answer, and `context` adds others to it.
    """

    selector: Selector
    stages: tuple[Stage, ...] = ()
    dedup: Dedup | None = None
    context: Context | None = None

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The query's only selector, in the form that metric expressions share."""
        return (self.selector,)

    @property
    def is_selector(self) -> bool:
        """Whether nothing follows the selector."""
        return not self.stages and not self.endings

    @property
    def endings(self) -> tuple[Dedup | Context, ...]:
        """What chooses the entries that an answer shows, in the order of its work."""
        return tuple(each for each in (self.dedup, self.context) if each is not None)

    def __str__(self) -> str:
        return " ".join(map(str, (self.selector, *self.stages, *self.endings)))


def pipeline_text(selector: Selector, stages: tuple[Stage, ...]) -> str:
    """Write a selector and its stages, one blank between them."""
    return " ".join(map(str, (selector, *stages)))


def swallows(stage: Stage, following: Stage) -> bool:
    """Tell whether `following` would be read as part of `stage`: in `| drop a != "x"` the comparison belongs to `a`.

    Only a range can stand between such two, so no log query has them.
    """
    return (
        isinstance(stage, DropLabels | KeepLabels)
        and isinstance(stage.items[-1], str)
        and isinstance(following, LineFilter)
        and following.operator in (LineFilterOperator.NOT_CONTAINS, LineFilterOperator.NOT_MATCHES)
    )
