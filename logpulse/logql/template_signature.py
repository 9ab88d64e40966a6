"""What a template may pass to a function or method, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from logpulse.logql.template_types import GoType


@attrs.frozen
class Signature:
    """Describe a function: the types of its parameters, that of any number of further ones, and its result's.

    `call` takes values of just these types and raises CallError alone; a `result` of None is known only when it runs.
    """

    call: Callable[..., object]
    result: GoType | None
    parameters: tuple[GoType, ...] = ()
    rest: GoType | None = None

    def accepts(self, count: int) -> bool:
        """Tell whether the function can be called with `count` arguments."""
        return count >= len(self.parameters) if self.rest is not None else count == len(self.parameters)

    def parameter(self, position: int) -> GoType:
        """Give the type of the argument at a position from 0."""
        if position < len(self.parameters) or self.rest is None:
            return self.parameters[position]
        return self.rest
