"""A list of 100,000 lines: scrolling through it costs little, and the page holds a screenful of rows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.processes.server_process import Servers

from .conftest import Complaints, NewPage, Shoot
from .page_server import PageServer, seeded_lines
from .page_work import PageWork
from .search_page import found, settled

_LINES = 100_000
_FRAMES = 300
_FRAME_MILLISECONDS = 4.0
_ROWS_AT_MOST = 150

_SCROLL = """([list, share]) => new Promise((done) => {
    list.scrollTop = share * (list.scrollHeight - list.clientHeight);
    requestAnimationFrame(() => setTimeout(() => done(list.querySelectorAll("[role=option]").length)));
})"""


@pytest.fixture
def page(browser: Browser, servers: Servers, new_page: NewPage) -> Page:
    """Give a page with all lines loaded."""
    server = PageServer.start(servers, seeded_lines(count=_LINES))
    page = new_page(server)
    page.goto("/?limit=5000")
    settled(page)
    listed = page.get_by_role("listbox", name="Log lines")
    for loaded in range(5000, _LINES + 1, 5000):
        expect(page.locator(f'[role="option"][aria-setsize="{loaded}"]').first).to_be_visible()
        listed.press("End")
    return page


def test_a_frame_costs_little(page: Page, shoot: Shoot, record_property: pytest.RecordProperty) -> None:
    expect(found(page)).to_have_text(f"{_LINES:,} lines")
    listed = page.get_by_role("listbox", name="Log lines").element_handle()
    work = PageWork(page)
    spent: list[float] = []
    for frame in range(_FRAMES):
        shown = page.evaluate(_SCROLL, [listed, frame / (_FRAMES - 1)])
        assert shown <= _ROWS_AT_MOST
        spent.append(work.since_last())
    shoot(page, "scrolled-dark")
    spent.sort()
    p50, p95, longest = spent[_FRAMES // 2], spent[_FRAMES * 95 // 100], spent[-1]
    record_property("frame_ms", {"p50": round(p50, 2), "p95": round(p95, 2), "max": round(longest, 2)})
    print("frame", p50, p95, longest)
    assert p95 <= _FRAME_MILLISECONDS, spent
    assert longest <= 50
