"""Compile the pipelines of templates: each node once, into a function of the entry and the variables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from logpulse.limits import TEMPLATE_SECONDS
from logpulse.logql.record import ERROR, ERROR_DETAILS, Record
from logpulse.logql.template_arguments import call, constant, failing, fitted
from logpulse.logql.template_ast import (
    Command,
    Constant,
    Dot,
    Field,
    Function,
    Member,
    Nil,
    Operand,
    Pipeline,
    Variable,
)
from logpulse.logql.template_failure import Node, Place, exceeded, source
from logpulse.logql.template_functions import CALL, ENTRY, SHORT_CIRCUIT
from logpulse.logql.template_members import member_of
from logpulse.logql.template_scope import DEADLINE_SLOT, Evaluate, Expression, Known, Scope, Slots
from logpulse.logql.template_time import GoTime
from logpulse.logql.template_types import NO_VALUE, GoType, LabelMap, Signature, go_type, truth

_HIDDEN: Final = frozenset({ERROR, ERROR_DETAILS})  # templates cannot see what stages failed with, as in Loki
_ROOT: Final = "$"

Watch = Callable[[Evaluate, Place], Evaluate]


class Expressions:
    """Compile pipelines of one template. `watch` is asked about each call of a function, see `unwatched`."""

    def __init__(
        self, name: str, template: str, scope: Scope, functions: Mapping[str, Signature], watch: Watch
    ) -> None:
        self._name = name
        self._template = template
        self._scope = scope
        self._functions = functions
        self._watch = watch

    def pipeline(self, pipeline: Pipeline) -> Expression:
        """Compile a pipeline without what it does to variables. What it gives is never nil, but NO_VALUE."""
        value: Expression | None = None
        for command in pipeline.commands:
            value = self._command(command, value)
            if value.type is None:
                value = Expression(_none_for_nil(value.run), None, value.place)
            elif value.known is not None:
                value = Expression(value.run, value.type, value.place)
        assert value is not None, "the parser gives no empty pipelines"
        return value

    def place(self, node: Node) -> Place:
        """Point at a node of the template."""
        return Place(self._name, self._template, node)

    # -- commands -----------------------------------------------------------------------------------------------------

    def _command(self, command: Command, final: Expression | None) -> Expression:
        first, *rest = command.operands
        match first:
            case Function():
                return self._call(first, command, rest, final)
            case Field() | Member():
                return self._member(first, rest, final)
            case Variable() if first.path:
                return self._member(first, rest, final)
        place = self.place(first)
        if rest or final is not None:
            return failing(place, f"can't give argument to non-function {source(Command((first,)))}")
        return failing(place, "nil is not a command") if isinstance(first, Nil) else self._operand(first)

    def _operand(self, operand: Operand) -> Expression:
        """Compile an operand that stands alone."""
        match operand:
            case Constant():
                return constant(operand.value, self.place(operand))
            case Nil():
                return Expression(
                    lambda record, slots: NO_VALUE, GoType.NONE, self.place(operand), known=Known(NO_VALUE)
                )
            case Pipeline():
                return self.pipeline(operand)
            case Function():
                return self._call(operand, operand, (), None)
            case Field() | Member():
                return self._member(operand, (), None)
            case Variable():
                return self._member(operand, (), None) if operand.path else self._variable(operand)
            case Dot():
                slot = self._scope.dot
                return self._labels(operand) if slot is None else _slot(slot, self.place(operand))

    def _variable(self, variable: Variable) -> Expression:
        if variable.name == _ROOT:
            return self._labels(variable)
        return _slot(self._scope.find(variable.name), self.place(variable))

    def _labels(self, node: Node) -> Expression:
        self._scope.reads_all()

        def labels(record: Record, slots: Slots) -> LabelMap:
            return LabelMap((name, value) for name, value in record.labels.items() if name not in _HIDDEN)

        return Expression(labels, GoType.LABELS, self.place(node))

    # -- members ------------------------------------------------------------------------------------------------------

    def _member(
        self, operand: Field | Variable | Member, rest: Sequence[Operand], final: Expression | None
    ) -> Expression:
        arguments = [self._operand(each) for each in rest]
        place = self.place(operand)
        end = arguments[-1].place if arguments else place
        if final is not None:
            arguments.append(final)
        value, path = self._receiver(operand)
        if not path:
            return value if not arguments else failing(place, f"{_last(operand)} is not a method but has arguments")
        return member_of(value, path, arguments, place, end)

    def _receiver(self, operand: Field | Variable | Member) -> tuple[Expression, tuple[str, ...]]:
        """Give what members are taken of, and their names. A label is a value of its own, no member of all labels."""
        match operand:
            case Member():
                return self._operand(operand.operand), operand.path
            case Variable() if operand.name != _ROOT:
                return self._variable(Variable(operand.name, (), operand.offset)), operand.path
            case Field() if self._scope.dot is not None:
                return self._operand(Dot(operand.offset)), operand.path
        name, *path = operand.path
        place = self.place(operand)
        if name in _HIDDEN:
            return Expression(lambda record, slots: "", GoType.STRING, place), tuple(path)
        self._scope.reads(name)
        return (
            Expression(lambda record, slots: record.labels.get(name, ""), GoType.STRING, place, label=name),
            tuple(path),
        )

    # -- functions ----------------------------------------------------------------------------------------------------

    def _call(
        self, function: Function, node: Command | Function, rest: Sequence[Operand], final: Expression | None
    ) -> Expression:
        place = self.place(function)
        arguments = [self._operand(each) for each in rest]
        end = arguments[-1].place if arguments else place
        if function.name in SHORT_CIRCUIT:
            return _short_circuit(function.name, arguments, final, end)
        if final is not None:
            arguments.append(final)
        count = len(arguments)
        if function.name in ENTRY:
            return self._entry(function, count, place)
        if function.name == CALL:
            return self._call_value(arguments, rest, self.place(node), place)
        signature = self._functions[function.name]
        if not signature.accepts(count):
            least = "at least " if signature.rest is not None else ""
            given = count if signature.rest is None else len(rest)
            wanted = len(signature.parameters)
            return failing(place, f"wrong number of args for {function.name}: want {least}{wanted} got {given}")
        arguments = [
            fitted(each, signature.parameter(position), each.place if position < len(rest) else end)
            for position, each in enumerate(arguments)
        ]
        compared = _comparison(function.name, arguments, end)
        if compared is not None:
            return compared
        result = call(function.name, signature.call, arguments, signature.result, self.place(node))
        return Expression(self._watch(result.run, self.place(node)), signature.result, end)

    def _entry(self, function: Function, count: int, place: Place) -> Expression:
        if count:
            return failing(place, f"wrong number of args for {function.name}: want 0 got {count}")
        if function.name == "__line__":
            return Expression(lambda record, slots: record.line, GoType.STRING, place)
        return Expression(lambda record, slots: GoTime(record.timestamp), GoType.TIME, place)

    def _call_value(
        self, arguments: Sequence[Expression], rest: Sequence[Operand], place: Place, function: Place
    ) -> Expression:
        if not arguments:
            return failing(function, "wrong number of args for call: want at least 1 got 0")
        first = arguments[0]
        name = source(Command((rest[0],))) if rest else ""

        def run(record: Record, slots: Slots) -> object:
            value = first.run(record, slots)
            if value is None or value is NO_VALUE:
                raise place.call_failure(CALL, "call of nil")
            shown = name or (value if isinstance(value, str) else f"<{go_type(value).value} Value>")
            raise place.call_failure(CALL, f"non-function {shown} of type {go_type(value).value}")

        return Expression(run, None, place)


def _last(operand: Field | Variable | Member) -> str:
    return operand.path[-1]


def _slot(slot: int, place: Place) -> Expression:
    return Expression(lambda record, slots: slots[slot], None, place)


def _none_for_nil(run: Evaluate) -> Evaluate:
    def checked(record: Record, slots: Slots) -> object:
        value = run(record, slots)
        return NO_VALUE if value is None else value

    return checked


def unwatched(run: Evaluate, place: Place) -> Evaluate:
    """Leave a call as it is: few of them end in time whatever they do."""
    return run


def watched(run: Evaluate, place: Place) -> Evaluate:
    """Let a call look at the clock first."""
    clock = time.monotonic

    def timely(record: Record, slots: Slots) -> object:
        if clock() > slots[DEADLINE_SLOT]:  # type: ignore[operator]
            raise place.failure(str(exceeded("the time for one line", TEMPLATE_SECONDS, "more seconds")))
        return run(record, slots)

    return timely


def _short_circuit(name: str, arguments: Sequence[Expression], final: Expression | None, place: Place) -> Expression:
    """Give the first argument that decides, or the last one. What a pipeline passes is evaluated before all others."""
    every = [*arguments, final] if final is not None else arguments
    if not every:
        return failing(place, f"wrong number of args for {name}: want at least 1 got 0")
    wanted = name == "or"
    *runs, last = [argument.run for argument in every]
    types = {argument.type for argument in every}
    result = types.pop() if len(types) == 1 else None

    def run(record: Record, slots: Slots) -> object:
        for each in runs:
            value = each(record, slots)
            if truth(value) is wanted:
                return value
        return last(record, slots)

    def run_after_final(record: Record, slots: Slots) -> object:
        passed = last(record, slots)
        for each in runs:
            value = each(record, slots)
            if truth(value) is wanted:
                return value
        return passed

    return Expression(run if final is None else run_after_final, result, place)


def _comparison(name: str, arguments: Sequence[Expression], place: Place) -> Expression | None:
    """Give `eq` and `ne` of two strings in a form that needs no look at their types."""
    if name not in ("eq", "ne") or len(arguments) != 2 or any(each.type is not GoType.STRING for each in arguments):
        return None
    first, second = arguments[0].run, arguments[1].run
    label, known = arguments[0].label, arguments[1].known
    run: Callable[[Record, Slots], object]
    if label is not None and known is not None:
        value = known.value
        if name == "eq":
            run = lambda record, slots: record.labels.get(label, "") == value  # noqa: E731
        else:
            run = lambda record, slots: record.labels.get(label, "") != value  # noqa: E731
    elif name == "eq":
        run = lambda record, slots: first(record, slots) == second(record, slots)  # noqa: E731
    else:
        run = lambda record, slots: first(record, slots) != second(record, slots)  # noqa: E731
    return Expression(run, GoType.BOOL, place)
