"""The SQL form of labels that come from metadata: the canonical JSON object in the column `metadata`."""

from __future__ import annotations

import itertools
from typing import Final

from logpulse.logql.stages.sql_label import SqlColumn, SqlLabel, either, plain_number

_OTHER: Final = r'(?:[^a-zA-Z0-9_"\\]|\\[^u]|\\u[0-9a-fA-F]{4})'


def sql(name: str, alias: str) -> SqlLabel | None:
    """Give the label `name` of entries whose streams have none of this name; None where SQL cannot."""
    if name.startswith("_"):
        return None
    value = SqlColumn(alias, "json_extract_string(metadata, ?)", (f'$."{name}"',))
    odd = SqlColumn(f"{alias}_odd", "coalesce(regexp_matches(metadata, ?), false)", (_odd_key(name),))
    text = f"nullif({alias}, '')"
    number, number_doubt = plain_number(text)
    return SqlLabel(text, odd.alias, number, either(odd.alias, number_doubt), (value, odd), text)


def may_hold(name: str) -> SqlColumn:
    """Tell of a row whether its metadata may have the label `name`, under any key that becomes it."""
    pattern = rf"(?:{_OTHER}|_)".join(name.strip("_").split("_"))
    return SqlColumn(f"metadata_{name}", "coalesce(regexp_matches(metadata, ?), false)", (pattern,))


def _odd_key(name: str) -> str:
    parts = name.split("_")
    padded = [rf'"{_OTHER}+{part}|{part}{_OTHER}+"\s*:' for part in parts]
    return "|".join([*padded, *(f"{one}{_OTHER}{other}" for one, other in itertools.pairwise(parts))])
