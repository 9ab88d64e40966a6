"""The parser `| logfmt`: each `key=value` pair of the line becomes a label, or those of the keys that are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from logpulse.errors import shorten
from logpulse.logql.ast import LogfmtParser
from logpulse.logql.label_name import LabelNames, label_name
from logpulse.logql.logfmt_line import Pair, pairs
from logpulse.logql.record import Record, Test
from logpulse.logql.stages.sought import Wanted

_ERROR: Final = "LogfmtParserErr"
_ReadPairs = Callable[[str], tuple[list[Pair], str]]


def exact(stage: LogfmtParser, wanted: frozenset[str] | None = None) -> Test:
    """Give the stage's work on one entry. It extracts the labels `wanted`; None stands for all of them.

    Broken pairs make no labels; where the stage is strict the first one is an error, and the rest of the line is left.
    Where no labels are wanted the line is not read, and does not fail either.
    """
    if wanted is not None and not wanted:
        return lambda record: True
    if stage.extractions:
        return _named_keys(stage)
    return _every_key(stage) if wanted is None else _keys_wanted(stage, Wanted(wanted))


def _every_key(stage: LogfmtParser) -> Test:
    names, keep_empty, read_pairs = LabelNames(label_name), stage.keep_empty, _reading(stage)

    def read(record: Record) -> bool:
        found: dict[str, str] = {}
        all_pairs, failure = read_pairs(record.line)
        for key, quoted, plain, _ in all_pairs:
            value = plain or quoted
            if value or keep_empty:
                found.setdefault(names[key], value)
        found.pop("", None)  # of broken pairs, and of keys that are nothing but blanks
        record.extract(found)
        if failure:
            record.fail(_ERROR, failure)
        return True

    return read


def _keys_wanted(stage: LogfmtParser, wanted: Wanted) -> Test:
    names, keep_empty, read_pairs = LabelNames(label_name), stage.keep_empty, _reading(stage)

    def read(record: Record) -> bool:
        sought = wanted.sought(record)
        labels = sought.labels
        found: dict[str, str] = {}
        all_pairs, failure = read_pairs(record.line)
        for key, quoted, plain, _ in all_pairs:
            name = names[key]
            if name in labels:
                value = plain or quoted
                if value or keep_empty:
                    found.setdefault(name, value)
        record.extract(found)
        if failure and not sought.is_fulfilled_by(found):
            record.fail(_ERROR, failure)
        return True

    return read


def _named_keys(stage: LogfmtParser) -> Test:
    # As in Loki a key that is a label's own name counts as well, and of several values the last.
    created = list(dict.fromkeys(each.name for each in stage.extractions))
    labels = {name: {name: None} for name in created}
    for each in stage.extractions:
        labels.setdefault(each.expression, {})[each.name] = None
    labels.pop("", None)
    names, read_pairs = LabelNames(label_name), _reading(stage)

    def read(record: Record) -> bool:
        found: dict[str, str] = {}
        all_pairs, failure = read_pairs(record.line)
        for key, quoted, plain, _ in all_pairs:
            name = names[key]
            if name in labels:
                found |= dict.fromkeys(labels[name], plain or quoted)
        record.extract({name: found.get(name, "") for name in created if name in found or name not in record.labels})
        if failure:
            record.fail(_ERROR, failure)
        return True

    return read


def _reading(stage: LogfmtParser) -> _ReadPairs:
    return _strict_pairs if stage.strict else _all_pairs


def _all_pairs(line: str) -> tuple[list[Pair], str]:
    return pairs(line), ""


def _strict_pairs(line: str) -> tuple[list[Pair], str]:
    """Give the pairs before the first broken one, and what is wrong with that; nothing if none is broken."""
    found = pairs(line)
    for number, (_, _, _, broken) in enumerate(found):
        if broken:
            return found[:number], f"no `key=value` pair: {shorten(broken)}"
    return found, ""
