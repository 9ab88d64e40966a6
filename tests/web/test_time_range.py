"""The time picker: presets, which are resolved anew with each run, and text that is no time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, Request, expect

from .page_server import PageServer
from .search_page import found, rows, settled


def picker(page: Page) -> Locator:
    """Open the time picker."""
    page.get_by_role("button", name="Last 1 hour").click()
    return page.get_by_role("dialog", name="Time range")


def asked_range(request: Request) -> tuple[datetime, datetime]:
    """Give the range of a request to /query."""
    parameters = parse_qs(urlsplit(request.url).query)
    return datetime.fromisoformat(parameters["start"][0]), datetime.fromisoformat(parameters["end"][0])


def test_a_preset_picks_its_range_and_run_resolves_it_anew(page: Page, server: PageServer) -> None:
    page.goto("/?limit=5000&tz=UTC")
    settled(page)
    with page.expect_request("**/query?*") as first:
        picker(page).get_by_role("button", name="Last 15m").click()
    expect(page).to_have_url(re.compile("from=now-15m"))
    start, end = asked_range(first.value)
    assert end - start == timedelta(minutes=15)
    lower = sum(line.ns >= start.timestamp() * 1e9 for line in server.lines)
    expect(found(page)).to_have_text(f"{lower:,} lines")
    page.get_by_role("listbox", name="Log lines").press("End")
    last = page.locator(f'[role="option"][aria-posinset="{lower}"]')
    expect(last).to_be_visible()
    shown = datetime.strptime(f"{start:%Y-%m-%d} {last.inner_text()[:12]} +0000", "%Y-%m-%d %H:%M:%S.%f %z")
    assert start <= shown <= start + timedelta(seconds=1)
    expect(rows(page).first).to_be_visible()
    with page.expect_request("**/query?*") as again:
        page.get_by_role("button", name="Run").click()
    later = asked_range(again.value)
    assert later[1] > end
    assert later[1] - later[0] == timedelta(minutes=15)


def test_what_is_no_time_cannot_be_applied(page: Page) -> None:
    page.goto("/")
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    dialog = picker(page)
    field = dialog.get_by_role("textbox", name="From, to")
    field.fill("yesterdayish")
    expect(dialog.get_by_role("button", name="Apply")).to_be_disabled()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("yesterdayish"))
    field.press("Enter")
    expect(dialog).to_be_visible()
    assert not [url for url in asked if "/query?" in url], asked
