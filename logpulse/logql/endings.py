"""The rules for what ends a log query, `dedup` and `context`. Each error points at the word that breaks the rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from lark import Token

from logpulse.errors import LimitExceededError
from logpulse.limits import CONTEXT_ENTRIES
from logpulse.logql.ast_ending import Context, Dedup
from logpulse.logql.ast_log import Stage
from logpulse.logql.position import Placed, error_at

_SIDES: Final = ("before", "after")
_CONTEXT_HINT: Final = "say how many entries: `| context before=2 after=2`"


@attrs.frozen
class ContextBound:
    """Hold one side of a `context` and its number of entries, as they are written."""

    side: Token
    number: Token


@attrs.frozen
class DividedStages:
    """Hold what stands after a selector: the stages of the pipeline, and what ends the query."""

    stages: tuple[Stage, ...]
    dedup: Dedup | None = None
    context: Context | None = None


def make_dedup(keyword: Token, labels: tuple[str, ...] | None) -> Dedup:
    """Make a `dedup`; without `by` there are no `labels`.

    Raises:
        QuerySyntaxError: `by` names no label.
    """
    if labels == ():
        raise error_at(keyword, "`dedup by` needs a label", hint="to compare whole lines write `| dedup`")
    return Dedup(labels or ())


def make_context(keyword: Token, bounds: Sequence[ContextBound]) -> Context:
    """Make a `context`.

    Raises:
        QuerySyntaxError: a side is unknown or stands twice, a number is none, or there is nothing to show.
        LimitExceededError: a number is above CONTEXT_ENTRIES.
    """
    numbers: dict[str, int] = {}
    for bound in bounds:
        side = str(bound.side)
        if side not in _SIDES:
            raise error_at(bound.side, f"`context` has no `{side}`", hint="it has `before` and `after`")
        if side in numbers:
            raise error_at(bound.side, f"`context` has `{side}` twice")
        numbers[side] = _entries(bound)
    if not any(numbers.values()):
        raise error_at(keyword, "`context` needs a positive `before` or `after`", hint=_CONTEXT_HINT)
    return Context(**numbers)


def divide_stages(placed: Sequence[Placed[Stage | Dedup | Context]]) -> DividedStages:
    """Tell the stages of a log query from what ends it: at most a `dedup`, then at most a `context`.

    Raises:
        QuerySyntaxError: they stand twice or in another order, or a stage follows.
    """
    stages: list[Stage] = []
    dedup: Dedup | None = None
    context: Context | None = None
    for each in placed:
        if isinstance(each.node, Dedup):
            if context is not None:
                raise error_at(each.token, "`dedup` stands before `context`", hint="write `| dedup | context …`")
            if dedup is not None:
                raise error_at(each.token, "`dedup` stands twice", hint="name all labels in one: `| dedup by (a, b)`")
            dedup = each.node
        elif isinstance(each.node, Context):
            if context is not None:
                raise error_at(each.token, "`context` stands twice")
            context = each.node
        elif dedup is not None or context is not None:
            last = "dedup" if context is None else "context"
            raise error_at(
                each.token, f"no stage may follow `{last}`, which works on the answer", hint=f"put it before `| {last}`"
            )
        else:
            stages.append(each.node)
    return DividedStages(tuple(stages), dedup, context)


def only_stages(placed: Sequence[Placed[Stage | Dedup | Context]]) -> tuple[Stage, ...]:
    """Give the stages of a range, which end in neither.

    Raises:
        QuerySyntaxError: there is a `dedup` or a `context`.
    """
    stages: list[Stage] = []
    for each in placed:
        if isinstance(each.node, Dedup | Context):
            name = type(each.node).__name__.lower()
            raise error_at(
                each.token,
                f"`{name}` works on the entries of an answer, and a metric query has none",
                hint=f"remove `| {name}`",
            )
        stages.append(each.node)
    return tuple(stages)


def _entries(bound: ContextBound) -> int:
    if not bound.number.isdecimal():
        raise error_at(bound.number, f"`{bound.side}` needs a whole number of entries", hint=_CONTEXT_HINT)
    digits = bound.number.lstrip("0") or "0"
    if len(digits) > len(str(CONTEXT_ENTRIES)) or int(digits) > CONTEXT_ENTRIES:
        advice = "to read more, ask for the time around a match"
        raise LimitExceededError(f"`{bound.side}` of `context`", CONTEXT_ENTRIES, digits[:20], advice=advice)
    return int(digits)
