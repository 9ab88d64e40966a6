"""The SQL form of `| logfmt`: the values of some wanted keys, cut out where the line leaves no doubt about them.

A key is looked for behind a blank, or at the start of the line. In doubt are values in quotes or with characters that
are an error, keys that may stand inside of a quoted value, and keys that become the wanted label only once their other
characters have become `_`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from typing import Final

from logpulse.logql.ast import LogfmtParser
from logpulse.logql.stages.sql_label import NEVER, SqlColumn, SqlLabel, SqlParser, either, plain_number

_MOST_LABELS: Final = 32  # of more, the exact form reads all in one go and is quicker
_PLAIN: Final = re.compile(r'[^\x00-\x20"=]*')
_OTHER: Final = r'[^a-zA-Z0-9_="\x00-\x20]'  # one character of a key that becomes `_`


def sql(stage: LogfmtParser, wanted: Collection[str], alias: str) -> SqlParser | None:
    """Give the labels `wanted`, names that no stream label and no metadata has; None where SQL cannot.

    `alias` begins the names of columns.
    """
    if stage.strict or stage.keep_empty or stage.extractions or len(wanted) > _MOST_LABELS:
        return None
    if any(name.startswith("_") or name.endswith("_") for name in wanted):
        return None
    return SqlParser({name: _label(name, f"{alias}_{number}") for number, name in enumerate(sorted(wanted))}, NEVER)


def _label(name: str, alias: str) -> SqlLabel:
    # Splitting is quick; a place in a text is counted in characters, which takes longer than finding it.
    parts = SqlColumn(f"{alias}_parts", f"string_split(line, '{name}=')")
    before, behind = f"{parts.alias}[1]", f"{parts.alias}[2]"
    # Mostly the first place with the name is the key, or there is none.
    spaced = SqlColumn(f"{alias}_spaced", f"{behind} is null or {before} = '' or suffix({before}, ' ')", step=1)
    value = SqlColumn(
        f"{alias}_value",
        f"case when {spaced.alias} then split_part(coalesce({behind}, ''), ' ', 1) "
        f"else split_part(split_part(line, ' {name}=', 2), ' ', 1) end",
        step=2,
    )
    # The last quote before the key opens a text if there is a = before it. Looking through the whole line takes longer.
    quoted = SqlColumn(
        f"{alias}_quoted",
        f"case when {spaced.alias} then suffix(split_part({before}, '\"', -2), '=') else regexp_matches(line, ?) end",
        (rf'[="\x00-\x1f]{name}=|="[^"]* {name}=',),
        step=2,
    )
    # A later value counts instead of an empty one, and one that goes on behind `name=` is an error.
    again = SqlColumn(
        f"{alias}_again",
        f"case when {spaced.alias} then {parts.alias}[3] is not null and {value.alias} in ('', {behind}) "
        f"else contains(line, ' {name}= ') end",
        step=3,
    )
    odd = SqlColumn(f"{alias}_odd", *_odd_key(name))
    text = f"nullif({value.alias}, '')"
    number, number_doubt = plain_number(text)
    unclear = either(odd.alias, quoted.alias, again.alias, f"{behind} is not null and contains(line, '\\')")
    columns = (parts, spaced, value, quoted, again, odd)
    return SqlLabel(text, unclear, number, either(unclear, number_doubt), columns, text, _PLAIN)


def _odd_key(name: str) -> tuple[str, tuple[str, ...]]:
    """Find lines with a key that is written unlike `name` and still may become it."""
    # Blanks beyond ASCII go at both ends of a key.
    padded = "case when strlen(line) <> length(line) then regexp_matches(line, ?) else false end"
    at_ends = f"[^\\x00-\\x7f]{name}|{name}[^\\x00-\\x7f]"
    pairs = "|".join(f"{one}{_OTHER}{other}" for one, other in itertools.pairwise(name.split("_")))
    if not pairs:
        return padded, (at_ends,)
    return f"{padded} or regexp_matches(line, ?)", (at_ends, pairs)
