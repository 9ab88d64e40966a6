"""How much of a time range an export has covered, shown on standard error to a person and to nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from logpulse.client.progress import PATIENCE_SECONDS, NoProgress, Progress
from logpulse.client.terminal import Surface
from logpulse.client.window import TimeWindow
from logpulse.units import format_byte_size

if TYPE_CHECKING:
    import rich.progress


@attrs.frozen
class Stretch:
    """Say what one page added: entries, bytes of output, the times of its first and last entry in unix nanoseconds."""

    entries: int
    size: int
    first: int
    last: int


def coverage_for(surface: Surface, window: TimeWindow) -> Progress[Stretch]:
    """Choose how to show the export of a time range, whose end is known, to what reads standard error."""
    return NoProgress() if surface is Surface.PIPE else CoverageBar(window, surface)


class CoverageBar:
    """Draw a bar as long as the part of the time range that is written, with entries and bytes, after half a second.

    A range without a start begins with its first entry.
    """

    def __init__(self, window: TimeWindow, surface: Surface, clock: Callable[[], float] = time.monotonic) -> None:
        self._start = window.start
        self._end = window.end
        self._surface = surface
        self._clock = clock
        self._began = clock()
        self._entries = 0
        self._size = 0
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, stretch: Stretch, /) -> None:
        """Note that a further stretch is written, and draw if it is time."""
        self._entries += stretch.entries
        self._size += stretch.size
        if self._start is None:
            self._start = stretch.first
        seconds = self._clock() - self._began
        if self._bar is None and seconds >= PATIENCE_SECONDS:
            self._draw()
        if self._bar is not None and self._task is not None:
            done = f"{self._entries:,} entries, {format_byte_size(self._size)}"
            rate = f"{format_byte_size(int(self._size / max(seconds, 1e-9)))}/s"
            self._bar.update(self._task, completed=self.share(stretch.last), done=done, rate=rate)

    def share(self, moment: int) -> float:
        """Give the part of the range that lies before a time, from 0 to 1; 0 while a bound is unknown."""
        if self._start is None or self._end is None:
            return 0.0
        return min(max((moment - self._start) / max(self._end - self._start, 1), 0.0), 1.0)

    def _draw(self) -> None:
        # Imported here: it takes longer than most commands run.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("exporting"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[done]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True, no_color=self._surface is Surface.PLAIN_TERMINAL)
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=1.0, done="", rate="")
        self._bar.start()
