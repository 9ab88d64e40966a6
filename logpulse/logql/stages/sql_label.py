"""A label in SQL: what a scan can say of it for every row at once, and for which rows it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs


@attrs.frozen
class SqlColumn:
    """Hold an expression over `line` and `metadata` that a scan evaluates once a row, under the name `alias`.

    `trusting` is a cheaper one that says the same where every line is JSON, and fails on the first that is not.
    """

    alias: str
    text: str
    parameters: tuple[str | int | float, ...] = ()
    trusting: str = ""


@attrs.frozen
class SqlLabel:
    """Say how the value of a label comes out of columns: expressions that are null where the label is missing.

    `text` is the value, `number` what it is as a double. Each holds for the rows where its doubt is false; the others
    have to be decided by the exact form. To group rows, `written` does as well and is cheaper: equal values are written
    alike, and `read` makes the value of it.
    """

    text: str
    text_doubt: str
    number: str
    number_doubt: str
    columns: tuple[SqlColumn, ...]
    written: str
    read: Callable[[str], str] = str


@attrs.frozen
class SqlParser:
    """Hold the labels that a parser stage gives, and the doubt about lines that it may fail on."""

    labels: Mapping[str, SqlLabel]
    doubt: str
    columns: tuple[SqlColumn, ...] = ()


NEVER = "false"


def plain_number(text: str) -> tuple[str, str]:
    """Give the number that a text is, and the doubt: of ways to write one that DuckDB and Go may read differently."""
    plain = rf"regexp_full_match({text}, '[+-]?[0-9]{{1,18}}(\.[0-9]{{1,18}})?([eE][+-]?[0-9]{{1,2}})?')"
    return f"try_cast({text} as double)", f"not coalesce({plain}, true)"


def either(*doubts: str) -> str:
    """Join doubts."""
    real = [doubt for doubt in dict.fromkeys(doubts) if doubt != NEVER]
    return " or ".join(f"({doubt})" for doubt in real) or NEVER
