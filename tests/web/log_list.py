"""What the list of the page shows: its rows, all of them though only those of the screen are in the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_COLLECT: Final = """async (list, wanted) => {
    const found = new Map();
    const deadline = performance.now() + 20000;
    list.scrollTop = 0;
    while (found.size < wanted && performance.now() < deadline) {
        await new Promise(requestAnimationFrame);
        for (const row of list.querySelectorAll('[role=option]:not([hidden])'))
            found.set(Number(row.getAttribute('aria-posinset')), row.querySelector('.row-text').textContent);
        list.scrollTop += list.clientHeight / 2;
    }
    list.scrollTop = 0;
    await new Promise(requestAnimationFrame);
    return [...found].sort(([one], [other]) => one - other).map(([, text]) => text);
}"""

_BOXES: Final = """(list) => {
    const { top, bottom } = list.getBoundingClientRect();
    return [...list.querySelectorAll('[role=option]:not([hidden])')]
        .map((row) => {
            const box = row.getBoundingClientRect();
            const text = row.querySelector('.row-text');
            const height = text.getBoundingClientRect().height;
            return { text: text.textContent, top: box.top, bottom: box.bottom, height, needed: text.scrollHeight };
        })
        .filter((row) => row.bottom > top && row.top < bottom)
        .sort((one, other) => one.top - other.top);
}"""


@attrs.frozen
class RowBox:
    """Hold where a row of the screen is, in pixels, and the height that its text has and would need."""

    text: str
    top: float
    bottom: float
    height: float
    needed: float


@attrs.frozen
class LogList:
    """The list of a page."""

    page: Page

    @property
    def element(self) -> Locator:
        """The list itself, which has the focus."""
        return self.page.get_by_role("listbox", name="Log lines")

    def row(self, place: int) -> Locator:
        """Find the row at a place of the whole list, 1 being the first, while it is on the screen."""
        return self.element.locator(f"[role=option][aria-posinset='{place}']:visible")

    def texts(self, count: int) -> list[str]:
        """Scroll until `count` rows were seen, loading pages on the way; give what they show, the first row first."""
        found: list[str] = self.element.evaluate(_COLLECT, count)
        return found

    def boxes(self) -> list[RowBox]:
        """Measure the rows of the screen, the first first."""
        return [RowBox(**box) for box in self.element.evaluate(_BOXES)]

    def scroll(self, pixels: int) -> None:
        """Turn the wheel over the list."""
        self.element.hover()
        self.page.mouse.wheel(0, pixels)
