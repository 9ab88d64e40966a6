"""A server without a line: the page shows how to send one, and turns into the search when it arrives."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.processes.server_process import LOGPULSE, PATIENCE, Servers, environment

from .conftest import NewPage, ReportFigure, Shoot
from .page_server import PageServer
from .search_page import rows

AGENT = (sys.executable, "-c", "from agent.cli import main; main()")


@pytest.fixture
def empty(browser: Browser, tmp_path: Path) -> Iterator[PageServer]:
    """Give a server without data."""
    servers = Servers(tmp_path)
    yield PageServer.start(servers)
    servers.end()


@pytest.fixture
def page(empty: PageServer, new_page: NewPage) -> Page:
    """Give a page that shows ways to send lines."""
    page = new_page(empty)
    page.goto("/")
    expect(page.get_by_role("heading", name="Ready for the first line")).to_be_visible()
    return page


def run(command: tuple[str, ...], folder: Path) -> None:
    """Run a command as shown, past any proxy."""
    env = {**environment({}), "no_proxy": "*"}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr


def shown(page: Page, way: str) -> str:
    """Give the text that a tab shows."""
    page.get_by_role("tab", name=way).click()
    return page.get_by_role("tabpanel").inner_text()


def test_the_shown_curl_brings_the_first_line_without_a_reload(
    empty: PageServer, page: Page, shoot: Shoot, report_figure: ReportFigure, tmp_path: Path
) -> None:
    expect(page.get_by_role("tab", name="curl")).to_have_attribute("aria-selected", "true")
    command = page.get_by_role("tabpanel").inner_text()
    assert empty.url in command
    shoot(page, "empty-dark")
    page.evaluate("window.reloaded = 'no'")
    run(("/bin/sh", "-c", command), tmp_path)
    stored = time.monotonic()
    expect(rows(page).first).to_contain_text("my first line")
    report_figure("from the first line to its row (goal 3 s)", f"{time.monotonic() - stored:.1f} s")
    assert page.evaluate("window.reloaded") == "no"


def test_other_ways_do_what_they_show(empty: PageServer, page: Page, tmp_path: Path) -> None:
    python, agent, generate = (shown(page, way) for way in ("Python", "Agent", "Try it"))
    config, call = agent.split("<<'END'\n")[1].split("\nEND\n")
    (tmp_path / "agent.yaml").write_text(config)
    name, *arguments = shlex.split(call)
    assert name == "logpulse-agent"
    assert empty.url in arguments
    run((*AGENT, *arguments, "--check-config"), tmp_path)
    name, *arguments = shlex.split(generate)
    assert name == "logpulse"
    run((*LOGPULSE, *arguments), tmp_path)
    run((sys.executable, "-c", python), tmp_path)
    expect(rows(page).first).to_be_visible()
    found = empty.ask("query", query='{service="hello"}')["logs"]
    assert isinstance(found, list)
    assert [entry["message"] for entry in found] == ["my first line"]


def test_it_is_as_good_in_the_light_and_on_a_phone(empty: PageServer, new_page: NewPage, shoot: Shoot) -> None:
    page = new_page(empty, size=(390, 844), scheme="light", touch="touch")
    page.goto("/")
    expect(page.get_by_role("heading", name="Ready for the first line")).to_be_visible()
    shoot(page, "empty-phone-light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
