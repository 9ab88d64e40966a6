"""The SQL form of `| json`: the members that lead to some wanted labels, read by DuckDB's own JSON functions.

One column tells whether a line is a JSON object at all and holds all wanted members as JSON text: `"text"`, `12`,
`true`. In doubt are other lines; members that are objects, arrays, null, texts with escapes, or numbers that DuckDB
writes differently; and lines with a key that becomes the wanted label only once its other characters have become `_`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from typing import Final

from logpulse.logql.ast import JsonParser
from logpulse.logql.stages.sql_label import SqlColumn, SqlLabel, SqlParser, either

_MOST_PARTS: Final = 4  # of a label name between underscores: each may be a level of its own, so paths double with each
_MOST_LABELS: Final = 128  # of more, the exact form reads all in one go and is quicker
_OTHER: Final = r'(?:[^a-zA-Z0-9_"\\]|\\[^u])'  # one character that becomes `_`, or is trimmed
_END: Final = r'[^"]*"\s*:'  # of a key
_PLAIN: Final = re.compile(r'"[^"\\]*"|-?[1-9][0-9]{0,17}|0|true|false')


def sql(stage: JsonParser, wanted: Collection[str], alias: str) -> SqlParser | None:
    """Give the labels `wanted`, names that no stream label and no metadata has; None where SQL cannot.

    `alias` begins the names of columns.
    """
    names = sorted(wanted)
    paths = {name: _paths(name) for name in names}
    if stage.extractions or len(names) > _MOST_LABELS or not all(paths.values()):
        return None
    everything = [path for name in names for path in paths[name]]
    placeholders = ", ".join("?" for _ in everything)
    read = f"json_extract(line, [{placeholders}])::varchar[]" if everything else "[]::varchar[]"
    # Only an object has members; what else is JSON, such as an array, is an error.
    begins = "starts_with(line, '{')"
    members = SqlColumn(
        alias,
        f"case when {begins} and json_valid(line) then {read} end",
        tuple(everything),
        f"case when {begins} then {read} end" if everything else "",
    )
    labels, place = {}, 1
    for number, name in enumerate(names):
        numbers = range(place, place + len(paths[name]))
        found = [SqlColumn(f"{alias}_{each}", f"{alias}[{each}]", step=1) for each in numbers]
        labels[name] = _label(name, f"{alias}_odd{number}", members, found)
        place += len(found)
    return SqlParser(labels, f"{alias} is null", (members,))


def _label(name: str, odd_alias: str, everything: SqlColumn, members: list[SqlColumn]) -> SqlLabel:
    names = [each.alias for each in members]
    found = names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"
    odd = SqlColumn(odd_alias, *_odd_key(name, found), step=2)
    number = f"try_cast({found} as double)"
    # Of several members the first in the line counts, which SQL does not know.
    several = [f"{one} is not null and {other} is not null" for one, other in itertools.combinations(names, 2)]
    unclear = either(odd.alias, *several)
    number_doubt = either(unclear, f"{found} is not null and {number} is null")
    columns = (everything, odd, *members)
    return SqlLabel(f"trim({found}, '\"')", unclear, number, number_doubt, columns, found, _PLAIN, _unquoted)


def _unquoted(written: str) -> str:
    return written[1:-1] if written.startswith('"') else written


def _paths(name: str) -> list[str]:
    """List the paths of members whose keys, joined by `_`, are `name`; none if there are too many."""
    parts = name.split("_")
    if len(parts) > _MOST_PARTS or not all(parts):
        return []
    joints = itertools.product(("_", '"."'), repeat=len(parts) - 1)
    return [f'$."{_joined(parts, each)}"' for each in joints]


def _joined(parts: list[str], joints: tuple[str, ...]) -> str:
    return parts[0] + "".join(joint + part for joint, part in zip(joints, parts[1:], strict=True))


def _odd_key(name: str, found: str) -> tuple[str, tuple[str, ...]]:
    """Find lines with a key that is written unlike all the paths and still may become `name`, or a part of it."""
    parts = name.split("_")
    # What is trimmed around a key is rare: the cheap tests, in a CASE, spare most lines the regular expression. Quotes
    # come last where they come first in the text looked for: there are so many that looking for them is slow.
    before = " or ".join(f"contains(line, ' {part}')" for part in dict.fromkeys(parts))
    behind = " or ".join(f"contains(line, '{part} ')" for part in dict.fromkeys(parts))
    blanks = f"contains(line, ' \"') and ({behind}) or ({before}) and contains(line, '\" ')"
    padded = "|".join(rf'"{_OTHER}+{part}{_END}|{part}{_OTHER}+"\s*:' for part in parts)
    suspect = f"{blanks} or contains(line, '\\') or strlen(line) <> length(line)"
    tests = [f"case when {suspect} then regexp_matches(line, ?) else false end"]
    # One expression each: RE2 skips quickly to the text that such a one begins with.
    pairs = [f"{one}{_OTHER}{other}{_END}" for one, other in itertools.pairwise(parts)]
    tests += ["regexp_matches(line, ?)"] * len(pairs)
    # A \u may stand for any character of a key. Where a part of the name is in the line once, the member found has it.
    once = f"len(string_split(line, '{max(parts, key=len)}')) = 2"
    search = f"case when contains(line, '\\u') then true when {found} is not null and {once} then false else {{}} end"
    return search.format(" or ".join(tests)), (padded, *pairs)
