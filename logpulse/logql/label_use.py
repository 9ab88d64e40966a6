"""Which labels the stages of a pipeline read and write, so that its parsers need not extract all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from logpulse.logql.ast import (
    And,
    Condition,
    JsonParser,
    LabelFilter,
    LabelFormat,
    LabelRename,
    LineFormat,
    LogfmtParser,
    Or,
    PatternParser,
    RegexpParser,
    Stage,
    TextComparison,
    UnpackParser,
    Unwrap,
)
from logpulse.logql.capture_pattern import Capture, parse_parser_pattern
from logpulse.logql.record import EXTRACTED_SUFFIX
from logpulse.logql.template import compile_template
from logpulse.logql.validation import read_capture_names


def wanted_labels(stages: Sequence[Stage], named: frozenset[str] | None) -> frozenset[str] | None:
    """Give the labels that parsers have to extract so that the stages work and the labels `named` come out right.

    `named` are those that a query names behind the pipeline, as in groupings; None, there and in the answer, stands for
    all labels. The stream's own labels count as well: a parser that looks for one never finds it, and thus reads each
    line to its end. Without any label wanted parsers do nothing, and cannot fail.
    """
    wanted = set[str]()
    for names in (named, *map(labels_read, stages)):
        if names is None:
            return None
        wanted |= names
    return frozenset(wanted) | {name.removesuffix(EXTRACTED_SUFFIX) for name in wanted}


def labels_read(stage: Stage) -> frozenset[str] | None:
    """Give the labels on which a stage's work depends, or what `unwrap` takes; None stands for all labels.

    What `drop` and `keep` compare is not among them: it matters to those only who read it anyway.
    """
    match stage:
        case LabelFilter(condition):
            return frozenset(_compared(condition))
        case LineFormat(template):
            return compile_template(template).fields
        case LabelFormat(assignments):
            return _union(
                frozenset({each.source}) if isinstance(each, LabelRename) else compile_template(each.template).fields
                for each in assignments
            )
        case Unwrap(label, _):
            return frozenset({label})
        case _:
            return frozenset()


def labels_written(stage: Stage) -> frozenset[str] | None:
    """Give the labels that a stage may set, where they clash as well; None stands for any label."""
    match stage:
        case JsonParser(extractions) | LogfmtParser(_, _, extractions):
            return _or_extracted(each.name for each in extractions) if extractions else None
        case RegexpParser(pattern):
            return _or_extracted(read_capture_names(pattern))
        case PatternParser(pattern):
            return _or_extracted(
                part.name for part in parse_parser_pattern(pattern) if isinstance(part, Capture) and part.name
            )
        case UnpackParser():
            return None
        case LabelFormat(assignments):
            return frozenset(each.name for each in assignments)
        case _:
            return frozenset()


def _compared(condition: Condition) -> Iterable[str]:
    match condition:
        case And(conditions) | Or(conditions):
            return (name for each in conditions for name in _compared(each))
        case TextComparison(matcher):
            return (matcher.name,)
        case _:
            return (condition.name,)


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    union = frozenset[str]()
    for each in sets:
        if each is None:
            return None
        union |= each
    return union


def _or_extracted(names: Iterable[str]) -> frozenset[str]:
    return frozenset(shown for name in names for shown in (name, f"{name}{EXTRACTED_SUFFIX}"))
