"""A label in SQL: what a scan can say of it for every row at once, and for which rows it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs


class UnclearTextError(Exception):
    """Tell that rows which were taken to be clear are not: they have to be read again, with more doubt."""


@attrs.frozen
class SqlColumn:
    """Hold an expression over `line` and `metadata` that a scan evaluates once a row, under the name `alias`.

    It may name columns of earlier steps. `trusting` is a cheaper expression that says the same where every line is
    JSON, and fails on the first that is not.
    """

    alias: str
    text: str
    parameters: tuple[str | int | float, ...] = ()
    trusting: str = ""
    step: int = 0


@attrs.frozen
class SqlLabel:
    """Say how the value of a label comes out of columns: expressions that are null where the label is missing.

    `text` is the value, `written` how the line writes it, which is cheaper, and `number` what it is as a double. They
    hold for the rows where `unclear` is false, the number where `number_doubt` is; the value has to be written in a
    `plain` way besides. Other rows have to be decided by the exact form.
    """

    text: str
    unclear: str
    number: str
    number_doubt: str
    columns: tuple[SqlColumn, ...]
    written: str
    plain: re.Pattern[str] | None = None
    _read: Callable[[str], str] = str

    @property
    def unplain(self) -> str:
        """For which rows it is not written in a plain way."""
        if self.plain is None:
            return NEVER
        return f"not coalesce(regexp_full_match({self.written}, '{self.plain.pattern}'), true)"

    @property
    def text_doubt(self) -> str:
        """For which rows the text does not hold."""
        return either(self.unclear, self.unplain)

    def value_of(self, written: str) -> str:
        """Give the value that is written so in rows of which only `unclear` was asked.

        Raises:
            UnclearTextError: it is not written in a plain way.
        """
        if self.plain is not None and not self.plain.fullmatch(written):
            raise UnclearTextError
        return self._read(written)


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
