"""The text that statements of templates give: pieces, and how they are put together with few calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from logpulse.limits import TEMPLATE_BYTES
from logpulse.logql.record import Record
from logpulse.logql.template_failure import CallError
from logpulse.logql.template_scope import Evaluate, Expression, Slots
from logpulse.logql.template_types import GoType, truth
from logpulse.logql.template_values import text_of, text_too_long

Piece = Callable[[Record, Slots], str]

_FEW: Final = 16  # pieces that are joined before their size is known


def always(piece: str | Piece) -> Piece:
    """Give a piece, also for a text that is always the same."""
    return (lambda record, slots: piece) if isinstance(piece, str) else piece


def printed(value: Expression) -> Piece:
    """Print what a pipeline gives."""
    run, place = value.run, value.place
    if value.type is GoType.STRING:
        return run  # type: ignore[return-value]

    def piece(record: Record, slots: Slots) -> str:
        try:
            return text_of(run(record, slots))
        except CallError as failure:
            raise place.failure(str(failure)) from None

    return piece


def condition(value: Expression) -> Evaluate:
    """Give what an `if` asks, as something that Python's own truth decides."""
    if value.type in (GoType.BOOL, GoType.STRING, GoType.INT, GoType.INT64, GoType.FLOAT):
        return value.run
    run = value.run
    return lambda record, slots: truth(run(record, slots))


def choice(test: Evaluate, body: str | Piece, otherwise: str | Piece) -> Piece:
    """Give one piece or the other."""
    if isinstance(body, str) and isinstance(otherwise, str):
        return lambda record, slots: body if test(record, slots) else otherwise
    run, run_otherwise = always(body), always(otherwise)
    return lambda record, slots: run(record, slots) if test(record, slots) else run_otherwise(record, slots)


def joined(pieces: Sequence[str | Piece]) -> str | Piece:
    """Put pieces one after another, with as few calls as there can be."""
    texts = [""]
    runs: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            runs.append(piece)
            texts.append("")
    match runs:
        case []:
            return texts[0]
        case [only] if texts == ["", ""]:
            return only
        case [only]:
            before, after = texts
            return lambda record, slots: f"{before}{only(record, slots)}{after}"
        case [first, second]:
            before, between, after = texts
            return lambda record, slots: f"{before}{first(record, slots)}{between}{second(record, slots)}{after}"
        case [first, second, third]:
            before, one, two, after = texts
            return lambda record, slots: (
                f"{before}{first(record, slots)}{one}{second(record, slots)}{two}{third(record, slots)}{after}"
            )
    pattern = "%s".join(text.replace("%", "%%") for text in texts)
    if len(runs) <= _FEW:
        return lambda record, slots: pattern % tuple([run(record, slots) for run in runs])
    return _many_joined(pattern, runs)


def _many_joined(pattern: str, runs: Sequence[Piece]) -> Piece:
    def piece(record: Record, slots: Slots) -> str:
        texts: list[str] = []
        size = 0
        for run in runs:
            texts.append(run(record, slots))
            size += len(texts[-1])
            if size > TEMPLATE_BYTES:
                raise text_too_long()
        return pattern % tuple(texts)

    return piece
