"""A server with a key: the page asks for it, keeps it nowhere, and shows everything by its cookie."""

from __future__ import annotations

import csv
import http.client
import io
import json
import re
import signal
import time
import urllib.request
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.processes.server_process import ServerProcess, Servers

from .conftest import Complaints, NewPage, Shoot
from .log_list import LogList
from .page_server import Line, PageServer, seeded_lines

_KEY: Final = "a-key-of-quite-some-length-0123456789"
_SETTINGS: Final = {"auth.enabled": "true", "auth.api_key": _KEY}
_DEEP: Final = "/?" + urlencode({"q": '{app="cart"}', "tz": "UTC", "cols": "env"})
_ALL: Final = "/?" + urlencode({"q": '{app=~".+"} !~ "cookie|lost"', "from": "now-2h"})
_EMOJI_AND_QUOTES: Final = ('comma, "quote" and\nnewline', "=1+1", "\N{SNOWMAN} äöü", "trailing\\")


@pytest.fixture(scope="module")
def process(servers: Servers) -> ServerProcess:
    """Give a server with a key, over data that came before there was one."""
    open_server = servers.start()
    seeded = PageServer(servers, open_server.port)
    newest = time.time_ns() - 60_000_000_000
    special = [Line(newest + n, {"app": "special"}, text, "unknown") for n, text in enumerate(_EMOJI_AND_QUOTES)]
    seeded.push([*seeded_lines(newest)[len(special) :], *special])
    open_server.signal(signal.SIGTERM)
    assert open_server.exit_code() == 0
    return servers.start(_SETTINGS)


@pytest.fixture
def locked(servers: Servers, process: ServerProcess) -> PageServer:
    """Give the server with the key."""
    return PageServer(servers, process.port)


@pytest.fixture
def tab(locked: PageServer, new_page: NewPage, complaints: Complaints) -> Page:
    """Give a tab before it."""
    complaints.expect(r"status of 401")
    return new_page(locked)


def _sign_in(page: Page, key: str = _KEY) -> None:
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("button", name="Open").click()


def _push(port: int, text: str) -> None:
    entry = {"ts": str(time.time_ns()), "line": text}
    body = json.dumps({"streams": [{"labels": {"app": "cart"}, "entries": [entry]}]}).encode()
    headers = {"Content-Type": "application/json", "X-API-Key": _KEY}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/ingest", body, headers)) as answer:
        assert json.load(answer) == {"accepted": 1}


def _keeps_no_key(page: Page) -> None:
    kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href, document.cookie])")
    assert _KEY not in kept
    assert _KEY not in page.content()


def test_the_right_key_leads_to_where_the_address_points(tab: Page, process: ServerProcess, shoot: Shoot) -> None:
    tab.goto(_DEEP)
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_be_visible()
    expect(tab.get_by_role("textbox", name="Key")).to_be_focused()
    shoot(tab, "sign-in-dark")
    _sign_in(tab, "wrong-" + _KEY)
    expect(tab.get_by_role("alert")).to_have_text("This key is not valid.")
    assert tab.context.cookies() == []
    _keeps_no_key(tab)
    _sign_in(tab)
    rows = LogList(tab)
    expect(rows.row(1)).to_be_visible()
    expect(tab.locator(".column-head")).to_have_text(["env"])
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_have_count(0)
    assert tab.url.endswith(_DEEP)
    _keeps_no_key(tab)
    [cookie] = tab.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert _KEY not in cookie["value"]
    tab.reload()
    expect(rows.row(1)).to_be_visible()
    assert _KEY not in process.text


def test_following_live_works_by_the_cookie_and_resumes_after_it_was_lost(
    tab: Page, locked: PageServer, complaints: Complaints
) -> None:
    complaints.expect(r"WebSocket connection")
    tab.goto(f"{_DEEP}&live=1")
    _sign_in(tab)
    chip = tab.locator(".tail .chip")
    expect(chip).to_have_text(re.compile(r"^Live · "))
    _push(locked.port, "by the cookie")
    rows = LogList(tab)
    expect(rows.row(1)).to_contain_text("by the cookie")
    tab.get_by_role("button", name="Stop", exact=True).click()
    tab.get_by_role("button", name="Back to search").click()
    expect(chip).to_have_count(0)
    expect(rows.row(1)).to_be_visible()
    tab.context.clear_cookies()
    tab.get_by_role("button", name="Live", exact=True).click()
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_be_visible()
    _sign_in(tab)
    expect(chip).to_have_text(re.compile(r"^Live · "))
    _push(locked.port, "after it was lost")
    expect(rows.row(1)).to_contain_text("after it was lost")


