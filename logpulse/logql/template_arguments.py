"""Arguments of functions in templates: whether they fit the parameters, and calls that cost as little as they can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from logpulse.logql.record import Record
from logpulse.logql.template_failure import CallError, Place, source
from logpulse.logql.template_scope import Evaluate, Expression, Known, Slots
from logpulse.logql.template_time import Duration
from logpulse.logql.template_types import NO_VALUE, GoType, go_type

_EXPECTED: Final = {GoType.STRING: "string", GoType.BOOL: "bool", GoType.INT: "integer", GoType.FLOAT: "float"}
_TAKES_NIL: Final = frozenset({GoType.ANY, GoType.VALUE, GoType.LOCATION})


def fitted(argument: Expression, wanted: GoType, place: Place) -> Expression:
    """Give an argument as a parameter of the type `wanted` takes it.

    One that does not fit fails when it runs: templates are refused for their form alone. `place` is where Go is then.
    """
    if argument.known is not None:
        return _fitted_constant(argument, argument.known.value, wanted)
    if wanted is GoType.VALUE or argument.type is wanted:
        return argument
    if wanted is GoType.ANY:
        return argument if argument.type is not None else Expression(_nil_for_none(argument.run), None, argument.place)
    run = argument.run
    if argument.type is not None:
        return failing(place, f"wrong type for value; expected {wanted.value}; got {argument.type.value}", run)

    def checked(record: Record, slots: Slots) -> object:
        return fit(run(record, slots), wanted, place)

    return Expression(checked, wanted, argument.place)


def fit(value: object, wanted: GoType, place: Place) -> object:
    """Give a value as a parameter of the type `wanted` takes it.

    Raises:
        RenderError: it is of another type.
    """
    if wanted is GoType.VALUE:
        return value
    if wanted is GoType.ANY:
        return None if value is NO_VALUE else value
    if value is NO_VALUE:
        if wanted is GoType.LOCATION:
            return None
        raise place.failure(f"invalid value; expected {wanted.value}")
    actual = go_type(value)
    if actual is not wanted:
        name = GoType.ANY.value if value is None else actual.value
        raise place.failure(f"wrong type for value; expected {wanted.value}; got {name}")
    return value


def constant(value: object, place: Place) -> Expression:
    """Give the expression of a constant."""
    return Expression(lambda record, slots: value, go_type(value), place, known=Known(value))


def failing(place: Place, reason: str, first: Evaluate | None = None) -> Expression:
    """Give an expression that always fails, after it has evaluated `first`."""

    def run(record: Record, slots: Slots) -> NoReturn:
        if first is not None:
            first(record, slots)
        raise place.failure(reason)

    return Expression(run, None, place)


def _nil_for_none(run: Evaluate) -> Evaluate:
    def checked(record: Record, slots: Slots) -> object:
        value = run(record, slots)
        return None if value is NO_VALUE else value

    return checked


def _fitted_constant(argument: Expression, value: object, wanted: GoType) -> Expression:
    place = argument.place
    if value is NO_VALUE:
        if wanted not in _TAKES_NIL:
            return failing(place, f"cannot assign nil to {wanted.value}")
        return constant(NO_VALUE if wanted is GoType.VALUE else None, place)
    match wanted, value:
        case (GoType.ANY | GoType.VALUE, _) | (GoType.STRING, str()) | (GoType.BOOL, bool()):
            return argument
        case (GoType.INT | GoType.FLOAT | GoType.DURATION, bool()):
            pass
        case GoType.INT, int():
            return argument
        case (GoType.INT | GoType.DURATION, float() | int()) if value == int(value) and abs(value) < 2**63:
            return constant(int(value) if wanted is GoType.INT else Duration(value), place)
        case GoType.FLOAT, int() | float():
            return constant(float(value), place)
    expected = _EXPECTED.get(wanted, "integer" if wanted is GoType.DURATION else "")
    if not expected:
        return failing(place, f"can't handle {source(place.node)} for arg of type {wanted.value}")
    return failing(place, f"expected {expected}; found {source(place.node)}")


# -- calls ------------------------------------------------------------------------------------------------------------


def call(
    name: str, function: Callable[..., object], arguments: Sequence[Expression], result: GoType | None, place: Place
) -> Expression:
    """Give the call of a function; what it refuses fails at `place`."""
    if len(arguments) == 1:
        run = _call_with_one(name, function, arguments[0], place)
    elif len(arguments) == 2:
        run = _call_with_two(name, function, arguments[0], arguments[1], place)
    else:
        run = _call_with_many(name, function, [argument.run for argument in arguments], place)
    return Expression(run, result, place)


def _call_with_one(name: str, function: Callable[..., object], argument: Expression, place: Place) -> Evaluate:
    label, run = argument.label, argument.run

    def of_label(record: Record, slots: Slots) -> object:
        try:
            return function(record.labels.get(label, ""))  # type: ignore[arg-type]
        except CallError as failure:
            raise place.call_failure(name, failure) from None

    def of_any(record: Record, slots: Slots) -> object:
        try:
            return function(run(record, slots))
        except CallError as failure:
            raise place.call_failure(name, failure) from None

    return of_any if label is None else of_label


def _call_with_two(
    name: str, function: Callable[..., object], first: Expression, second: Expression, place: Place
) -> Evaluate:
    run_first, run_second = first.run, second.run
    if first.known is None:

        def of_any(record: Record, slots: Slots) -> object:
            try:
                return function(run_first(record, slots), run_second(record, slots))
            except CallError as failure:
                raise place.call_failure(name, failure) from None

        return of_any
    value, label = first.known.value, second.label

    def with_constant(record: Record, slots: Slots) -> object:
        try:
            return function(value, run_second(record, slots))
        except CallError as failure:
            raise place.call_failure(name, failure) from None

    def with_constant_of_label(record: Record, slots: Slots) -> object:
        try:
            return function(value, record.labels.get(label, ""))  # type: ignore[arg-type]
        except CallError as failure:
            raise place.call_failure(name, failure) from None

    return with_constant if label is None else with_constant_of_label


def _call_with_many(name: str, function: Callable[..., object], arguments: list[Evaluate], place: Place) -> Evaluate:
    def run(record: Record, slots: Slots) -> object:
        try:
            return function(*[argument(record, slots) for argument in arguments])
        except CallError as failure:
            raise place.call_failure(name, failure) from None

    return run
