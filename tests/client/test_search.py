"""Pages in, one answer out that reads downwards in time."""

from __future__ import annotations

import json

import pytest

from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.failure import ServerRefusedError, UnexpectedAnswerError
from logpulse.client.render import JsonLines, PipeText
from logpulse.client.search import Totals, search
from logpulse.client.window import TimeWindow
from logpulse.client.wire import Stats

from .fake_server import BASE, Answer, RunningServer, entry


class Run:
    """One search with pages of two entries, and what it wrote."""

    def __init__(self, running: RunningServer, direction: Direction, most: int | None) -> None:
        self.written: list[list[str]] = []
        self.advanced: list[int] = []
        self._running = running
        self._query = LogQuery("{}", TimeWindow(), direction)
        self._most = most

    def totals(self) -> Totals:
        with ApiClient(self._running.address, lambda text: None, page_entries=2) as client:
            return search(client, self._query, self._most, JsonLines(), self._write, self.advanced.append)

    def _write(self, text: bytes) -> None:
        self.written.append([json.loads(line)["message"] for line in text.splitlines()])


@pytest.fixture
def five(running: RunningServer) -> RunningServer:
    running.server.entries = [entry(number, BASE + number, "abcde"[number]) for number in range(5)]
    return running


@pytest.mark.parametrize(
    ("direction", "most", "written"),
    [
        (Direction.BACKWARD, 5, [["a"], ["b", "c"], ["d", "e"]]),
        (Direction.BACKWARD, 3, [["c"], ["d", "e"]]),
        (Direction.FORWARD, 3, [["a", "b"], ["c"]]),
        (Direction.FORWARD, None, [["a", "b"], ["c", "d"], ["e"]]),
    ],
)
def test_the_newest_entry_is_always_written_last(
    five: RunningServer, direction: Direction, most: int | None, written: list[list[str]]
) -> None:
    run = Run(five, direction, most)
    totals = run.totals()
    assert run.written == written
    assert totals.entries == sum(run.advanced) == sum(map(len, written))
    assert totals.pages == len(written)
    assert totals.stats.queried_chunks == len(written)


def test_what_was_written_before_a_failure_stands(five: RunningServer) -> None:
    run = Run(five, Direction.FORWARD, None)
    five.server.scripted["/query"].append(
        Answer(200, {"logs": five.server.entries[:2], "next": five.server.entries[1]["id"]})
    )
    five.server.scripted["/query"].append(Answer(500, {"error": "oops"}))
    with pytest.raises(ServerRefusedError, match="oops"):
        run.totals()
    assert run.written == [["a", "b"]]


def test_an_entry_that_cannot_be_read_is_the_servers_fault(running: RunningServer) -> None:
    running.server.scripted["/query"].append(Answer(200, {"logs": [entry(1, BASE) | {"timestamp": 5}]}))
    query = LogQuery("{}", TimeWindow())
    with (
        ApiClient(running.address, lambda text: None) as client,
        pytest.raises(UnexpectedAnswerError, match="cannot be read"),
    ):
        search(client, query, 1, PipeText(), lambda text: None, lambda count: None)


def test_totals_as_a_sentence() -> None:
    totals = Totals(entries=1200, pages=2, stats=Stats(3, 45_000, 2 << 20, 12.6), seconds=0.25)
    assert str(totals) == (
        "1,200 entries in 0.250 s (2 requests, 13 ms in the server): 3 chunks, 45,000 lines, 2MiB scanned"
    )
