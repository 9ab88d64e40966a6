"""The stages `| drop` and `| keep`: the record without some labels, or with no others."""

from __future__ import annotations

from collections.abc import Callable

from logpulse.logql.ast import DropLabels, KeepLabels
from logpulse.logql.record import ERROR, ERROR_DETAILS, Record, Test
from logpulse.model.matcher import Matcher

_Condition = Callable[[str], bool]


def exact(stage: DropLabels | KeepLabels) -> Test:
    """Give the stage's work on one entry. `drop` may name the error and its details; `keep` always keeps them.

    Raises:
        PatternError: a regular expression is malformed.
    """
    conditions = [_condition(item) for item in stage.items]
    return _drop(conditions) if isinstance(stage, DropLabels) else _keep(conditions)


def _condition(item: str | Matcher) -> tuple[str, _Condition | None]:
    return (item, None) if isinstance(item, str) else (item.name, item.predicate())


def _drop(conditions: list[tuple[str, _Condition | None]]) -> Test:
    def drop(record: Record) -> bool:
        for name, holds in conditions:
            if name == ERROR:
                if holds is None or holds(record.error):
                    record.error = ""
            elif name == ERROR_DETAILS:
                if holds is None or holds(record.error_details):
                    record.error_details = ""
            elif holds is None or holds(record.labels.get(name, "")):
                record.drop(name)
        return True

    return drop


def _keep(conditions: list[tuple[str, _Condition | None]]) -> Test:
    kept: dict[str, list[_Condition | None]] = {ERROR: [None], ERROR_DETAILS: [None]}
    for name, holds in conditions:
        kept.setdefault(name, []).append(holds)

    def keep(record: Record) -> bool:
        for name, value in list(record.labels.items()):
            if not any(holds is None or holds(value) for holds in kept.get(name, ())):
                record.drop(name)
        return True

    return keep
