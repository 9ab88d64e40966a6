"""Ask a server whatever was asked of a real Loki, over HTTP and over the same data, and compare the answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from _pytest.mark import ParameterSet

from ..conformance.comparison import assert_same
from ..conformance.recorded import DIFFERENCES, Case, Stream, cases, dataset
from .server_thread import server_thread

_PAGE: Final = Path(__file__).parents[2] / "docs" / "conformance.md"
_STORED: Final = 3_693  # entries once those that are equal in all are stored once


@pytest.fixture(scope="module")
def loki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a client of a server that holds the data: of each stream the first half in segments, the rest in memory."""
    settings = {
        "storage__retention_days": "0",
        "ingest__detect_level": "false",
        "ingest__discover_service_name": "false",
    }
    with server_thread(tmp_path_factory.mktemp("conformance"), **settings) as server, server.client() as client:
        for part in _first_halves(dataset()):
            _push(client, part)
        assert server.running.services.store.flush() is not None
        for part in _second_halves(dataset()):
            _push(client, part)
        yield client


def _first_halves(streams: Iterable[Stream]) -> Iterator[Stream]:
    return (Stream(stream.labels, stream.entries[: len(stream.entries) // 2]) for stream in streams)


def _second_halves(streams: Iterable[Stream]) -> Iterator[Stream]:
    return (Stream(stream.labels, stream.entries[len(stream.entries) // 2 :]) for stream in streams)


def _push(client: httpx.Client, stream: Stream) -> None:
    body = {"streams": [{"stream": stream.labels, "values": stream.entries}]}
    answer = client.post("/loki/api/v1/push", json=body)
    assert answer.status_code == 204, answer.text


def _parameters() -> Iterator[ParameterSet]:
    for case in cases():
        reason = DIFFERENCES.get(case.id)
        marks = [pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)] if reason else []
        yield pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", list(_parameters()))
def test_recorded_case(loki: httpx.Client, case: Case) -> None:
    answer = loki.send(case.request(loki))
    assert_same(case, answer.status_code, answer.content)


def test_every_entry_is_there(loki: httpx.Client) -> None:
    parameters = {"query": 'sum(count_over_time({app=~".+"}[8h]))', "time": "1793516400"}
    ((_, count),) = [
        sample["value"] for sample in loki.get("/loki/api/v1/query", params=parameters).json()["data"]["result"]
    ]
    assert int(count) == _STORED


def test_the_recordings_are_whole() -> None:
    assert len({case.id for case in cases()}) == len(cases()) == 1_174


def test_the_documentation_lists_exactly_the_differences() -> None:
    table = _PAGE.read_text().partition("## Where LogPulse differs\n")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| ([a-z_]+-\d+) \|.*\| (.*) \|$", table, re.MULTILINE)) == DIFFERENCES
