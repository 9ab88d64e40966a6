"""The histogram: its numbers are those of the lines, it chooses levels, and it may fail alone."""

from __future__ import annotations

import re
from collections import Counter

from playwright.sync_api import Page, expect

from .conftest import Complaints, Shoot
from .page_server import PageServer
from .search_page import found, legend, rows, settled


def shown_totals(page: Page) -> dict[str, int]:
    """Give the legend's totals by level."""
    texts = legend(page).get_by_role("button").all_inner_texts()
    return {name: int(total.replace(",", "")) for name, total in (text.split() for text in texts)}


def test_its_totals_are_those_of_the_lines_and_a_click_shows_one_level(
    page: Page, server: PageServer, shoot: Shoot
) -> None:
    page.goto("/")
    settled(page)
    expected = Counter(line.level for line in server.lines)
    assert shown_totals(page) == expected
    expect(found(page)).to_contain_text(f"{expected.total():,} lines")
    error = legend(page).get_by_role("button", name="error")
    error.click()
    expect(found(page)).to_contain_text(f"{expected['error']} lines")
    words = rows(page).locator(".row-level")
    expect(words.filter(has_not_text="ERR")).to_have_count(0)
    expect(words.filter(has_text="ERR").first).to_be_visible()
    expect(page).to_have_url(re.compile("lv=error"))
    shoot(page, "one-level-dark")
    error.click()
    expect(found(page)).to_contain_text(f"{expected.total():,} lines")
    expect(words.filter(has_text="INF").first).to_be_visible()


def test_its_failure_is_not_that_of_the_query(page: Page, complaints: Complaints, shoot: Shoot) -> None:
    complaints.expect(r"status of 500 .*/volume\?")
    page.route("**/volume?*", lambda route: route.fulfill(status=500, json={"error": "the disk is on fire"}))
    page.goto("/")
    expect(page.get_by_text("volume unavailable")).to_be_visible()
    expect(rows(page).first).to_be_visible()
    shoot(page, "volume-failed-dark")
    page.unroute("**/volume?*")
    page.get_by_role("button", name="retry").click()
    settled(page)
    expect(page.get_by_text("volume unavailable")).to_have_count(0)
