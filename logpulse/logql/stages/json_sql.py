"""The SQL form of `| json`: the members that lead to some wanted labels, read by DuckDB's own JSON functions.

One column tells whether a line is a JSON object at all and holds all wanted members as JSON text: `"text"`, `12`,
`true`. In doubt are other lines; members that are objects, arrays, null, texts with escapes, or numbers that DuckDB
writes differently; and lines with a key that becomes the wanted label only once its other characters have become `_`,
or that none of the paths leads to.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from typing import Final

from logpulse.logql.ast import JsonParser
from logpulse.logql.stages.sql_label import SqlColumn, SqlLabel, SqlParser, either

_MOST_PARTS: Final = 4  # of a label name between underscores: each may be a level of its own, so paths double with each
_MOST_LABELS: Final = 128  # of more, the exact form reads all in one go and is quicker
_OTHER: Final = r'(?:[^a-zA-Z0-9_"\\]|\\[^u])'  # one character that becomes `_`, or is trimmed
_END: Final = r'[^"]*"\s*:'  # of a key
_NO_NUMBER: Final = r":\s*(?i:nan|inf)"  # what DuckDB takes for a number, and the exact form for an error
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
    return SqlParser(labels, f"{alias} is null or regexp_matches(line, '{_NO_NUMBER}')", (members,))


def _label(name: str, odd_alias: str, everything: SqlColumn, members: list[SqlColumn]) -> SqlLabel:
    names = [each.alias for each in members]
    found = names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"
    odd = SqlColumn(odd_alias, *_odd_key(name, found), step=2)
    number = f"try_cast({found} as double)"
    # Of several members the first in the line counts, which SQL does not know.
    several = [f"{one} is not null and {other} is not null" for one, other in itertools.combinations(names, 2)]
    # DuckDB writes -0 as 0, and reads 1e400 as infinity.
    signed = f"case when {found} = '0' then regexp_matches(line, ':\\s*-0') else false end"
    unclear = either(odd.alias, signed, *several)
    number_doubt = either(unclear, f"coalesce(not isfinite({number}), {found} is not null)")
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
    """Find lines with a key that is written unlike all the paths and still may become `name`, or a part of it.

    Besides those with an inner object that the paths pass by: under a key without a name, or the second of one key.
    """
    parts = name.split("_")
    # What is trimmed around a key is rare: the cheap tests, in a CASE, spare most lines the regular expression. Quotes
    # come last where they come first in the text looked for: there are so many that looking for them is slow.
    before = " or ".join(f"contains(line, ' {part}')" for part in dict.fromkeys(parts))
    behind = " or ".join(f"contains(line, '{part} ')" for part in dict.fromkeys(parts))
    blanks = f"contains(line, ' \"') and ({behind}) or ({before}) and contains(line, '\" ')"
    padded = "|".join(rf'"{_OTHER}+{part}{_END}|{part}{_OTHER}+"\s*:' for part in parts)
    suspect = f"{blanks} or contains(line, '\\') or strlen(line) <> length(line)"
    passed_by = [rf'"{_OTHER}*"\s*:\s*\{{', *(rf'(?s){part}"\s*:.*{part}"\s*:\s*\{{' for part in parts[:-1])]
    # One expression each: RE2 skips quickly to the text that such a one begins with.
    pairs = [f"{one}{_OTHER}{other}{_END}" for one, other in itertools.pairwise(parts)]
    tests = [
        f"case when {suspect} then regexp_matches(line, ?) else false end",
        f"case when len(string_split(line, '{{')) > 2 then {_any_of(passed_by)} else false end",
        *(_any_of([pair]) for pair in pairs),
    ]
    # A \u may stand for any character of a key. Where a part of the name is in the line once, the member found has it,
    # and where it is not, no key does.
    rest = f"len(string_split(line, '{max(parts, key=len)}')) > case when {found} is null then 1 else 2 end"
    search = f"case when contains(line, '\\u') then true when {rest} then {' or '.join(tests)} else false end"
    return search, (padded, *passed_by, *pairs)


def _any_of(patterns: Sequence[str]) -> str:
    return " or ".join("regexp_matches(line, ?)" for _ in patterns)
