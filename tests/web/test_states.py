"""What the page looks like in each of its states, and the way out that it offers; pictures are kept for people."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Complaints, NewPage, Shoot
from .page_server import PageServer
from .search_page import address, editor, found, legend, rows, settled

DESKTOP: Final = ((1440, 900), "none")
TABLET: Final = ((900, 1100), "touch")
PHONE: Final = ((390, 844), "touch")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("device", [DESKTOP, TABLET, PHONE], ids=["desktop", "tablet", "phone"])
def test_full(
    server: PageServer,
    new_page: NewPage,
    shoot: Shoot,
    request: pytest.FixtureRequest,
    scheme: str,
    device: tuple[tuple[int, int], str],
) -> None:
    size, touch = device
    name = request.node.callspec.id
    page = new_page(server, size=size, scheme=scheme, touch=touch)
    page.goto("/")
    settled(page)
    shoot(page, f"full-{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows(page).nth(3).click()
    expect(page.get_by_role("region", name="Line details")).to_be_visible()
    shoot(page, f"details-{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_match_offers_other_ranges_and_queries(page: Page, shoot: Shoot) -> None:
    page.goto(address('{app="cart"} |= "nowhere to be found"'))
    expect(page.get_by_role("heading", name="No line matches")).to_be_visible()
    expect(page.get_by_role("button", name="Widen to 24 h")).to_be_visible()
    expect(editor(page)).to_be_visible()
    shoot(page, "no-match-dark")
    page.get_by_role("button", name="Without filters").click()
    expect(rows(page).first).to_be_visible()
    expect(editor(page)).to_have_text('{app="cart"}')


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_slow_query_shows_its_time_and_can_be_cancelled(
    server: PageServer, new_page: NewPage, shoot: Shoot, scheme: str
) -> None:
    page = new_page(server, scheme=scheme)
    page.goto("/")
    settled(page)
    held: list[Route] = []
    page.route("**/query?*", lambda route: held.append(route))
    page.get_by_role("button", name="Run").click()
    cancel = page.get_by_role("button", name="Cancel")
    expect(page.get_by_text(re.compile(r"^Running for 2"))).to_be_visible()
    shoot(page, f"loading-{scheme}")
    cancel.click()
    expect(cancel).to_have_count(0)
    expect(rows(page).first).to_be_visible()
    assert len(held) == 1
    held[0].abort()


def test_too_much_offers_less(page: Page, complaints: Complaints, shoot: Shoot) -> None:
    complaints.expect(r"status of 504 .*/query\?")
    page.goto("/")
    settled(page)
    refused = {"error": "the query ran into its time limit of 30s", "hint": "narrow the selector or the range"}
    page.route("**/query?*", lambda route: route.fulfill(status=504, json=refused))
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(refused["error"])).to_be_visible()
    shoot(page, "error-too-much-dark")
    page.unroute("**/query?*")
    with page.expect_request("**/query?*"):
        page.get_by_role("button", name="Half the range", exact=True).click()
    expect(page.get_by_text(refused["error"])).to_have_count(0)
    expect(rows(page).first).to_be_visible()


def test_a_server_that_is_away_leaves_the_lines_and_offers_to_retry(
    page: Page, complaints: Complaints, shoot: Shoot
) -> None:
    complaints.expect(r"net::ERR_CONNECTION_REFUSED")
    page.goto("/")
    settled(page)
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("The server cannot be reached")).to_be_visible()
    expect(rows(page).first).to_be_visible()
    shoot(page, "error-away-dark")
    page.unroute("**/*")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("The server cannot be reached")).to_have_count(0)
    expect(found(page)).not_to_contain_text("of the query before")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_link_to_a_malformed_query_says_what_is_wrong(
    server: PageServer, new_page: NewPage, complaints: Complaints, shoot: Shoot, scheme: str
) -> None:
    complaints.expect(r"status of 400 .*/(?:query|parse|volume|fields)\?")
    page = new_page(server, scheme=scheme)
    page.goto(address('{app="cart"} | json | status >='))
    expect(editor(page)).to_be_visible()
    expect(page.get_by_text(re.compile(r"line 1, column \d+"))).to_be_visible()
    expect(page.get_by_role("heading", name="This query did not run")).to_be_visible()
    expect(found(page)).to_be_empty()
    shoot(page, f"error-link-{scheme}")
    editor(page).fill('{app="cart"}')
    editor(page).press("Control+Enter")
    expect(rows(page).first).to_be_visible()
    expect(legend(page)).to_be_visible()
