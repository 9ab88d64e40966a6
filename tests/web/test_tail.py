"""Following live: pausing, losing the server and finding it again, many lines a second."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ports import unused_port
from tests.processes.server_process import Servers

from .conftest import Complaints, NewPage, Shoot
from .log_list import LogList
from .page_server import Line, PageServer

_FLOOD: Final = 5_000  # lines a second
_SECONDS: Final = 4
_BATCHES: Final = 20  # a second
_LONG_TASK: Final = 100  # milliseconds
_WATCH: Final = """
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: 'longtask' });
"""
_numbers: Final = count()


def _lines(many: int, app: str = "live") -> list[Line]:
    now = time.time_ns()
    return [
        Line(now + n, {"app": app, "level": "info"}, f"line {next(_numbers):06} {'word ' * 15}", "info")
        for n in range(many)
    ]


def _follow(page: Page, app: str = "live") -> LogList:
    query = f'{{app="{app}"}}'
    page.goto(f"/?{urlencode({'q': query, 'live': '1'})}")
    expect(_chip(page)).to_have_text(re.compile(r"^Live · "))
    return LogList(page)


def _chip(page: Page) -> Locator:
    return page.locator(".tail .chip")


def _total(rows: LogList) -> Locator:
    return rows.page.locator(".tail").get_by_text(re.compile(r"^[\d,]+ lines?$"))


def test_what_is_read_stays_in_place_while_new_lines_wait(page: Page, server: PageServer, shoot: Shoot) -> None:
    server.push(_lines(300))
    rows = _follow(page)
    expect(_total(rows)).to_have_text("300 lines")
    rows.scroll(2000)
    expect(_chip(page)).to_have_text("Paused · 0 new ↓")
    before = rows.boxes()
    pushed = _lines(200)
    server.push(pushed)
    expect(_chip(page)).to_have_text("Paused · 200 new ↓")
    assert rows.boxes() == before
    shoot(page, "paused-dark")
    _chip(page).click()
    expect(_chip(page)).to_have_text(re.compile(r"^Live · "))
    expect(_total(rows)).to_have_text("500 lines")
    expect(rows.row(1).locator(".row-text")).to_have_text(pushed[-1].text)
    assert rows.texts(500)[:200] == [line.text for line in reversed(pushed)]


@pytest.mark.parametrize("how", ["text", "details", "space", "button"])
def test_a_tail_pauses_while_somebody_looks(page: Page, server: PageServer, how: str) -> None:
    server.push(_lines(30, how))
    rows = _follow(page, how)
    expect(_total(rows)).to_have_text("30 lines")
    if how == "text":
        rows.row(3).locator(".row-text").dblclick(position={"x": 20, "y": 10})
    elif how == "details":
        rows.row(3).click()
        expect(page.get_by_role("region", name="Line details")).to_be_visible()
    elif how == "space":
        rows.element.focus()
        page.keyboard.press("Space")
    else:
        page.get_by_role("button", name="Pause").click()
    expect(_chip(page)).to_have_text("Paused · 0 new ↓")
    server.push(_lines(1, how))
    expect(_chip(page)).to_have_text("Paused · 1 new ↓")
    page.get_by_role("button", name="Resume").click()
    expect(_total(rows)).to_have_text("31 lines")


def test_a_tail_survives_its_server_and_shows_what_it_missed(
    browser: Browser, new_page: NewPage, complaints: Complaints, tmp_path: Path, shoot: Shoot
) -> None:
    complaints.expect(r"WebSocket connection|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    assert browser
    port = str(unused_port())
    with _servers(tmp_path) as servers:
        process = servers.start({"server.port": port})
        first = PageServer(servers, process.port)
        first.push(_lines(10))
        page = new_page(first)
        rows = _follow(page)
        expect(_total(rows)).to_have_text("10 lines")
        process.kill()
        expect(_chip(page)).to_have_text(re.compile(r"^Reconnecting in "))
        shoot(page, "reconnecting-dark")
        elsewhere = servers.start()  # nobody follows what comes in the meantime
        missed = _lines(20)
        PageServer(servers, elsewhere.port).push(missed)
        elsewhere.kill()
        process = servers.start({"server.port": port})
        expect(_chip(page)).to_have_text(re.compile(r"^Live · "), timeout=60_000)
        first.push(_lines(1))
        gap = rows.element.get_by_role("option").filter(has_text="lines may be missing here")
        expect(gap).to_be_visible()
        shoot(page, "gap-dark")
        gap.click()
        expect(gap).to_have_count(0)
        expect(page.get_by_text("20 missing lines loaded")).to_be_visible()
        assert rows.texts(31)[1:21] == [line.text for line in reversed(missed)]
        process.signal(signal.SIGTERM)
        assert process.exit_code() == 0
        expect(_chip(page)).to_have_text(re.compile(r"^Reconnecting in \d+ s: the server is stopping$"))
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(_chip(page)).to_have_text("Stopped")
        expect(_total(rows)).to_have_text("31 lines")
        expect(page.get_by_role("status").filter(has_text="Running for")).to_have_count(0)


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    servers = Servers(folder)
    try:
        yield servers
    finally:
        servers.end()


def test_a_refused_tail_says_why_and_does_not_try_again(page: Page, complaints: Complaints) -> None:
    complaints.expect(r"WebSocket connection|status of 400")
    page.goto(f"/?{urlencode({'q': '{app=', 'live': '1'})}")
    expect(_chip(page)).to_have_text(re.compile("^Stopped: parse error"))
    expect(_chip(page)).to_be_disabled()


def test_thousands_of_lines_a_second_are_all_counted_and_hold_nothing_up(
    page: Page, server: PageServer, shoot: Shoot
) -> None:
    page.add_init_script(_WATCH)
    rows = _follow(page, "flood")
    pushed = threading.Thread(target=_flood, args=(server,))
    pushed.start()
    expect(_total(rows)).to_have_text(f"{_FLOOD * _SECONDS:,} lines", timeout=60_000)
    pushed.join()
    expect(page.get_by_text("Dropped")).to_have_count(0)
    expect(rows.element.get_by_role("option").first).to_be_visible()
    longest = page.evaluate("globalThis.longest")
    assert longest <= _LONG_TASK, f"a task of {longest} ms"
    shoot(page, "flood-dark")


def _flood(server: PageServer) -> None:
    begun = time.monotonic()
    for batch in range(_SECONDS * _BATCHES):
        time.sleep(max(0.0, begun + batch / _BATCHES - time.monotonic()))
        server.push(_lines(_FLOOD // _BATCHES, "flood"))
