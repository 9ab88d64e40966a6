"""What axe finds in each state of the page, in both themes: nothing serious, nothing critical."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import attrs
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.processes.server_process import Servers

from .conftest import Complaints, NewPage, Shoot
from .log_list import LogList
from .page_server import PageServer

_AXE: Final = Path(__file__).parents[2] / "logpulse/web/ui/node_modules/axe-core/axe.min.js"
_RUN: Final = """async ([scope, rules]) => {
    const only = rules.length ? { runOnly: { type: 'rule', values: rules } } : {};
    const { violations } = await axe.run(scope || document, { resultTypes: ['violations'], ...only });
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html, failureSummary }) =>
            `${html.slice(0, 160)} ${failureSummary.replace(/\\s+/g, ' ').slice(0, 200)}`).join(' | ')}`);
}"""


@attrs.frozen
class _State:
    """A state of the page: how to reach it, and which part of it is new (empty: all)."""

    name: str
    address: str
    reach: Callable[[Page], None]
    scope: str = ""


def _rows(page: Page) -> None:
    expect(LogList(page).row(1)).to_be_visible()
    expect(page.get_by_role("slider")).to_be_visible()
    expect(page.get_by_role("textbox", name="LogQL query")).to_have_attribute("contenteditable", "true")


def _details(page: Page) -> None:
    _rows(page)
    LogList(page).row(3).click()
    expect(page.get_by_role("region", name="Line details")).to_be_visible()


def _tree(page: Page) -> None:
    _details(page)
    page.get_by_role("tab", name="JSON").click()


def _context(page: Page) -> None:
    _rows(page)
    LogList(page).row(3).click()
    page.keyboard.press("c")
    expect(page.get_by_role("dialog", name="Context").locator(".is-anchor")).to_be_visible()


def _keys(keys: str, dialog: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        _rows(page)
        page.keyboard.press(keys)
        expect(page.get_by_role("dialog", name=dialog).first).to_be_visible()

    return reach


def _find(page: Page) -> None:
    _rows(page)
    page.keyboard.press("/")
    page.keyboard.type("timeout")
    expect(page.get_by_text("loaded lines", exact=False).first).to_be_visible()


def _export(page: Page) -> None:
    _rows(page)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("dialog", name="Export")).to_be_visible()


def _chart(page: Page) -> None:
    expect(page.get_by_role("columnheader", name="Avg")).to_be_visible()


def _table(page: Page) -> None:
    _chart(page)
    page.get_by_role("button", name="table", exact=True).click()


def _seen(text: str) -> Callable[[Page], None]:
    return lambda page: expect(page.get_by_text(text).first).to_be_visible()


def _live(page: Page) -> None:
    expect(page.locator(".tail .chip")).to_contain_text("Live · ")
    expect(LogList(page).row(1)).to_be_visible()


def _q(query: str, **more: str) -> str:
    return f"/?{urlencode({'q': query, **more})}"


_METRIC: Final = _q("sum by (app)(rate({app=~`.+`}[1m]))")
_STATES: Final = (
    _State("search", "/", _rows),
    _State("columns-wrapped", _q("{} | logfmt", cols="duration,app", wrap="1"), _rows),
    _State("details", _q('{app="cart"}'), _details, ".details"),
    _State("tree", _q('{app="checkout"}'), _tree, ".details"),
    _State("context", "/", _context, "dialog"),
    _State("help", "/", _keys("?", "Keys and help"), "dialog"),
    _State("history", "/", _keys("h", "History"), "dialog"),
    _State("find", "/", _find, ".findbar"),
    _State("export", "/", _export, ".toolbar"),
    _State("nothing", _q('{app="none"}'), _seen("No line matches")),
    _State("error", _q('{app="cart'), lambda page: expect(page.get_by_role("slider")).to_have_count(0)),
    _State("live", _q("{}", live="1"), _live, ".results"),
    _State("chart", _METRIC, _chart, ".results"),
    _State("table", _METRIC, _table, ".results"),
    _State("labels", "/?view=labels", _seen("checkout-1")),
    _State("patterns", "/?view=patterns", lambda page: expect(page.get_by_role("heading").first).to_be_visible()),
    _State("health", "/?view=health", _seen("Up for")),
)


@pytest.fixture(scope="module")
def axe() -> str:
    """Give axe-core, which npm installs with what the page is built of."""
    if not _AXE.is_file():
        pytest.skip(f"{_AXE} is missing (npm ci in logpulse/web/ui)")
    return _AXE.read_text(encoding="utf-8")


def _findings(page: Page, axe: str, scope: str = "") -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(_RUN, [scope, []])
    page.emulate_media(color_scheme="light")
    page.wait_for_function("() => getComputedStyle(document.documentElement).colorScheme === 'light'")
    contrast = page.evaluate(_RUN, [scope, ["color-contrast"]])  # the one thing that themes change
    return [*found, *(f"light: {finding}" for finding in contrast)]


@pytest.mark.parametrize("state", _STATES, ids=lambda state: state.name)
def test_axe_finds_nothing_serious(page: Page, axe: str, complaints: Complaints, shoot: Shoot, state: _State) -> None:
    if state.name == "error":
        complaints.expect("status of 400")
    page.goto(state.address)
    state.reach(page)
    found = _findings(page, axe, state.scope)
    shoot(page, f"{state.name}-light")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_serious_on_a_phone(new_page: NewPage, server: PageServer, axe: str, shoot: Shoot) -> None:
    page = new_page(server, size=(390, 844), touch="touch")
    page.goto("/")
    _rows(page)
    found = _findings(page, axe)
    shoot(page, "search-phone-light")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["first-run", "sign-in"])
def test_axe_finds_nothing_serious_before_there_are_lines(
    browser: Browser, tmp_path: Path, new_page: NewPage, complaints: Complaints, axe: str, shoot: Shoot, name: str
) -> None:
    assert browser
    complaints.expect("status of 401")
    servers = Servers(tmp_path)
    locked = {"auth.enabled": "true", "auth.api_key": "some-key-or-other-012345"}
    try:
        page = new_page(PageServer.start(servers, settings=locked if name == "sign-in" else None))
        page.goto("/")
        expect(
            page.get_by_role("heading", name={"first-run": "Ready for", "sign-in": "needs a key"}[name])
        ).to_be_visible()
        found = _findings(page, axe)
        shoot(page, f"{name}-light")
        assert not found, "\n".join(found)
    finally:
        servers.end()
