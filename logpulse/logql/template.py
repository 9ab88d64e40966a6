"""Templates of `line_format` and `label_format`, compiled once and rendered for each entry, with Loki's results."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import attrs

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_SECONDS, TEMPLATE_STEPS, TEMPLATE_UNTIMED_CALLS
from logpulse.logql.record import Record
from logpulse.logql.template_ast import Body, Function, Range
from logpulse.logql.template_bodies import Bodies
from logpulse.logql.template_expressions import Expressions, unwatched, watched
from logpulse.logql.template_failure import CallError, RenderError
from logpulse.logql.template_functions import SPLITTING, functions
from logpulse.logql.template_parser import parse_template
from logpulse.logql.template_pieces import Piece
from logpulse.logql.template_scope import DEADLINE_SLOT, FIRST_SLOT, STEPS_SLOT, Scope, Slots
from logpulse.logql.template_types import NO_VALUE, well_formed
from logpulse.logql.template_values import check_size

_CHARACTER_BYTES: Final = 4


@attrs.frozen(eq=False)
class Template:
    """Be a template that is ready to run.

    `render` gives the text for an entry, which it leaves as it is, or raises RenderError. `fields` names the labels
    that it can read, so that others need not be read out of the line; None: it prints or passes on all of them.
    """

    render: Callable[[Record], str]
    fields: frozenset[str] | None


def compile_template(template: str, name: str = "line", *, now: Callable[[], int] = time.time_ns) -> Template:
    """Compile a template. `name` stands in the texts of failures: `line` or `label`; `now` gives unix nanoseconds.

    Raises:
        TemplateError: the template is malformed, see `parse_template`.
    """
    body = parse_template(template)
    survey = _Survey(body)
    scope = Scope()
    expressions = Expressions(name, template, scope, functions(now), watched if survey.is_long else unwatched)
    piece = Bodies(expressions, scope).body(body)
    finish = well_formed if survey.functions & SPLITTING else _as_it_is
    slots = _watched_slots if survey.is_long else _slots if scope.size > FIRST_SLOT else _no_slots
    return Template(_renderer(piece, slots(scope.size), name, finish), scope.labels)


class _Survey:
    """Know what a template is made of before it is compiled."""

    def __init__(self, body: Body) -> None:
        self.functions: set[str] = set()
        self._calls = 0
        self._has_range = False
        waiting: list[object] = [body]
        while waiting:
            node = waiting.pop()
            if isinstance(node, tuple):
                waiting.extend(node)
            elif isinstance(node, Function):
                self.functions.add(node.name)
                self._calls += 1
            elif attrs.has(node.__class__):
                self._has_range |= isinstance(node, Range)
                waiting.extend(getattr(node, field.name) for field in attrs.fields(node.__class__))

    @property
    def is_long(self) -> bool:
        """Tell whether a rendering may take so long that it has to look at the clock."""
        return self._has_range or self._calls > TEMPLATE_UNTIMED_CALLS


def _no_slots(size: int) -> Callable[[], Slots]:
    return list


def _slots(size: int) -> Callable[[], Slots]:
    return lambda: [NO_VALUE] * size


def _watched_slots(size: int) -> Callable[[], Slots]:
    def slots() -> Slots:
        variables: Slots = [NO_VALUE] * size
        variables[DEADLINE_SLOT] = time.monotonic() + TEMPLATE_SECONDS
        variables[STEPS_SLOT] = TEMPLATE_STEPS
        return variables

    return slots


def _as_it_is(text: str) -> str:
    return text


def _renderer(
    piece: str | Piece, slots: Callable[[], Slots], name: str, finish: Callable[[str], str]
) -> Callable[[Record], str]:
    if isinstance(piece, str):
        return lambda record: piece
    run = piece
    short = TEMPLATE_BYTES // _CHARACTER_BYTES

    def render(record: Record) -> str:
        try:
            text = finish(run(record, slots()))
            return text if len(text) <= short else check_size(text)
        except CallError as failure:
            raise RenderError(f"template: {name}: {failure}") from None
        except RecursionError:
            raise RenderError(f"template: {name}: a value nests too deeply") from None

    return render
