"""Divide a pipeline between SQL and Python: what the scan decides, and what is left for each row."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import attrs

from logpulse.logql.ast import LineFilter, Stage
from logpulse.logql.stages import line_filter
from logpulse.logql.stages.predicate import SqlPredicate


class Mode(enum.Enum):
    """Who decides the rows of a query: the later, the more of it falls to Python."""

    SQL = "sql"
    DOUBTFUL = "sql, doubtful rows exactly"
    EXACT = "exact"


@attrs.frozen
class Division:
    """Say which stages SQL decides, and which Python for each row that is left."""

    mode: Mode
    pushed: tuple[Stage, ...]
    exact: tuple[Stage, ...]


@attrs.frozen
class SplitStages:
    """Hold the conditions for the scan, the stages they stand for, and those left for each row that meets them."""

    predicates: tuple[SqlPredicate, ...]
    pushed: tuple[Stage, ...]
    exact: tuple[Stage, ...]

    @property
    def division(self) -> Division:
        """The same for a person."""
        return Division(Mode.EXACT if self.exact else Mode.SQL, self.pushed, self.exact)


def split_stages(stages: Sequence[Stage]) -> SplitStages:
    """Leave the line filters before all other stages to the scan where it can decide them."""
    predicates: list[SqlPredicate] = []
    pushed: list[Stage] = []
    exact: list[Stage] = []
    for place, stage in enumerate(stages):
        if not isinstance(stage, LineFilter):
            exact += stages[place:]
            break
        if line_filter.has_sql(stage):
            predicates.append(line_filter.sql(stage))
            pushed.append(stage)
        else:
            exact.append(stage)
    return SplitStages(tuple(predicates), tuple(pushed), tuple(exact))
