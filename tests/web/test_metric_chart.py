"""A metric query: chart, legend and table say what the API says."""

from __future__ import annotations

import math
from typing import Final
from urllib.parse import urlencode

import attrs
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.processes.server_process import Servers

from .conftest import Shoot
from .page_server import MINUTE, PageServer, seeded_lines

_QUERY: Final = 'sum by (level)(rate({app=~".+"}[1m]))'
_LEVELS: Final = {"critical", "error", "warn", "info", "debug", "trace"}


@pytest.fixture(scope="module")
def server(browser: Browser, servers: Servers) -> PageServer:
    """Give a server whose streams are labelled by level."""
    assert browser
    return PageServer.start(
        servers, [attrs.evolve(line, labels={**line.labels, "level": line.level}) for line in seeded_lines()]
    )


@pytest.fixture
def asked(server: PageServer) -> dict[str, str]:
    """Give the query over a range that does not move, as page and API take it."""
    newest = server.lines[-1].ns
    return {"start": str((newest - 30 * MINUTE) // 1_000_000_000), "end": str(newest // 1_000_000_000)}


def _series(server: PageServer, asked: dict[str, str]) -> dict[str, dict[str, float]]:
    answer = server.ask("query", query=_QUERY, **asked)["series"]
    assert isinstance(answer, list)
    return {each["labels"]["level"]: dict(each["points"]) for each in answer}


def _open(page: Page, asked: dict[str, str]) -> Locator:
    page.goto(f"/?{urlencode({'q': _QUERY, 'from': asked['start'], 'to': asked['end'], 'tz': 'UTC'})}")
    legend = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name="Avg"))
    expect(legend).to_be_visible()
    return legend


def test_the_legend_says_what_the_api_says(page: Page, server: PageServer, asked: dict[str, str], shoot: Shoot) -> None:
    wanted = _series(server, asked)
    assert set(wanted) == _LEVELS
    legend = _open(page, asked)
    rows = legend.locator("tbody tr")
    expect(rows).to_have_count(len(wanted))
    shoot(page, "chart-dark")
    for row in rows.all():
        name = row.get_by_role("rowheader").inner_text()
        values = list(wanted.pop(name).values())
        shown = [float(cell.inner_text().replace(",", "")) for cell in row.get_by_role("cell").all()]
        for one, other in zip(
            shown, (values[-1], min(values), max(values), math.fsum(values) / len(values)), strict=True
        ):
            assert math.isclose(one, other, rel_tol=1e-3), (name, one, other)
    expect(page.get_by_role("img", name="lines of 6 series")).to_be_visible()
    legend.get_by_role("button", name="error").click()
    expect(page.get_by_role("img", name="lines of 1 series")).to_be_visible()


@pytest.mark.parametrize("shape", ["bars", "stacked"])
def test_other_shapes_draw_the_same_series(page: Page, asked: dict[str, str], shoot: Shoot, shape: str) -> None:
    _open(page, asked)
    page.get_by_role("button", name=shape, exact=True).click()
    expect(page.get_by_role("img", name=f"{shape} of 6 series")).to_be_visible()
    shoot(page, f"chart-{shape}-dark")


def test_the_table_has_the_same_numbers(page: Page, server: PageServer, asked: dict[str, str], shoot: Shoot) -> None:
    wanted = _series(server, asked)
    _open(page, asked)
    page.get_by_role("button", name="table", exact=True).click()
    table = page.locator(".metric-values table")
    names = table.get_by_role("columnheader").all_inner_texts()[1:]
    assert set(names) == _LEVELS
    shoot(page, "chart-table-dark")
    shown = table.locator("tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.title))"
    )
    times = sorted({time for points in wanted.values() for time in points}, reverse=True)
    assert [[float(text) if text else None for text in row] for row in shown] == [
        [wanted[name].get(time) for name in names] for time in times
    ]


def test_a_metric_query_without_series_says_so(page: Page) -> None:
    query = 'count_over_time({app="none"}[1m])'
    page.goto(f"/?{urlencode({'q': query})}")
    expect(page.get_by_text("No series: nothing in this range matches the query.")).to_be_visible()
