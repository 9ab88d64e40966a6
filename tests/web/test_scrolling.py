"""A list of 100,000 lines: scrolling through it costs little, and the page holds a screenful of rows."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.processes.server_process import Servers

from .conftest import NewPage, ReportFigure, Shoot
from .page_server import PageServer, seeded_lines
from .page_work import PageWork, Spread
from .search_page import found, settled

_LINES: Final = 100_000
_PAGE: Final = 5000
_FRAMES: Final = 300  # 5 s at 60 a second
_SCRIPT_MILLISECONDS: Final = 4.0  # of a frame
_FRAME_MILLISECONDS: Final = 16.0
_ROWS_AT_MOST: Final = 150

# Scrolls to a share of the list and gives the number of rows that the page then holds.
_SCROLL: Final = """([list, share]) => new Promise((done) => {
    list.scrollTop = share * (list.scrollHeight - list.clientHeight);
    requestAnimationFrame(() => setTimeout(() => done(list.querySelectorAll("[role=option]").length)));
})"""


@pytest.fixture
def page(browser: Browser, servers: Servers, new_page: NewPage) -> Page:
    """Give a page with all lines loaded, page by page as a reader goes down."""
    page = new_page(PageServer.start(servers, seeded_lines(count=_LINES)))
    page.goto(f"/?limit={_PAGE}")
    settled(page)
    listed = page.get_by_role("listbox", name="Log lines")
    for loaded in range(_PAGE, _LINES + 1, _PAGE):
        expect(page.locator(f'[role="option"][aria-setsize="{loaded}"]').first).to_be_visible()
        listed.press("End")
    return page


# Every frame shows other rows than the one before: dearer than any wheel or finger could make it.
def test_a_frame_costs_little(page: Page, shoot: Shoot, report_figure: ReportFigure) -> None:
    expect(found(page)).to_have_text(f"{_LINES:,} lines")
    listed = page.get_by_role("listbox", name="Log lines").element_handle()
    work = PageWork(page)
    frames = []
    for frame in range(_FRAMES):
        held = page.evaluate(_SCROLL, [listed, frame / (_FRAMES - 1)])
        assert held <= _ROWS_AT_MOST
        frames.append(work.since_last())
    expect(page.locator(f'[role="option"][aria-posinset="{_LINES}"]')).to_be_visible()
    shoot(page, "scrolled-dark")
    script = Spread.of(frame.script for frame in frames)
    whole = Spread.of(frame.total for frame in frames)
    report_figure("scrolling 100,000 lines, script of a frame", str(script))
    report_figure("scrolling 100,000 lines, script, style and layout of a frame", str(whole))
    assert script.p95 <= _SCRIPT_MILLISECONDS
    assert whole.p95 <= _FRAME_MILLISECONDS
    assert whole.longest <= 50  # no long task
