"""Fixtures of the tests in a browser: Chromium, seeded servers, and pages on which nothing may go wrong unnoticed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import pytest

from logpulse.http.page import PAGE_FOLDER
from tests.processes.server_process import Servers

from .page_server import PageServer, seeded_lines

if TYPE_CHECKING:  # where Playwright is missing, tests are skipped
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, ViewportSize

SCREENSHOTS: Final = Path(__file__).parents[2] / "build" / "screenshots"
DESKTOP: Final = (1440, 900)
_PATIENCE: Final = 20_000.0  # milliseconds for a condition to come true, however busy the machine
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_REPORT: Final = pytest.StashKey[pytest.TestReport]()


class _WithoutPlaywright(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip("Playwright is not installed (dependency group test)", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Skip modules that could not even be imported."""
    if find_spec("playwright") is not None:
        return None
    skipped: pytest.Module = _WithoutPlaywright.from_parent(parent, path=module_path)
    return skipped


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the outcome of the test for its fixtures, which save what the page looked like when it failed."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


def _chromium() -> str:
    named = os.environ.get("LOGPULSE_CHROMIUM")
    if named:
        assert shutil.which(named), f"LOGPULSE_CHROMIUM={named} is no program"
        return named
    found = shutil.which("chromium", path="/usr/bin")
    if found is None:
        pytest.skip("Chromium is not installed at /usr/bin/chromium, and LOGPULSE_CHROMIUM does not name another")
    return found


# Not of the session: Playwright runs an event loop in this thread, next to which tests of others need not run.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give one headless Chromium, if it and the built page are there."""
    from playwright.sync_api import expect, sync_playwright

    if not (PAGE_FOLDER / "index.html").is_file():
        pytest.skip("the page is not built (make page)")
    chromium = _chromium()
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Give a starter of server processes, which end with the module."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.end()


@pytest.fixture(scope="module")
def server(browser: Browser, servers: Servers) -> PageServer:
    """Give a server with 10,000 lines of the last hour, once it is known that there is a browser to look at it."""
    return PageServer.start(servers, seeded_lines())


@attrs.define(slots=False)  # Playwright sets attributes of what its handlers belong to
class Complaints:
    """Hold what went wrong on any page of a test: errors of the console and of scripts, requests to other hosts."""

    heard: list[str] = attrs.field(factory=list)
    _expected: list[re.Pattern[str]] = attrs.field(factory=list)

    def expect(self, pattern: str) -> None:
        """Let pass what matches; each test lists the refusals that it provokes."""
        self._expected.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        """What no test spoke of."""
        return [text for text in self.heard if not any(pattern.search(text) for pattern in self._expected)]

    def listen(self, page: Page) -> None:
        """Note what goes wrong on this page from now on."""
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: Error) -> None:
        self.heard.append(f"script: {error.stack or error.message}")

    def _on_request(self, request: Request) -> None:
        if not re.match(r"(?:https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", request.url):
            self.heard.append(f"request to another host: {request.url}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fail the test when anything goes wrong on a page that it did not expect."""
    complaints = Complaints()
    yield complaints
    assert not complaints.unexpected, "\n".join(complaints.unexpected)


class NewPage(Protocol):
    """Open a blank tab in a profile of its own; relative addresses lead to `server`."""

    def __call__(
        self, server: PageServer, *, size: tuple[int, int] = DESKTOP, scheme: str = "dark", touch: str = "none"
    ) -> Page: ...


@pytest.fixture
def new_page(browser: Browser, complaints: Complaints, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Give an opener of tabs, which close with the test; tabs of a test that failed leave a screenshot."""
    opened: list[Page] = []

    def open_page(
        server: PageServer, *, size: tuple[int, int] = DESKTOP, scheme: str = "dark", touch: str = "none"
    ) -> Page:
        viewport: ViewportSize = {"width": size[0], "height": size[1]}
        context = browser.new_context(
            base_url=server.url,
            viewport=viewport,
            color_scheme="light" if scheme == "light" else "dark",
            has_touch=touch == "touch",
            is_mobile=touch == "touch",
            reduced_motion="reduce",
            timezone_id="UTC",
            locale="en-GB",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(_PATIENCE)
        page = context.new_page()
        complaints.listen(page)
        opened.append(page)
        return page

    yield open_page
    report = request.node.stash.get(_REPORT, None)
    for number, page in enumerate(opened):
        if report is not None and report.failed and not page.is_closed():
            name = re.sub(r"\W+", "-", request.node.name).strip("-")
            page.screenshot(path=SCREENSHOTS / "failed" / f"{name}-{number}.png")
        page.context.close()


@pytest.fixture
def page(new_page: NewPage, server: PageServer) -> Page:
    """Give a blank tab of a dark desktop before the seeded server."""
    return new_page(server)


Shoot = Callable[["Page", str], Path]


@pytest.fixture
def shoot() -> Shoot:
    """Give what keeps a screenshot of a page under a name, as an artefact of the run for people to look at."""

    def take(page: Page, name: str) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take


ReportFigure = Callable[[str, str], None]


@pytest.fixture
def report_figure(record_property: Callable[[str, object], None]) -> ReportFigure:
    """Give what reports a measured figure: with the results of the run, and in what the test prints (`pytest -rP`)."""

    def report(name: str, value: str) -> None:
        record_property(name, value)
        print(f"{name}: {value}")

    return report
