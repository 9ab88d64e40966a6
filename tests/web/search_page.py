"""Where the parts of the search are on the page, by role and name."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect


def address(query: str, **parameters: str) -> str:
    """Give the address of a query, relative to the page."""
    return f"/?{urlencode({'q': query, **parameters})}"


def rows(page: Page) -> Locator:
    """Give the rows of the list that are on the screen, in no order."""
    return page.get_by_role("listbox", name="Log lines").get_by_role("option")


def editor(page: Page) -> Locator:
    """Give the editor, which takes the place of a text area once it is loaded."""
    return page.get_by_role("textbox", name="LogQL query")


def legend(page: Page) -> Locator:
    """Give the histogram's legend."""
    return page.get_by_role("group", name="Levels")


def settled(page: Page) -> None:
    """Wait until all parts of a search are there: rows, histogram, facets, editor."""
    expect(rows(page).first).to_be_visible()
    expect(legend(page)).to_be_visible()
    expect(editor(page)).to_be_visible()
    expect(page.locator(".histogram-stale")).to_have_count(0)


def found(page: Page) -> Locator:
    """Give what says how many lines match and how many are shown."""
    return page.locator(".found")