def test_a_session_that_ends_is_asked_for_again_and_the_query_goes_on(tab: Page) -> None:
    tab.goto(_DEEP)
    _sign_in(tab)
    rows = LogList(tab)
    expect(rows.row(1)).to_be_visible()
    tab.context.clear_cookies()
    tab.get_by_role("button", name="Run").click()
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_be_visible()
    expect(rows.row(1)).to_be_visible()
    _sign_in(tab)
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_have_count(0)
    expect(rows.row(1)).to_be_visible()
    assert tab.url.endswith(_DEEP)


def test_a_refusal_that_comes_after_signing_in_does_not_ask_again(tab: Page, complaints: Complaints) -> None:
    complaints.expect(r"status of 400.*/context\?id=none")
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    tab.route("**/context?*", hold_first)
    tab.goto(f"{_DEEP}&ctx=1.none")  # the line of the context is asked for beside the query
    _sign_in(tab)
    expect(LogList(tab).row(1)).to_be_visible()
    [route] = held
    route.fulfill(status=401, json={"error": "no valid key"})
    expect(tab.get_by_text("the linked line could not be found")).to_be_visible()
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_have_count(0)


def test_signing_out_ends_the_session(tab: Page) -> None:
    tab.goto(_DEEP)
    _sign_in(tab)
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("heading", name="This LogPulse needs a key")).to_be_visible()
    assert tab.context.cookies() == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
def test_no_foreign_page_can_follow_with_the_cookie(tab: Page, locked: PageServer, origin: str) -> None:
    tab.goto(_DEEP)
    _sign_in(tab)
    expect(LogList(tab).row(1)).to_be_visible()
    assert _handshake(tab.context, locked.port, origin) == 403
    assert _handshake(tab.context, locked.port, locked.url) == 101


def _handshake(context: BrowserContext, port: int, origin: str) -> int:
    """Ask for a WebSocket as a page of `origin` would; give the status."""
    [cookie] = context.cookies()
    headers = {
        "Cookie": f"{cookie['name']}={cookie['value']}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **({"Origin": origin} if origin else {}),
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/stream", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _exported(page: Page, which: str, form: str) -> str:
    page.get_by_role("button", name="Export").click()
    panel = page.get_by_role("dialog", name="Export")
    section = panel.locator("section").filter(has=page.get_by_role("heading", name=which))
    with page.expect_download() as download:
        section.get_by_text(form).click()
    text = download.value.path().read_bytes().decode()
    assert re.fullmatch(r"logpulse-\d{8}T\d{6}Z\.(ndjson|csv|txt)", download.value.suggested_filename)
    return text


@pytest.fixture
def everything(tab: Page) -> Page:
    """Give a tab that knows how many lines there are in all."""
    tab.goto(_ALL)
    _sign_in(tab)
    expect(tab.locator(".found")).to_contain_text("10,000 lines")
    expect(tab.locator(".found")).to_contain_text("showing newest 1,000")
    return tab


@pytest.mark.parametrize(("which", "count"), [("All 10,000", 10_000), ("1,000 shown", 1000)])
def test_everything_can_be_exported_in_each_format(everything: Page, which: str, count: int) -> None:
    entries = [json.loads(line) for line in _exported(everything, which, "JSON lines").splitlines()]
    assert len(entries) == count
    assert len({entry["id"] for entry in entries}) == count
    messages = [entry["message"] for entry in entries]
    assert set(_EMOJI_AND_QUOTES) <= set(messages)

    rows = list(csv.reader(io.StringIO(_exported(everything, which, "CSV"), newline=""), strict=True))
    assert rows[0] == ["timestamp", "level", "message", "labels", "metadata"]
    assert [
        (row[0], row[2].removeprefix("'") if row[2] == "'=1+1" else row[2], json.loads(row[3])) for row in rows[1:]
    ] == [(entry["timestamp"], entry["message"], entry["labels"]) for entry in entries]

    assert _exported(everything, which, "Text") == "".join(f"{message}\n" for message in messages)
