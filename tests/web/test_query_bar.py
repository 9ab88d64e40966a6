"""The query's editor: what the server refuses is marked at its place, its words complete, typing is cheap."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from .conftest import Complaints, ReportFigure, Shoot
from .page_server import PageServer
from .page_work import PageWork, Spread
from .search_page import editor, found, legend, rows, settled

MALFORMED: Final = '{app="x" |= "a"'
_KEY_MILLISECONDS: Final = 16.0

# Characters before the squiggle and under it.
_SQUIGGLE: Final = """() => {
    const marked = document.querySelector(".cm-lintRange-error");
    if (!marked) return null;
    const before = document.createRange();
    before.selectNodeContents(document.querySelector(".cm-content"));
    before.setEndBefore(marked);
    return [before.toString().length, marked.textContent.length];
}"""


def refusal(server: PageServer, query: str) -> dict[str, object]:
    """Give what the server answers to a malformed query."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"{server.url}/query?{urlencode({'query': query})}"
        )
    with refused.value as answer:
        assert answer.code == 400
        said = json.loads(answer.read())
    assert isinstance(said, dict)
    return said


def test_a_malformed_query_is_marked_at_the_servers_place_while_the_rows_before_stay(
    page: Page, server: PageServer, complaints: Complaints, shoot: Shoot
) -> None:
    complaints.expect(r"status of 400 .*/(?:query|parse|volume|fields)\?")
    page.goto("/")
    settled(page)
    before = rows(page).first.text_content()
    assert before
    editor(page).fill(MALFORMED)
    page.keyboard.press("Control+Enter")
    refused = refusal(server, MALFORMED)
    position = refused["position"]
    assert isinstance(position, dict)
    message = page.get_by_text(f"line {position['line']}, column {position['column']}")
    expect(message).to_be_visible()
    page.wait_for_function(_SQUIGGLE)
    assert page.evaluate(_SQUIGGLE) == [position["offset"], position["length"]]
    expect(rows(page).first).to_have_text(before)
    expect(page.locator(".list-area")).to_have_css("opacity", "0.6")
    expect(found(page)).to_contain_text("of the query before")
    expect(editor(page)).to_be_focused()
    shoot(page, "error-syntax-dark")


def test_labels_and_values_complete_a_selector(page: Page, server: PageServer) -> None:
    page.goto("/")
    settled(page)
    options = page.get_by_role("listbox", name="Completions").get_by_role("option")
    editor(page).fill("")
    page.keyboard.type("{")
    expect(options.first).to_be_visible()
    labels = server.ask_list("labels")
    assert {"app", "env", "pod"} <= set(labels)
    assert sorted(text.split() for text in options.all_inner_texts()) == sorted([name, "label"] for name in labels)
    options.filter(has_text=re.compile("^app")).click()
    page.keyboard.type("=")
    expect(options.filter(has_text=re.compile("^cart"))).to_be_visible()
    options.filter(has_text=re.compile("^cart")).click()
    expect(editor(page)).to_have_text('{app="cart"}')
    page.keyboard.press("Control+Enter")
    expect(found(page)).to_contain_text(f"{sum(line.labels['app'] == 'cart' for line in server.lines):,} lines")
    expect(page).to_have_url(re.compile(re.escape(urlencode({"q": '{app="cart"}'}))))


def test_without_the_editor_a_text_area_does(page: Page, complaints: Complaints, shoot: Shoot) -> None:
    complaints.expect(r"net::ERR_FAILED .*/assets/Editor-")
    page.route(re.compile(r"/assets/Editor-[^/]+\.js$"), lambda route: route.abort())
    page.goto("/")
    expect(legend(page)).to_be_visible()
    area = page.get_by_role("textbox", name="Query", exact=True)
    area.fill('{app="checkout"} |= "timeout"')
    area.press("Enter")
    expect(found(page)).to_contain_text(re.compile(r"^(?:16|17) lines$"))
    expect(rows(page).first).to_contain_text("upstream timeout after 3 tries")
    shoot(page, "plain-text-dark")


def test_a_key_costs_little(page: Page, report_figure: ReportFigure) -> None:
    page.goto("/")
    settled(page)
    editor(page).fill("")
    work = PageWork(page)
    keys = []
    for key in 'sum by (app) (count_over_time({app=~"ca.+", env!="dev"} |= "request" | logfmt | duration > 10ms [5m]))':
        page.keyboard.type(key)
        keys.append(work.since_last().total)
    spent = Spread.of(keys)
    report_figure("a key in the editor", str(spent))
    assert spent.p95 <= _KEY_MILLISECONDS
