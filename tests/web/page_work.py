"""What a page's work costs: time of the processor, which a busy machine does not stretch."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

_WORK: Final = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


class PageWork:
    """Measure the main thread of a page in steps."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._spent = self._now()

    def since_last(self) -> float:
        """Give the milliseconds of script, style and layout since the last call."""
        before, self._spent = self._spent, self._now()
        return self._spent - before

    def _now(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return sum(float(each["value"]) for each in metrics if each["name"] in _WORK) * 1000
