"""The SQL form of `| logfmt`: the values of some wanted keys, cut out where the line leaves no doubt about them.

A key is looked for behind a blank, or at the start of the line. In doubt are values in quotes or with characters that
are an error, keys that may stand inside of a quoted value, and keys that become the wanted label only once their other
characters have become `_`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Final

from logpulse.logql.ast import LogfmtParser
from logpulse.logql.stages.sql_label import NEVER, SqlColumn, SqlLabel, SqlParser, either, plain_number

_OTHER: Final = r'[^a-zA-Z0-9_="\x00-\x20]'  # one character of a key that becomes `_`


def sql(stage: LogfmtParser, wanted: Collection[str], alias: str) -> SqlParser | None:
    """Give the labels `wanted`, names that no stream label and no metadata has; None where SQL cannot.

    `alias` begins the names of columns.
    """
    if stage.strict or stage.keep_empty or stage.extractions:
        return None
    if any(name.startswith("_") or name.endswith("_") for name in wanted):
        return None
    return SqlParser({name: _label(name, f"{alias}_{number}") for number, name in enumerate(sorted(wanted))}, NEVER)


def _label(name: str, alias: str) -> SqlLabel:
    first = f"starts_with(line, '{name}=')"
    rest = f"case when {first} then line[{len(name) + 2}:] else split_part(line, ' {name}=', 2) end"
    value = SqlColumn(f"{alias}_value", f"split_part({rest}, ' ', 1)")
    # Two expressions: RE2 skips quickly to the text that one begins with.
    quoted = SqlColumn(f"{alias}_quoted", "regexp_matches(line, ?)", (rf'="[^"]* {name}=',))
    # A key behind another blank than a space shows as another first value, unless the values are the same anyway.
    first_value = f"split_part(split_part(line, '{name}=', 2), ' ', 1)"
    unspaced = SqlColumn(
        f"{alias}_unspaced",
        f"case when {first_value} <> {value.text} then regexp_matches(line, ?) else false end",
        (rf'[\x00-\x1f"]{name}=',),
    )
    odd = SqlColumn(f"{alias}_odd", *_odd_key(name))
    text = f"nullif({value.alias}, '')"
    number, number_doubt = plain_number(text)
    unclear = either(odd.alias, quoted.alias, unspaced.alias)
    return SqlLabel(
        text,
        either(unclear, rf"not regexp_full_match({value.alias}, '[^\x00-\x20\"=]*')"),
        number,
        either(unclear, number_doubt),
        (value, quoted, unspaced, odd),
        text,
    )


def _odd_key(name: str) -> tuple[str, tuple[str, ...]]:
    """Find lines with a key that is written unlike `name` and still may become it."""
    parts = name.split("_")
    if len(parts) == 1:
        # Only blanks beyond ASCII around it make it odd.
        search = "case when strlen(line) <> length(line) then regexp_matches(line, ?) else false end"
        return search, (f"[^\\x00-\\x7f]{name}|{name}[^\\x00-\\x7f]",)
    return "regexp_matches(line, ?)", ("|".join(f"{one}{_OTHER}{other}" for one, other in itertools.pairwise(parts)),)
