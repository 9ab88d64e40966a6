"""A stage's SQL form: a condition on the columns of an entry."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class SqlPredicate:
    """Hold a condition in DuckDB's SQL, a `?` for each parameter. Text from a client is always a parameter."""

    text: str
    parameters: tuple[str | int | float, ...] = ()

    def negated(self) -> SqlPredicate:
        """Give the opposite condition."""
        return SqlPredicate(f"not ({self.text})", self.parameters)


def any_of(predicates: Sequence[SqlPredicate]) -> SqlPredicate:
    """Hold when one of `predicates` holds; none of them: never."""
    if len(predicates) == 1:
        return predicates[0]
    text = " or ".join(f"({each.text})" for each in predicates) or "false"
    return SqlPredicate(text, tuple(parameter for each in predicates for parameter in each.parameters))


def all_of(predicates: Sequence[SqlPredicate]) -> SqlPredicate:
    """Hold when all of `predicates` hold; none of them: always."""
    text = " and ".join(f"({each.text})" for each in predicates) or "true"
    return SqlPredicate(text, tuple(parameter for each in predicates for parameter in each.parameters))
