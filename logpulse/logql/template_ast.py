"""The syntax tree of the templates of `line_format` and `label_format`: Go's text/template without named templates.

`offset` is where in the template a node begins, in characters from 0, for the texts of failures: nodes that differ only
in their offset are equal.
"""

from __future__ import annotations

import attrs


def _offset() -> int:
    return attrs.field(default=0, eq=False, repr=False)


@attrs.frozen
class Text:
    """Stand for itself. Trim markers have done their work."""

    text: str


@attrs.frozen
class Field:
    """Take a label, or a member of the value at hand: `.status`, `.user.name`."""

    path: tuple[str, ...]
    offset: int = _offset()


@attrs.frozen
class Variable:
    """Take a variable and members of its value: `$x`, `$x.name`. The name `$` is the value the template began with."""

    name: str
    path: tuple[str, ...] = ()
    offset: int = _offset()


@attrs.frozen
class Dot:
    """Take the value at hand: `.`."""

    offset: int = _offset()


@attrs.frozen
class Nil:
    """Be no value."""

    offset: int = _offset()


@attrs.frozen
class Constant:
    """Be a value written in the template as `text`. `1` is int and `1.0` float, and `true` is no number."""

    value: bool | int | float | str = attrs.field(eq=lambda value: (type(value), value))
    text: str = attrs.field(default="", eq=False, repr=False)
    offset: int = _offset()


@attrs.frozen
class Function:
    """Call a function, with the arguments that follow in the command and the result of the command before."""

    name: str
    offset: int = _offset()


@attrs.frozen
class Member:
    """Take members of what a function or a parenthesised pipeline gives: `__timestamp__.Year`."""

    operand: Function | Pipeline
    path: tuple[str, ...]
    offset: int = _offset()


@attrs.frozen
class Command:
    """Hold a value, or a function and its arguments, separated by blanks."""

    operands: tuple[Operand, ...]
    offset: int = _offset()


@attrs.frozen
class Pipeline:
    """Chain commands: each gets the result of the one before as its last argument.

    The result goes to `variables`, if there are any: new ones (`:=`) when `declares`, known ones (`=`) otherwise.
    """

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False
    offset: int = _offset()


Operand = Field | Variable | Dot | Nil | Constant | Function | Member | Pipeline


@attrs.frozen
class Action:
    """Print the result of a pipeline, unless it goes to a variable."""

    pipeline: Pipeline


@attrs.frozen
class If:
    """Run the body if the pipeline's result is not empty, otherwise the rest."""

    pipeline: Pipeline
    body: Body
    otherwise: Body = ()


@attrs.frozen
class With:
    """As If, with the result as the value at hand of the body."""

    pipeline: Pipeline
    body: Body
    otherwise: Body = ()


@attrs.frozen
class Range:
    """Run the body for each element of the result; the rest, if there is none."""

    pipeline: Pipeline
    body: Body
    otherwise: Body = ()


@attrs.frozen
class Break:
    """Leave the innermost range."""


@attrs.frozen
class Continue:
    """Go on with the next element of the innermost range."""


Statement = Text | Action | If | With | Range | Break | Continue
Body = tuple[Statement, ...]
