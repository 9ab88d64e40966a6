"""What a template knows where: its variables and the value at hand, each in a slot that is fixed before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import attrs

from logpulse.logql.record import Record
from logpulse.logql.template_failure import Place
from logpulse.logql.template_types import GoType

Slots = list[object]
"""The variables of one rendering. Empty for templates that have none and need no watch."""

Evaluate = Callable[[Record, Slots], object]

DEADLINE_SLOT: Final = 0  # monotonic seconds
STEPS_SLOT: Final = 1  # rounds of ranges that are left
FIRST_SLOT: Final = 2


@attrs.frozen(eq=False)
class Known:
    """Hold a value that is known before the template runs."""

    value: object


@attrs.frozen(eq=False)
class Expression:
    """Be a part of a template that gives a value when it runs.

    `type` is None when only running tells it. `place` is where Go stands when it has evaluated this. `label` names the
    label if nothing but a label is read, and `known` holds the value of a constant that is no result of a pipeline: as
    an argument it fits parameters of several types.
    """

    run: Evaluate
    type: GoType | None
    place: Place
    label: str | None = None
    known: Known | None = None


class Scope:
    """Give out slots while a template is compiled, and note which labels it reads."""

    def __init__(self) -> None:
        self._size = FIRST_SLOT
        self._variables: list[tuple[str, int]] = []
        self._dot: int | None = None
        self._labels: set[str] | None = set()

    @property
    def size(self) -> int:
        """Count the slots that a rendering needs, with those that watch over it."""
        return self._size

    @property
    def labels(self) -> frozenset[str] | None:
        """Name the labels that are read; None: any of them."""
        return None if self._labels is None else frozenset(self._labels)

    @property
    def dot(self) -> int | None:
        """Give the slot of the value at hand; None: the labels, which a template begins with."""
        return self._dot

    def slot(self) -> int:
        """Take a new slot."""
        self._size += 1
        return self._size - 1

    def declare(self, name: str) -> int:
        """Take a slot for a variable that is known up to the end of the block."""
        slot = self.slot()
        self._variables.append((name, slot))
        return slot

    def find(self, name: str) -> int:
        """Give the slot of a variable; the parser has seen to it that there is one."""
        return next(slot for known, slot in reversed(self._variables) if known == name)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Forget at the end the variables that are declared inside."""
        known = len(self._variables)
        yield
        del self._variables[known:]

    @contextmanager
    def inside(self, dot: int) -> Iterator[None]:
        """Let another value be at hand in a body, whose variables are forgotten at its end."""
        outside, self._dot = self._dot, dot
        with self.block():
            yield
        self._dot = outside

    def reads(self, label: str) -> None:
        """Note that a label is read."""
        if self._labels is not None:
            self._labels.add(label)

    def reads_all(self) -> None:
        """Note that the labels are read as a whole."""
        self._labels = None
