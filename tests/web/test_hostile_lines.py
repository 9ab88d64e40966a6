"""Lines, labels and addresses that try to run as code, to hide, to reorder or to hold up the page stay text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.processes.server_process import Servers, connection

from .conftest import Complaints, NewPage, Shoot
from .log_list import LogList
from .page_server import PageServer, S
from .page_tasks import tasks_of

_CODE: Final = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    '"><svg/onload=alert(1)>',
    '<a href="javascript:alert(1)">click</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "{{constructor.constructor('alert(1)')()}}",
)
_HIDDEN: Final = {
    "\u202eevil\u202c": "⟨U+202E⟩evil⟨U+202C⟩",
    "\u2066isolated\u2069": "⟨U+2066⟩isolated⟨U+2069⟩",
    "zero\u200bwidth\ufeff": "zero⟨U+200B⟩width⟨U+FEFF⟩",
    "nul\x00 bell\x07 back\x08": "nul␀ bell␇ back␈",
    "c1 \x9b31m next\x85": "c1 ⟨U+009B⟩31m next⟨U+0085⟩",
}
_COLOURED: Final = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07": "link",
    "\x1b]0;title\x07after": "after",
}
_HEAVY: Final = ("a" + "\u0301" * 10_000, "y" * 250_000, "z" * 200_000 + " a=b", '{"a":' * 40_000 + "1" + "}" * 40_000)
_LEVEL: Final = "<b>fatal</b>"

_FOREIGN: Final = """() => [...document.querySelectorAll('*')].filter((element) =>
    element.matches('img, iframe, object, embed, base, form:not(.login-card), script:not([src]), svg:not(.icon)')
    || element.getAttributeNames().some((name) => name.startsWith('on'))
    || /^\\s*javascript:/i.test(element.getAttribute('href') ?? '')
    || (element.href && new URL(element.href.baseVal ?? element.href, location).origin !== location.origin)
).map((element) => element.outerHTML.slice(0, 200))"""
"""Finds what no part of the page makes."""


@pytest.fixture(scope="module")
def hostile(browser: Browser, servers: Servers) -> PageServer:
    """Give a server whose lines, label values and metadata are hostile, names of metadata too."""
    server = PageServer.start(servers, settings={"ingest.max_line_bytes": "1MiB"})
    now = time.time_ns() // S * S
    streams: list[dict[str, object]] = [
        {
            "labels": {"app": "hostile", "value": text, "level": _LEVEL},
            "entries": [{"ts": str(now - 60 * S - n), "line": text, "metadata": {text: text, "constructor": text}}],
        }
        for n, text in enumerate((*_CODE, *_HIDDEN, *_COLOURED))
    ]
    heavy = [{"ts": str(now - 90 * S - n), "line": text} for n, text in enumerate(_HEAVY)]
    streams.append({"labels": {"app": "heavy"}, "entries": heavy})
    with connection(server.port) as ask:
        answer = ask("POST", "/ingest", {"streams": streams})
    assert answer.status == 200, answer.body
    return server


@pytest.fixture
def tab(hostile: PageServer, new_page: NewPage) -> Iterator[Page]:
    """Give a tab that fails the test where code runs, or where anything stands that the page did not make."""
    page = new_page(hostile)
    page.add_init_script("globalThis.alert = (text) => { throw new Error(`code ran: ${text}`); };")
    yield page
    assert page.evaluate(_FOREIGN) == []


def _open(page: Page, query: str, **parameters: str) -> LogList:
    page.goto(f"/?{urlencode({'q': query, **parameters})}")
    return LogList(page)


def test_hostile_text_is_shown_as_text_wherever_it_appears(tab: Page, shoot: Shoot) -> None:
    rows = _open(tab, '{app="hostile"}', cols="value,constructor,absent,toString")
    shown = {**dict.fromkeys(_CODE), **_HIDDEN, **_COLOURED}
    wanted = [text if seen is None else seen for text, seen in shown.items()]
    assert rows.texts(len(wanted)) == wanted
    facets = tab.get_by_role("complementary", name="Labels and fields")
    expect(facets.get_by_role("button", name=_CODE[0]).first).to_be_visible()
    for hidden in _HIDDEN:
        assert hidden not in tab.locator("body").inner_text()
    expect(facets.get_by_role("button", name=_LEVEL).first).to_be_visible()
    expect(tab.get_by_role("group", name="Levels").get_by_role("button")).to_have_text(
        f"unknown ({_LEVEL}) {len(wanted)}"
    )
    tab.get_by_role("slider").hover()
    shoot(tab, "hostile-dark")
    details = tab.get_by_role("region", name="Line details")
    for place, text in enumerate(wanted, start=1):
        rows.row(place).click()
        expect(details.locator(".message-text")).to_have_text(text)
        assert tab.evaluate(_FOREIGN) == []
    shoot(tab, "hostile-details-dark")
    assert tab.title() == "LogPulse"


@pytest.mark.parametrize("view", ["labels", "patterns"])
def test_hostile_values_are_inert_in_the_other_views(tab: Page, view: str) -> None:
    _open(tab, '{app="hostile"}', view=view)
    name = {"labels": "Labels", "patterns": "Patterns"}[view]
    if view == "patterns":
        tab.get_by_role("navigation", name="Views").get_by_role("button", name="Search").click()
        expect(LogList(tab).row(1)).to_be_visible()
        tab.get_by_role("navigation", name="Views").get_by_role("button", name=name).click()
    expect(tab.get_by_text("<img src=x onerror=").first).to_be_visible()


def test_hostile_values_are_inert_in_the_context(tab: Page) -> None:
    rows = _open(tab, '{app="hostile"}')
    rows.row(1).click()
    tab.keyboard.press("c")
    dialog = tab.get_by_role("dialog", name="Context")
    expect(dialog.get_by_text(_CODE[0]).last).to_be_visible()


def test_hostile_values_are_inert_in_a_chart(tab: Page, shoot: Shoot) -> None:
    _open(tab, 'sum by (value)(count_over_time({app="hostile"}[5m]))')
    for text in (*_CODE, *_HIDDEN.values()):
        expect(tab.get_by_role("button", name=text, exact=True)).to_be_visible()
    tab.locator(".metric-chart").hover()
    shoot(tab, "hostile-chart-dark")
    tab.get_by_role("button", name="table").click()
    expect(tab.get_by_role("columnheader", name=_CODE[0])).to_be_visible()


@pytest.mark.parametrize("text", _CODE)
def test_hostile_addresses_are_inert(tab: Page, complaints: Complaints, text: str) -> None:
    complaints.expect(r"status of 400")
    tab.goto(f"/?{urlencode({'q': text, text: text, 'tz': text, 'cols': text, 'from': text, 'sel': text})}")
    expect(tab.get_by_text("parameters that mean nothing here")).to_contain_text(text)
    expect(tab.get_by_text("is not a time").first).to_be_visible()
    assert tab.evaluate(_FOREIGN) == []
    with tab.expect_response(lambda answer: "/query?" in answer.url) as refused:
        tab.goto(f"/#{urlencode({'q': text})}")
        tab.reload()  # a change of the hash alone is none of the page
    assert refused.value.status == 400
    editor = tab.get_by_role("textbox", name="LogQL query")
    expect(editor).to_contain_text(text)


def test_long_and_deep_lines_leave_the_page_responsive(tab: Page) -> None:
    rows = _open(tab, '{app="heavy"}')
    expect(rows.row(1)).to_be_visible()
    details = tab.get_by_role("region", name="Line details")
    with tasks_of(tab) as tasks:
        for place, text in enumerate(_HEAVY, start=1):
            rows.row(place).click()
            expect(details.locator(".message-text")).to_contain_text(text[:20])
        tab.get_by_role("button", name="Wrap", exact=True).click()
        expect(rows.row(1)).to_be_visible()
    assert max(tasks) <= 500


def test_the_page_cannot_be_framed_and_its_json_is_no_page(hostile: PageServer) -> None:
    with connection(hostile.port) as ask:
        shell = ask("GET", "/")
        data = ask("GET", f"/query?{urlencode({'query': '{}'})}")
    assert shell.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in shell.headers["content-security-policy"]
    assert data.headers["content-type"].startswith("application/json")
    assert data.headers["x-content-type-options"] == "nosniff"
    assert json.loads(data.body)["logs"]
