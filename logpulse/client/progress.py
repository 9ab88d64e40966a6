"""How far long work has come, shown on standard error to a person and to nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from logpulse.client.terminal import Surface

if TYPE_CHECKING:
    import rich.progress

_Step_contra = TypeVar("_Step_contra", contravariant=True)

PATIENCE_SECONDS: Final = 0.5
"""Work that ends sooner shows nothing: a bar that flashes is noise."""


class Progress(Protocol[_Step_contra]):
    """Follow work, as a context manager; steps are whatever tells how far it has come."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, step: _Step_contra, /) -> None:
        """Note that one more step is done."""


def progress_for(surface: Surface, task: str, total: int | None) -> Progress[int]:
    """Choose how to show work on `total` entries, None for any number, to what reads standard error."""
    return NoProgress() if surface is Surface.PIPE else ProgressBar(task, total, surface)


class NoProgress:
    """Show nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def advance(self, step: object, /) -> None:
        """Note nothing."""


class ProgressBar:
    """Draw a bar with the count and the rate, once the work has taken half a second."""

    def __init__(
        self, task: str, total: int | None, surface: Surface, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task = task
        self._total = total
        self._surface = surface
        self._clock = clock
        self._began = clock()
        self._done = 0
        self._bar: rich.progress.Progress | None = None
        self._bar_task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, count: int, /) -> None:
        """Note that `count` more entries are done, and draw if it is time."""
        self._done += count
        if self._bar is None and self._clock() - self._began >= PATIENCE_SECONDS:
            self._draw()
        if self._bar is not None and self._bar_task is not None:
            rate = self._done / max(self._clock() - self._began, 1e-9)
            self._bar.update(self._bar_task, completed=self._done, rate=f"{rate:,.0f}/s")

    def _draw(self) -> None:
        # Imported here: it takes longer than most commands run.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
        )
        remaining = () if self._total is None else (TimeRemainingColumn(),)
        # Gone when the work is done: the command's own last line says how it ended.
        console = Console(stderr=True, no_color=self._surface is Surface.PLAIN_TERMINAL)
        self._bar = Progress(*columns, *remaining, console=console, transient=True)
        self._bar_task = self._bar.add_task(self._task, total=self._total, rate="")
        self._bar.start()
