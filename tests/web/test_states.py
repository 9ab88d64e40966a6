"""What the page looks like in each of its states; each picture is kept for people to look at."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import NewPage, Shoot
from .page_server import PageServer

PHONE = (390, 844)


def settled(page: Page) -> None:
    """Wait until all parts of a search are there."""
    expect(page.get_by_role("option").first).to_be_visible()
    expect(page.get_by_role("group", name="Levels")).to_be_visible()
    expect(page.get_by_role("textbox", name="LogQL query")).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("device", "size", "touch"), [("desktop", (1440, 900), "none"), ("phone", PHONE, "touch")])
def test_a_full_page(
    server: PageServer, new_page: NewPage, shoot: Shoot, scheme: str, device: str, size: tuple[int, int], touch: str
) -> None:
    page = new_page(server, size=size, scheme=scheme, touch=touch)
    page.goto("/")
    settled(page)
    shoot(page, f"full-{device}-{scheme}")
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert sideways <= 0
    page.get_by_role("option").nth(3).click()
    expect(page.get_by_role("region", name="Line details")).to_be_visible()
    shoot(page, f"details-{device}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
