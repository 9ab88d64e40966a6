"""What a page's work costs: time of the processor, which a busy machine does not stretch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
from playwright.sync_api import Page

_RENDERING: Final = ("LayoutDuration", "RecalcStyleDuration")


@attrs.frozen
class Work:
    """Hold milliseconds of the main thread: of scripts, and of the style and layout that they cause."""

    script: float
    rendering: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.script + self.rendering


class PageWork:
    """Measure the main thread of a page in steps."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._until = self._now()

    def since_last(self) -> Work:
        """Give the work since the last call, or since this began."""
        before, self._until = self._until, self._now()
        return Work(self._until.script - before.script, self._until.rendering - before.rendering)

    def _now(self) -> Work:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        spent = {str(each["name"]): float(each["value"]) * 1000 for each in metrics}
        return Work(spent["ScriptDuration"], sum(spent[name] for name in _RENDERING))


@attrs.frozen
class Spread:
    """Hold how a measurement that was repeated turned out."""

    least: float
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sort out the values; there has to be one."""
        ordered = sorted(values)
        return cls(ordered[0], ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100], ordered[-1])

    def __str__(self) -> str:
        """Give it as a figure for people."""
        return f"least {self.least:.2f}, p50 {self.p50:.2f}, p95 {self.p95:.2f}, longest {self.longest:.2f} ms"
