"""`label_replace`: labels made of what a regular expression finds in others, with Go's rules for `$1` and `${name}`."""

from __future__ import annotations

import re
from typing import Final

import attrs
import re2

from logpulse.errors import LimitExceededError
from logpulse.limits import REPLACED_CHARACTERS
from logpulse.logql.ast_metric import LabelReplace
from logpulse.model.pattern import compile_pattern
from logpulse.query.grouping import without
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.matrix import Matrix, SeriesLabels

# `$$`, `$name`, `${name}`; any other dollar stands for itself.
_REFERENCE: Final = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,7}")


def replace_label(node: LabelReplace, operand: Matrix, interrupt: Interrupt | None = None) -> Matrix:
    """Set the label `destination` of the series whose label `source` matches as a whole; an empty text removes it.

    Raises:
        LimitExceededError: a text would be longer than REPLACED_CHARACTERS.
        QueryCancelledError: `interrupt` was pulled.
    """
    return attrs.evolve(operand, labels=tuple(_replaced(node, labels) for labels in checked(operand.labels, interrupt)))


def _replaced(node: LabelReplace, labels: SeriesLabels) -> SeriesLabels:
    found = compile_pattern(node.pattern).fullmatch(dict(labels).get(node.source, ""))
    if found is None:
        return labels
    text = _expanded(node.replacement, found)
    others = without(labels, (node.destination,))
    return tuple(sorted((*others, (node.destination, text)))) if text else others


def _expanded(template: str, found: re2._Match) -> str:
    pieces, end = [], 0
    for reference in _REFERENCE.finditer(template):
        pieces += [template[end : reference.start()], _referred(reference, found)]
        end = reference.end()
    pieces.append(template[end:])
    length = sum(map(len, pieces))
    if length > REPLACED_CHARACTERS:
        raise LimitExceededError("characters of a label made by label_replace", REPLACED_CHARACTERS, length)
    return "".join(pieces)


def _referred(reference: re.Match[str], found: re2._Match) -> str:
    if reference["dollar"]:
        return "$"
    name = reference["name"] or reference["braced"]
    if _NUMBER.fullmatch(name):
        return found[int(name)] or "" if int(name) <= found.re.groups else ""
    return found.groupdict().get(name) or ""
