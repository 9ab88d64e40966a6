"""The metric half of the syntax tree: aggregations over ranges and vectors, operators, functions and literals."""

from __future__ import annotations

import enum
from itertools import pairwise

import attrs

from logpulse.logql.ast_log import Selector, Stage, pipeline_text, swallows
from logpulse.logql.lexical import format_number, format_query_duration, format_range, quote

# -- aggregations -----------------------------------------------------------------------------------------------------


class RangeOperator(enum.Enum):
    """What becomes of the entries of one window."""

    COUNT = "count_over_time"
    RATE = "rate"
    BYTES = "bytes_over_time"
    BYTES_RATE = "bytes_rate"
    ABSENT = "absent_over_time"
    RATE_COUNTER = "rate_counter"
    SUM = "sum_over_time"
    AVERAGE = "avg_over_time"
    MINIMUM = "min_over_time"
    MAXIMUM = "max_over_time"
    FIRST = "first_over_time"
    LAST = "last_over_time"
    STANDARD_DEVIATION = "stddev_over_time"
    VARIANCE = "stdvar_over_time"
    QUANTILE = "quantile_over_time"


class VectorOperator(enum.Enum):
    """What becomes of the series of one group."""

    SUM = "sum"
    AVERAGE = "avg"
    MINIMUM = "min"
    MAXIMUM = "max"
    COUNT = "count"
    STANDARD_DEVIATION = "stddev"
    VARIANCE = "stdvar"
    TOP = "topk"
    BOTTOM = "bottomk"
    APPROXIMATE_TOP = "approx_topk"
    SORT = "sort"
    SORT_DESCENDING = "sort_desc"


class GroupingMode(enum.Enum):
    """Whether the labels of a grouping are those kept or those removed."""

    BY = "by"
    WITHOUT = "without"


@attrs.frozen
class Grouping:
    """Group series by the labels named, or by all others. `by ()` makes one group."""

    mode: GroupingMode
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.mode.value} ({','.join(self.labels)})"


@attrs.frozen
class LogRange:
    """Gather the lines of a pipeline in windows `range_ns` long that end `offset_ns` before each point."""

    selector: Selector
    stages: tuple[Stage, ...]
    range_ns: int
    offset_ns: int = 0

    def __str__(self) -> str:
        pairs = enumerate(pairwise(self.stages), 1)
        cut = next((index for index, pair in pairs if swallows(*pair)), len(self.stages))
        offset = f" offset {format_query_duration(self.offset_ns)}" if self.offset_ns else ""
        later = "".join(f" {stage}" for stage in self.stages[cut:])
        return f"{pipeline_text(self.selector, self.stages[:cut])}[{format_range(self.range_ns)}]{offset}{later}"


@attrs.frozen
class RangeAggregation:
    """Make one sample of each window and series. `parameter` is the quantile of `quantile_over_time`."""

    operator: RangeOperator
    log_range: LogRange
    parameter: float | None = None
    grouping: Grouping | None = None

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The selectors below this node, in reading order."""
        return (self.log_range.selector,)

    def __str__(self) -> str:
        parameter = "" if self.parameter is None else f"{format_number(self.parameter)},"
        grouping = "" if self.grouping is None else f" {self.grouping}"
        return f"{self.operator.value}({parameter}{self.log_range}){grouping}"


@attrs.frozen
class VectorAggregation:
    """Make one series of each group, or choose some of it. `parameter` is the k of `topk` and its kin."""

    operator: VectorOperator
    operand: MetricExpression
    parameter: int | None = None
    grouping: Grouping | None = None

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The selectors below this node, in reading order."""
        return self.operand.selectors

    def __str__(self) -> str:
        grouping = "" if self.grouping is None else f" {self.grouping}"
        parameter = "" if self.parameter is None else f"{self.parameter},"
        return f"{self.operator.value}{grouping}({parameter}{self.operand})"


# -- operators --------------------------------------------------------------------------------------------------------


class BinaryOperator(enum.Enum):
    """What is done with two operands."""

    OR = "or"
    AND = "and"
    UNLESS = "unless"
    EQUAL = "=="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"
    POWER = "^"

    @property
    def is_set_operator(self) -> bool:
        """Whether the operator chooses series and leaves their values alone."""
        return self in _SET_OPERATORS

    @property
    def is_comparison(self) -> bool:
        """Whether the operator filters, or gives 0 or 1."""
        return self in _COMPARISONS


_SET_OPERATORS = frozenset({BinaryOperator.OR, BinaryOperator.AND, BinaryOperator.UNLESS})
_COMPARISONS = frozenset(
    {
        BinaryOperator.EQUAL,
        BinaryOperator.NOT_EQUAL,
        BinaryOperator.GREATER,
        BinaryOperator.GREATER_OR_EQUAL,
        BinaryOperator.LESS,
        BinaryOperator.LESS_OR_EQUAL,
    }
)


class MatchingMode(enum.Enum):
    """Whether the labels of a vector matching are those compared or those left out."""

    ON = "on"
    IGNORING = "ignoring"


class ManySide(enum.Enum):
    """The side of an operator on which several series may meet one of the other side."""

    LEFT = "group_left"
    RIGHT = "group_right"


@attrs.frozen
class VectorMatching:
    """Say which series of two vectors meet. `include` names labels taken over from the side of one."""

    mode: MatchingMode
    labels: tuple[str, ...]
    many: ManySide | None = None
    include: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.mode.value} ({','.join(self.labels)})"
        if self.many is None:
            return text
        include = f" ({','.join(self.include)})" if self.include else ""
        return f"{text} {self.many.value}{include}"


@attrs.frozen
class BinaryOperation:
    """Combine two expressions. `return_bool` makes a comparison give 0 or 1 where it would filter.

    An operand of a set operator is never a literal; two literals are never combined, as they are folded when parsed.
    """

    operator: BinaryOperator
    left: MetricExpression
    right: MetricExpression
    return_bool: bool = False
    matching: VectorMatching | None = None

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The selectors below this node, in reading order."""
        return self.left.selectors + self.right.selectors

    def __str__(self) -> str:
        modifiers = (" bool" if self.return_bool else "") + ("" if self.matching is None else f" {self.matching}")
        return f"({self.left} {self.operator.value}{modifiers} {self.right})"


# -- functions and literals -------------------------------------------------------------------------------------------


@attrs.frozen
class LabelReplace:
    """Set the label `destination` from the groups of a fully anchored regular expression on the label `source`."""

    operand: MetricExpression
    destination: str
    replacement: str
    source: str
    pattern: str

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """The selectors below this node, in reading order."""
        return self.operand.selectors

    def __str__(self) -> str:
        texts = (self.destination, self.replacement, self.source, self.pattern)
        return f"label_replace({self.operand},{','.join(map(quote, texts))})"


def _comparable(value: float) -> str:
    return repr(float(value))


@attrs.frozen
class NumberLiteral:
    """Be a number: a scalar, or the same sample at every point. NaN equals NaN here, and 0 is not -0."""

    value: float = attrs.field(eq=_comparable)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """None: a literal reads no stream."""
        return ()

    def __str__(self) -> str:
        return format_number(self.value)


@attrs.frozen
class VectorLiteral:
    """Be a vector of one sample without labels: `vector(1)`."""

    value: float

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """None: a literal reads no stream."""
        return ()

    def __str__(self) -> str:
        six_digits = f"{self.value:f}"  # as Loki writes it, unless that loses something
        return f"vector({six_digits if float(six_digits) == self.value else format_number(self.value)})"


MetricExpression = RangeAggregation | VectorAggregation | BinaryOperation | LabelReplace | NumberLiteral | VectorLiteral
