"""Compile the statements of templates: blocks, ranges with their jumps, and variables."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Iterator

from logpulse.limits import TEMPLATE_BYTES, TEMPLATE_SECONDS, TEMPLATE_STEPS
from logpulse.logql.record import Record
from logpulse.logql.template_ast import Action, Body, Break, Continue, If, Pipeline, Range, Statement, Text, With
from logpulse.logql.template_expressions import Expressions
from logpulse.logql.template_failure import Place, exceeded
from logpulse.logql.template_pieces import Piece, always, choice, condition, joined, printed
from logpulse.logql.template_scope import DEADLINE_SLOT, STEPS_SLOT, Expression, Scope, Slots
from logpulse.logql.template_types import NO_VALUE, LabelMap, truth
from logpulse.logql.template_values import sprint_value, text_too_long


class Jump(enum.Enum):
    """What a body may end with before its end."""

    BREAK = "break"
    CONTINUE = "continue"


Walk = Callable[[Record, Slots, list[str]], Jump | None]


class Bodies:
    """Compile the statements of one template."""

    def __init__(self, expressions: Expressions, scope: Scope) -> None:
        self._expressions = expressions
        self._scope = scope

    def body(self, body: Body) -> str | Piece:
        """Compile a body that is left at its end only; one that gives the same text always is that text."""
        return joined([self._statement(statement) for statement in body])

    def _statement(self, statement: Statement) -> str | Piece:
        match statement:
            case Text():
                return statement.text
            case Action():
                return self._action(statement.pipeline)
            case If():
                with self._scope.block():
                    test = condition(self._assigned(statement.pipeline))
                    with self._scope.block():
                        body = self.body(statement.body)
                    return choice(test, body, self.body(statement.otherwise))
            case With():
                return self._with(statement)
            case Range():
                return self._range(statement)
            case Break() | Continue():
                raise AssertionError("a body with jumps is walked")

    def _action(self, pipeline: Pipeline) -> Piece:
        value = self._assigned(pipeline)
        if not pipeline.variables:
            return printed(value)
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
                body = always(self.body(statement.body))
            otherwise = always(self.body(statement.otherwise))

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
            otherwise = always(self.body(statement.otherwise))
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
                    raise place.failure(str(text_too_long()))
                if jump is Jump.BREAK:
                    break
            return "".join(texts)

        return piece

    def _walk(self, body: Body) -> Walk:
        """Compile a body that may be left before its end: what it has written so far counts."""
        if not any(map(_jumps, body)):
            piece = always(self.body(body))

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
        piece = always(self._statement(statement))

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
