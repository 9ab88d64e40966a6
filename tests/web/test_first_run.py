"""A server without a line: the page shows how to send one, and turns into the search when it arrives."""

from __future__ import annotations

import os
import subprocess

import pytest
from playwright.sync_api import Browser, expect

from tests.processes.server_process import Servers

from .conftest import NewPage, Shoot
from .page_server import PageServer


@pytest.fixture
def empty(browser: Browser, servers: Servers) -> PageServer:
    """Give a server without data."""
    return PageServer.start(servers)


def test_the_shown_curl_brings_the_first_line_without_a_reload(
    empty: PageServer, new_page: NewPage, shoot: Shoot
) -> None:
    page = new_page(empty)
    page.goto("/")
    expect(page.get_by_role("heading", name="Ready for the first line")).to_be_visible()
    shown = page.get_by_role("tab", name="curl")
    expect(shown).to_have_attribute("aria-selected", "true")
    command = page.locator("pre").inner_text()
    assert empty.url in command
    shoot(page, "empty-dark")
    page.evaluate("window.reloaded = 'no'")
    subprocess.run(
        ["/bin/sh", "-c", command], env={**os.environ, "no_proxy": "*"}, check=True, capture_output=True, timeout=60
    )
    expect(page.get_by_role("option").first).to_contain_text("my first line", timeout=3000)
    assert page.evaluate("window.reloaded") == "no"
