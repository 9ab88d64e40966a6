"""Rows of the list: their order over pages, their details, columns, wrapping, and copies of them."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from .conftest import NewPage, Shoot
from .log_list import LogList
from .page_server import Line, PageServer, S

_TWINS = 500
_LONG = 2_000
_COLOUR = r"\x1b\[[0-9;]*m"


@pytest.fixture(scope="module", autouse=True)
def _more_lines(server: PageServer) -> None:
    """Add lines of one nanosecond, in two streams, and lines that are hard to wrap."""
    now = time.time_ns() // S * S
    twins = [
        Line(now - 60 * S, {"app": "twins", "half": half}, f"twin {half} {n:03}", "unknown")
        for half in "ab"
        for n in range(_TWINS // 2)
    ]
    wide = [
        *("short" for _ in range(5)),
        "x" * _LONG,
        "behind the long one",
        "tab\there\tand\tthere " * 30,
        "wide 漢字 and \N{SHOPPING TROLLEY} " * 20,
        "first\nsecond\nthird",
        "the last",
    ]
    server.push([*twins, *(Line(now - 30 * S - n, {"app": "wide"}, text, "unknown") for n, text in enumerate(wide))])


def _open(page: Page, **parameters: str) -> LogList:
    page.goto(f"/?{urlencode(parameters)}")
    rows = LogList(page)
    expect(rows.row(1)).to_be_visible()
    return rows


def test_lines_of_one_nanosecond_are_shown_once_each_and_in_one_order_over_all_pages(page: Page) -> None:
    shown = _open(page, q='{app="twins"}', limit="100").texts(_TWINS)
    assert sorted(shown) == sorted(f"twin {half} {n:03}" for half in "ab" for n in range(_TWINS // 2))
    expect(LogList(page).row(1)).to_have_attribute("aria-setsize", str(_TWINS))
    assert _open(page, q='{app="twins"}', limit="1000").texts(_TWINS) == shown


def test_the_details_follow_the_selected_row_and_give_the_focus_back(page: Page, shoot: Shoot) -> None:
    rows = _open(page, q='{app="cart"}')
    details = page.get_by_role("region", name="Line details")
    rows.row(3).click()
    expect(details).to_be_visible()
    fields = details.get_by_role("table", name="Labels, metadata and fields")
    for name in ("app", "env", "pod", "level", "msg", "duration", "user"):
        expect(fields.get_by_role("rowheader", name=name, exact=True)).to_be_visible()
    shoot(page, "details-dark")
    for key, place in (("ArrowDown", 4), ("ArrowDown", 5), ("ArrowUp", 4)):
        page.keyboard.press(key)
        expect(rows.row(place)).to_have_attribute("aria-selected", "true")
        expect(details.locator(".message-text")).to_have_text(rows.row(place).locator(".row-text").inner_text())
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    expect(rows.element).to_be_focused()
    identity = rows.row(4).get_attribute("id")
    assert identity is not None
    expect(rows.element).to_have_attribute("aria-activedescendant", identity)


@pytest.mark.parametrize("app", ["cart", "checkout"], ids=["logfmt", "json"])
def test_a_field_of_the_line_becomes_a_column_that_outlives_a_reload(page: Page, shoot: Shoot, app: str) -> None:
    rows = _open(page, q=f'{{app="{app}"}}')
    rows.row(2).click()
    details = page.get_by_role("region", name="Line details")
    details.get_by_role("button", name="Column duration").click()
    heads = page.locator(".column-head")
    expect(heads).to_have_text(["duration"])
    expect(page).to_have_url(re.compile(r"[?&]cols=duration"))
    page.reload()
    expect(heads).to_have_text(["duration"])
    expect(rows.row(1).locator(".row-cell")).to_have_text(re.compile(r"^\d+ms$"))
    shoot(page, f"column-{app}-dark")
    page.get_by_role("button", name="Remove the column duration").click()
    expect(heads).to_have_count(0)
    expect(rows.row(1).locator(".row-cell")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("cols="))


def test_wrapped_lines_are_seen_whole_and_do_not_overlap(new_page: NewPage, server: PageServer, shoot: Shoot) -> None:
    page = new_page(server, size=(1440, 1300))
    rows = _open(page, q='{app="wide"}')
    page.get_by_role("button", name="Wrap", exact=True).click()
    expect(page).to_have_url(re.compile(r"[?&]wrap=1"))
    page.wait_for_function(
        "() => [...document.querySelectorAll('.row:not([hidden]) .row-text')].some((text) => text.clientHeight > 100)"
    )
    page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    boxes = rows.boxes()
    assert len(boxes) == 11, [box.text[:20] for box in boxes]
    shoot(page, "wrapped-dark")
    long = next(box for box in boxes if len(box.text) == _LONG)
    assert long.height >= long.needed
    for box, below in pairwise(boxes):
        assert box.bottom <= below.top + 0.5, (box, below)
        assert box.bottom - box.top >= box.needed - 0.5, box


def test_json_is_shown_as_a_tree_on_demand(page: Page, shoot: Shoot) -> None:
    rows = _open(page, q='{app="checkout"}')
    rows.row(1).click()
    details = page.get_by_role("region", name="Line details")
    said = json.loads(details.locator(".message-text").inner_text())
    details.get_by_role("tab", name="JSON").click()
    expect(details.locator(".json-children > li")).to_have_text(
        [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in said.items()]
    )
    shoot(page, "json-dark")


def test_a_selection_is_copied_from_the_data_and_not_from_the_screen(page: Page, server: PageServer) -> None:
    rows = _open(page)
    rows.row(5).click()
    page.keyboard.press("Escape")  # the details
    rows.element.evaluate("(list) => { list.scrollTop = 200 * 22; }")
    rows.row(205).click(modifiers=["Shift"])
    page.keyboard.press("Control+c")
    expect(page.get_by_role("status").filter(has_text="201 lines copied")).to_be_visible()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    newest = server.ask("query", query="{}", limit="205")["logs"]
    assert isinstance(newest, list)
    plain = (f"{entry['timestamp']} {re.sub(_COLOUR, '', entry['message'])}" for entry in newest[4:])
    assert copied == "\n".join(plain)


def test_the_phone_shows_two_line_rows_and_the_details_below(
    new_page: NewPage, server: PageServer, shoot: Shoot
) -> None:
    page = new_page(server, size=(390, 844), touch="touch")
    rows = _open(page, q='{app="cart"}')
    boxes = rows.boxes()
    assert all(box.bottom - box.top >= 44 for box in boxes[:5])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    rows.row(2).tap()
    expect(page.get_by_role("region", name="Line details")).to_be_visible()
    shoot(page, "details-phone")
