"""Templates of `line_format` and `label_format`, compiled once and rendered for each entry, with Loki's results."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_SECONDS, TEMPLATE_STEPS, TEMPLATE_UNTIMED_CALLS
from logpulse.logql.record import Record
from logpulse.logql.template_ast import (
    Action,
    Body,
    Break,
    Continue,
    Function,
    If,
    Pipeline,
    Range,
    Statement,
    Text,
    With,
)
from logpulse.logql.template_expressions import Expressions
from logpulse.logql.template_failure import CallError, Place, RenderError, exceeded
from logpulse.logql.template_functions import SPLITTING, functions
from logpulse.logql.template_parser import parse_template
from logpulse.logql.template_scope import (
    DEADLINE_SLOT,
    FIRST_SLOT,
    STEPS_SLOT,
    Evaluate,
    Expression,
    Scope,
    Slots,
)
from logpulse.logql.template_types import NO_VALUE, GoType, LabelMap, truth, well_formed
from logpulse.logql.template_values import check_size, sprint_value, text_of

_FEW_PIECES: Final = 16  # of a text that is joined before its size is known
_CHARACTER_BYTES: Final = 4


class Jump(enum.Enum):
    """What a body may end with before its end."""

    BREAK = "break"
    CONTINUE = "continue"


Piece = Callable[[Record, Slots], str]
Walk = Callable[[Record, Slots, list[str]], Jump | None]


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
    expressions = Expressions(name, template, scope, functions(now), is_watched=survey.is_watched)
    piece = _Bodies(expressions, scope).body(body)
    finish = well_formed if survey.functions & SPLITTING else None
    return Template(_renderer(piece, scope.size, survey.is_watched, name, finish), scope.labels)


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
    def is_watched(self) -> bool:
        """Tell whether a rendering may take long, so that it has to look at the clock."""
        return self._has_range or self._calls > TEMPLATE_UNTIMED_CALLS


def _renderer(
    piece: str | Piece, size: int, is_watched: bool, name: str, finish: Callable[[str], str] | None
) -> Callable[[Record], str]:
    if isinstance(piece, str):
        return lambda record: piece
    run = piece
    most = TEMPLATE_BYTES // _CHARACTER_BYTES

    def render(record: Record) -> str:
        try:
            text = run(record, [])
        except RecursionError:
            raise RenderError(f"template: {name}: a value nests too deeply") from None
        return text if len(text) <= most else _checked(text, name)

    def render_with_slots(record: Record) -> str:
        slots: Slots = [NO_VALUE] * size
        if is_watched:
            slots[DEADLINE_SLOT] = time.monotonic() + TEMPLATE_SECONDS
            slots[STEPS_SLOT] = TEMPLATE_STEPS
        try:
            text = run(record, slots)
        except RecursionError:
            raise RenderError(f"template: {name}: a value nests too deeply") from None
        return text if len(text) <= most else _checked(text, name)

    chosen = render if size == FIRST_SLOT and not is_watched else render_with_slots
    return chosen if finish is None else lambda record: finish(chosen(record))


def _checked(text: str, name: str) -> str:
    try:
        return check_size(text)
    except CallError as failure:
        raise RenderError(f"template: {name}: {failure}") from None


class _Bodies:
    """Compile the statements of one template."""

    def __init__(self, expressions: Expressions, scope: Scope) -> None:
        self._expressions = expressions
        self._scope = scope

    def body(self, body: Body) -> str | Piece:
        """Compile a body that is left at its end only; one that gives the same text always is that text."""
        return _joined([self._statement(statement) for statement in body])

    def _statement(self, statement: Statement) -> str | Piece:
        match statement:
            case Text():
                return statement.text
            case Action():
                return self._action(statement.pipeline)
            case If():
                with self._scope.block():
                    test = _test(self._assigned(statement.pipeline))
                    with self._scope.block():
                        body = self.body(statement.body)
                    return _choice(test, body, self.body(statement.otherwise))
            case With():
                return self._with(statement)
            case Range():
                return self._range(statement)
            case Break() | Continue():
                raise AssertionError("a body with jumps is walked")

    def _action(self, pipeline: Pipeline) -> str | Piece:
        value = self._assigned(pipeline)
        if not pipeline.variables:
            return _printed(value)
        run = value.run

        def silent(record: Record, slots: Slots) -> str:
            run(record, slots)
            return ""

        return silent

    def _assigned(self, pipeline: Pipeline) -> Expression:
        """Compile a pipeline and what it does to variables."""
        value = self._expressions.pipeline(pipeline)
        if not pipeline.variables:
            return value
        slots_of = [self._variable(name, pipeline) for name in pipeline.variables]
        run = value.run

        def assign(record: Record, slots: Slots) -> object:
            result = run(record, slots)
            for slot in slots_of:
                slots[slot] = result
            return result

        return Expression(assign, value.type, value.place)

    def _variable(self, name: str, pipeline: Pipeline) -> int:
        return self._scope.declare(name) if pipeline.declares else self._scope.find(name)

    def _with(self, statement: With) -> Piece:
        with self._scope.block():
            value = self._assigned(statement.pipeline)
            slot = self._scope.slot()
            run = value.run
            with self._scope.inside(slot):
                body = _piece(self.body(statement.body))
            otherwise = _piece(self.body(statement.otherwise))

        def piece(record: Record, slots: Slots) -> str:
            given = run(record, slots)
            if not truth(given):
                return otherwise(record, slots)
            slots[slot] = given
            return body(record, slots)

        return piece

    # -- ranges -------------------------------------------------------------------------------------------------------

    def _range(self, statement: Range) -> Piece:
        with self._scope.block():
            value = self._assigned(statement.pipeline)
            variables = [self._scope.find(name) for name in statement.pipeline.variables]
            dot = self._scope.slot()
            run, place = value.run, value.place
            with self._scope.inside(dot):
                walk = self._walk(statement.body)
            otherwise = _piece(self.body(statement.otherwise))
        element_slots = (dot, *variables[-1:])
        index_slots = variables[:-1]

        def piece(record: Record, slots: Slots) -> str:
            elements = _elements(run(record, slots), len(variables), place)
            if elements is None:
                return otherwise(record, slots)
            texts: list[str] = []
            size = 0
            for index, element in elements:
                _step(slots, place)
                for slot in index_slots:
                    slots[slot] = index
                for slot in element_slots:
                    slots[slot] = element
                count = len(texts)
                jump = walk(record, slots, texts)
                size += sum(map(len, texts[count:]))
                if size > TEMPLATE_BYTES:
                    raise place.failure(str(exceeded("the text a template makes of one line", TEMPLATE_BYTES, "more")))
                if jump is Jump.BREAK:
                    break
            return "".join(texts)

        return piece

    def _walk(self, body: Body) -> Walk:
        """Compile a body that may be left before its end: what it has written so far counts."""
        if not any(map(_jumps, body)):
            piece = _piece(self.body(body))

            def write(record: Record, slots: Slots, texts: list[str]) -> None:
                texts.append(piece(record, slots))

            return write
        steps = [self._walk_statement(statement) for statement in body]

        def walk(record: Record, slots: Slots, texts: list[str]) -> Jump | None:
            for step in steps:
                jump = step(record, slots, texts)
                if jump is not None:
                    return jump
            return None

        return walk

    def _walk_statement(self, statement: Statement) -> Walk:
        match statement:
            case Break():
                return lambda record, slots, texts: Jump.BREAK
            case Continue():
                return lambda record, slots, texts: Jump.CONTINUE
            case If() | With() if _jumps(statement):
                return self._walk_block(statement)
        piece = _piece(self._statement(statement))

        def write(record: Record, slots: Slots, texts: list[str]) -> None:
            texts.append(piece(record, slots))

        return write

    def _walk_block(self, statement: If | With) -> Walk:
        with self._scope.block():
            run = self._assigned(statement.pipeline).run
            slot = self._scope.slot()
            with self._scope.inside(slot) if isinstance(statement, With) else self._scope.block():
                body = self._walk(statement.body)
            otherwise = self._walk(statement.otherwise)

        def walk(record: Record, slots: Slots, texts: list[str]) -> Jump | None:
            slots[slot] = given = run(record, slots)
            return (body if truth(given) else otherwise)(record, slots, texts)

        return walk


def _jumps(statement: Statement) -> bool:
    """Tell whether a statement can leave the range around it; a range inside keeps its jumps to itself."""
    match statement:
        case Break() | Continue():
            return True
        case If() | With():
            return any(map(_jumps, (*statement.body, *statement.otherwise)))
    return False


def _step(slots: Slots, place: Place) -> None:
    left = slots[STEPS_SLOT]
    assert isinstance(left, int)
    if left <= 0:
        raise place.failure(str(exceeded("the rounds of all ranges for one line", TEMPLATE_STEPS, "more")))
    slots[STEPS_SLOT] = left - 1
    if time.monotonic() > slots[DEADLINE_SLOT]:  # type: ignore[operator]
        raise place.failure(str(exceeded("the time for one line", TEMPLATE_SECONDS, "more seconds")))


def _elements(value: object, variables: int, place: Place) -> Iterable[tuple[object, object]] | None:
    """Give the keys and elements that a range goes through, maps in the order of their keys; None: there are none."""
    match value:
        case list():
            return enumerate(value) if value else None
        case dict():
            empty = "" if isinstance(value, LabelMap) else None
            return [(key, value.get(key, empty)) for key in sorted(value)] if value else None
        case int() if not isinstance(value, bool):
            if variables > 1:
                raise place.failure(f"can't use {value} to iterate over more than one variable")
            return _counted(value) if value > 0 else None
    if value is None or value is NO_VALUE:
        return None
    raise place.failure(f"range can't iterate over {sprint_value(value)}")


def _counted(value: int) -> Iterator[tuple[object, object]]:
    kind = type(value)
    return ((NO_VALUE, kind(number)) for number in range(value))


# -- pieces -----------------------------------------------------------------------------------------------------------


def _piece(piece: str | Piece) -> Piece:
    return (lambda record, slots: piece) if isinstance(piece, str) else piece


def _printed(value: Expression) -> str | Piece:
    run, place = value.run, value.place
    if value.type is GoType.STRING:
        return run  # type: ignore[return-value]

    def printed(record: Record, slots: Slots) -> str:
        try:
            return text_of(run(record, slots))
        except CallError as failure:
            raise place.failure(str(failure)) from None

    return printed


def _test(value: Expression) -> Evaluate:
    """Give what an `if` asks, as something that Python's own truth decides."""
    if value.type in (GoType.BOOL, GoType.STRING, GoType.INT, GoType.INT64, GoType.FLOAT):
        return value.run
    run = value.run
    return lambda record, slots: truth(run(record, slots))


def _choice(test: Evaluate, body: str | Piece, otherwise: str | Piece) -> Piece:
    if isinstance(body, str) and isinstance(otherwise, str):
        return lambda record, slots: body if test(record, slots) else otherwise
    run, run_otherwise = _piece(body), _piece(otherwise)
    return lambda record, slots: run(record, slots) if test(record, slots) else run_otherwise(record, slots)


def _joined(pieces: Sequence[str | Piece]) -> str | Piece:
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
    if len(runs) <= _FEW_PIECES:
        return lambda record, slots: pattern % tuple([run(record, slots) for run in runs])
    return _many_joined(pattern, runs)


def _many_joined(pattern: str, runs: Sequence[Piece]) -> Piece:
    def joined(record: Record, slots: Slots) -> str:
        texts: list[str] = []
        size = 0
        for run in runs:
            texts.append(run(record, slots))
            size += len(texts[-1])
            if size > TEMPLATE_BYTES:
                reason = exceeded("the text a template makes of one line", TEMPLATE_BYTES, "more")
                raise RenderError(f"template: {reason}")
        return pattern % tuple(texts)

    return joined
