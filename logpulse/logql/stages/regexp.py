"""The parser `| regexp`: each named group of a regular expression becomes a label, where the expression matches."""

from __future__ import annotations

from logpulse.logql.ast import RegexpParser
from logpulse.logql.record import Record, Test
from logpulse.model.pattern import compile_groups


def exact(stage: RegexpParser) -> Test:
    """Give the stage's work on one entry. A group that takes no part in the match makes an empty label.

    Raises:
        PatternError: the expression is malformed.
    """
    groups = compile_groups(stage.pattern)

    def read(record: Record) -> bool:
        found = groups(record.line)
        if found is not None:
            record.extract(found)
        return True

    return read
