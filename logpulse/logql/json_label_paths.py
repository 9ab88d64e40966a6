"""Where in a line's JSON the labels of the parser `| json` come from."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from logpulse.limits import JSON_DEPTH
from logpulse.logql.label_name import label_name, part_of_label_name
from logpulse.logql.lenient_json import Kind, LenientJson, LenientJsonError


def json_label_paths(line: str, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Map those of `names` that members of the line's object become to the keys that lead there, as they are written.

    What `| json` does not read has no path: a line that breaks has those of the members before.
    """
    paths: dict[str, tuple[str, ...]] = {}
    json = LenientJson(line)

    def walk(begin: int, end: int, prefix: str, keys: tuple[str, ...]) -> None:
        for key, value in json.members(begin, end):
            name = f"{prefix}_{part_of_label_name(key)}" if prefix else label_name(key)
            if value.kind is Kind.OBJECT:
                if len(keys) + 1 < JSON_DEPTH:
                    walk(value.begin, value.end, name, (*keys, key))
            elif value.kind in (Kind.STRING, Kind.SCALAR) and name in names:
                paths.setdefault(name, (*keys, key))

    with suppress(LenientJsonError):
        walk(0, len(line), "", ())
    return paths
