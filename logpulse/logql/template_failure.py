"""What a template says when it fails on a line: where it failed and why, in the words of Go's text/template."""

from __future__ import annotations

import attrs

from logpulse.errors import LogPulseError
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
from logpulse.logql.template_types import well_formed

Node = Operand | Command


@attrs.define(eq=False, slots=False)
class RenderError(LogPulseError):
    """Say why a template cannot be rendered for one line; `details` is the value of `__error_details__`."""

    details: str

    def __str__(self) -> str:
        return self.details


@attrs.define(eq=False, slots=False)
class CallError(LogPulseError):
    """Say why a function of a template refuses its arguments. What calls the function adds where that was."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def exceeded(limit: str, value: float, sent: float | str) -> CallError:
    """Refuse what would go beyond a limit of limits.py: its name, its value and what was asked for."""
    return CallError(f"{limit} is limited to {value}, got {sent}")


@attrs.frozen(eq=False)
class Place:
    """Point at a node of a template that texts call `name` (`line` or `label`). They are made on failure only."""

    name: str
    template: str
    node: Node

    def failure(self, reason: str) -> RenderError:
        """Give the failure of this node: its line from 1, its byte in the line from 0, the node and the reason."""
        before = self.template[: self.node.offset]
        line = before.count("\n") + 1
        column = len(before[before.rfind("\n") + 1 :].encode("utf-8", "replace"))
        text = f'template: {self.name}:{line}:{column}: executing "{self.name}" at <{source(self.node)}>: {reason}'
        return RenderError(well_formed(text))

    def call_failure(self, function: str, reason: object) -> RenderError:
        """Give the failure of a function that was called here."""
        return self.failure(f"error calling {function}: {reason}")

    def at(self, node: Node) -> Place:
        """Point at another node of the same template."""
        return Place(self.name, self.template, node)


def source(node: Node) -> str:
    """Write a node as it could stand in a template: blanks are single, constants as they were written."""
    match node:
        case Field():
            return "".join(f".{name}" for name in node.path)
        case Variable():
            return ".".join((node.name, *node.path))
        case Dot():
            return "."
        case Nil():
            return "nil"
        case Constant():
            return node.text
        case Function():
            return node.name
        case Member():
            return ".".join((_operand(node.operand), *node.path))
        case Command():
            return " ".join(map(_operand, node.operands))
        case Pipeline():
            commands = " | ".join(map(source, node.commands))
            sign = ":=" if node.declares else "="
            return f"{', '.join(node.variables)} {sign} {commands}" if node.variables else commands


def _operand(node: Operand) -> str:
    return f"({source(node)})" if isinstance(node, Pipeline) else source(node)
