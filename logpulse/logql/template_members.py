"""Members in templates: elements of maps, and methods of times and other values."""

from __future__ import annotations

from collections.abc import Sequence

from logpulse.logql.record import Record
from logpulse.logql.template_arguments import fit
from logpulse.logql.template_dates import METHODS, SEVERAL_RESULTS
from logpulse.logql.template_failure import CallError, Place, RenderError
from logpulse.logql.template_scope import Expression, Slots
from logpulse.logql.template_time import Duration, GoTime
from logpulse.logql.template_types import NO_VALUE, GoType, LabelMap, Signature, go_type


def member_of(
    value: Expression, path: tuple[str, ...], arguments: Sequence[Expression], place: Place, end: Place
) -> Expression:
    """Take members one after another; the last gets the arguments. Go stands at `place` first and at `end` then."""
    *names, last = path

    def run(record: Record, slots: Slots) -> object:
        receiver = value.run(record, slots)
        element = False
        for name in names:
            receiver, element = _member(receiver, name, element, place)
        return _last_member(receiver, last, element, arguments, place, record, slots)

    return Expression(run, None, end)


def _member(receiver: object, name: str, element: bool, place: Place) -> tuple[object, bool]:
    """Take a member without arguments, and tell whether it is an element of a map of any values."""
    if receiver.__class__ is dict:
        return receiver.get(name), True
    if isinstance(receiver, LabelMap):
        return receiver.get(name, ""), False
    if receiver is NO_VALUE:
        return NO_VALUE, False
    signature = METHODS.get(receiver.__class__, {}).get(name)
    if signature is None:
        raise _missing(receiver, name, element, place)
    return _called(signature, receiver, name, [], place), False


def _last_member(
    receiver: object,
    name: str,
    element: bool,
    arguments: Sequence[Expression],
    place: Place,
    record: Record,
    slots: Slots,
) -> object:
    if not arguments or receiver is NO_VALUE:
        return _member(receiver, name, element, place)[0]
    signature = METHODS.get(receiver.__class__, {}).get(name)
    if signature is not None:
        return _called(signature, receiver, name, [_prepared(each, record, slots) for each in arguments], place)
    if isinstance(receiver, dict):
        raise place.failure(f"{name} is not a method but has arguments")
    raise _missing(receiver, name, element, place)


def _missing(receiver: object, name: str, element: bool, place: Place) -> RenderError:
    if receiver is None:
        return place.failure(f"nil pointer evaluating {GoType.ANY.value}.{name}")
    if isinstance(receiver, GoTime) and name in SEVERAL_RESULTS:
        return place.failure(f"function {name} has {SEVERAL_RESULTS[name]} return values; should be 1 or 2")
    kind = GoType.ANY if element else go_type(receiver)
    return place.failure(f"can't evaluate field {name} in type {kind.value}")


def _prepared(argument: Expression, record: Record, slots: Slots) -> tuple[object, Expression]:
    return argument.run(record, slots), argument


def _called(
    signature: Signature, receiver: object, name: str, arguments: list[tuple[object, Expression]], place: Place
) -> object:
    if not signature.accepts(len(arguments)):
        raise place.failure(f"wrong number of args for {name}: want {len(signature.parameters)} got {len(arguments)}")
    values = [
        _fit(value, signature.parameter(position), argument) for position, (value, argument) in enumerate(arguments)
    ]
    try:
        return signature.call(receiver, *values)
    except CallError as failure:
        raise place.call_failure(name, failure) from None


def _fit(value: object, wanted: GoType, argument: Expression) -> object:
    if argument.known is not None and wanted is GoType.DURATION and value.__class__ is int:
        return Duration(value)
    return fit(value, wanted, argument.place)
