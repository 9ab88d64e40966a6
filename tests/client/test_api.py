"""Questions and answers over HTTP."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logpulse.client.address import ServerAddress
from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.failure import (
    BadQueryError,
    ServerRefusedError,
    ServerUnreachableError,
    UnexpectedAnswerError,
    explain,
)
from logpulse.client.window import TimeWindow
from logpulse.client.wire import IndexStats, Place, Sample
from logpulse.errors import LogPulseError
from logpulse.limits import RETRIES

from .fake_server import BASE, HANG_UP, Answer, RunningServer, entry

ALL = '{service=~".+"}'


class Waits:
    """Record waits instead of waiting, and what was said before them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.notices: list[str] = []

    def client(self, address: ServerAddress, page_entries: int = 3) -> ApiClient:
        return ApiClient(address, self.notices.append, page_entries=page_entries, sleep=self.seconds.append)


def query(direction: Direction = Direction.FORWARD, window: TimeWindow | None = None, text: str = ALL) -> LogQuery:
    return LogQuery(text, window or TimeWindow(), direction)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(
    times=st.lists(st.integers(0, 3), max_size=12),
    page_entries=st.integers(1, 5),
    most=st.one_of(st.none(), st.integers(1, 15)),
    direction=st.sampled_from(Direction),
)
def test_pages_in_a_row_are_the_whole(
    running: RunningServer, times: list[int], page_entries: int, most: int | None, direction: Direction
) -> None:
    running.server.entries = [entry(number, BASE + time) for number, time in enumerate(times)]
    running.server.requests.clear()
    with Waits().client(running.address, page_entries) as client:
        pages = list(client.pages(query(direction), most))
    ids = [json.loads(bytes(one))["id"] for page in pages for one in page.logs]
    whole = sorted(range(len(times)), key=lambda number: (times[number], number))
    if direction is Direction.BACKWARD:
        whole.reverse()
    assert ids == [f"{number:08d}" for number in whole[:most]]
    assert all(int(request.parameters["limit"]) <= page_entries for request in running.server.requests)


def test_the_next_page_is_asked_for_only_when_it_is_wanted(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number) for number in range(9)]
    with Waits().client(running.address) as client:
        pages = client.pages(query(), None)
        next(pages)
        assert len(running.server.requests) == 1


def test_a_query_says_all_it_was_told(running: RunningServer) -> None:
    address = ServerAddress(running.url, "s3cret")
    with Waits().client(address) as client:
        list(client.pages(LogQuery(ALL, TimeWindow(BASE, BASE + 1), Direction.BACKWARD, "5m"), 2))
    (request,) = running.server.requests
    assert (request.method, request.path) == ("GET", "/query")
    assert request.parameters == {
        "query": ALL,
        "start": "2026-01-15T10:30:00Z",
        "end": "2026-01-15T10:30:00.000000001Z",
        "direction": "backward",
        "step": "5m",
        "limit": "2",
    }
    assert request.headers["x-api-key"] == "s3cret"
    assert request.headers["user-agent"].startswith("logpulse-cli/")


def test_a_long_query_goes_as_a_form(running: RunningServer) -> None:
    text = ALL + ' |= "x"' * 1000
    with Waits().client(running.address) as client:
        list(client.pages(query(text=text), 1))
    (request,) = running.server.requests
    assert request.method == "POST"
    assert request.parameters["query"] == text


def test_labels_and_their_values(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE, service="api", env="prod"), entry(2, BASE, service="web")]
    window = TimeWindow(BASE)
    with Waits().client(running.address) as client:
        assert client.labels(window, "") == ["env", "service"]
        assert client.label_values("service", window, '{env="prod"}') == ["api", "web"]
        assert client.label_values("no/such?", TimeWindow(), "") == []
    first, second, third = running.server.requests
    assert first.parameters == {"start": "2026-01-15T10:30:00Z"}
    assert second.parameters == {"start": "2026-01-15T10:30:00Z", "query": '{env="prod"}'}
    assert third.path == "/labels/no%2Fsuch%3F/values"


def test_a_busy_server_is_asked_again_after_the_wait_it_names(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE)]
    busy = Answer(429, {"error": "64 queries are waiting"}, (("Retry-After", "7"),))
    running.server.scripted["/query"].extend([busy, Answer(503, b"<html>", (("Retry-After", "20"),))])
    waits = Waits()
    with waits.client(running.address) as client:
        (page,) = client.pages(query(), None)
    assert len(page.logs) == 1
    assert waits.seconds == [7, 20]
    assert "64 queries are waiting" in waits.notices[0]


def test_a_server_that_stays_busy_is_given_up(running: RunningServer) -> None:
    running.server.scripted["/query"].extend([Answer(503, {"error": "draining"})] * (RETRIES + 1))
    waits = Waits()
    with waits.client(running.address) as client, pytest.raises(ServerRefusedError, match="503: draining"):
        list(client.pages(query(), None))
    assert len(waits.seconds) == RETRIES


def test_a_malformed_query_keeps_all_the_server_says_of_it(running: RunningServer) -> None:
    problem = {
        "error": "unexpected `|`",
        "position": {"offset": 7, "line": 1, "column": 8, "length": 2},
        "expected": ["=", "!="],
        "hint": "quote it",
    }
    running.server.scripted["/query"].append(Answer(400, problem))
    with Waits().client(running.address) as client, pytest.raises(BadQueryError) as caught:
        list(client.pages(query(text="{service|}"), None))
    error = caught.value
    assert (error.query, error.reason, error.hint) == ("{service|}", "unexpected `|`", "quote it")
    assert (error.place, error.expected) == (Place(7, 2), ("=", "!="))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(400, {"error": "query is too long"}), BadQueryError, "query is too long"),
        (Answer(400, b""), BadQueryError, "Reason"),
        (Answer(401, {"error": "a valid API key is required"}), ServerRefusedError, "401: a valid API key is required"),
        (Answer(404, b"<html>"), ServerRefusedError, "404: Reason"),
        (Answer(500, {"error": ["not text"]}), ServerRefusedError, "500: Reason"),
        (Answer(504, {"error": "ran longer than query.timeout"}), ServerRefusedError, "ran longer"),
        (Answer(302, b"", (("Location", "https://sso.example/"),)), ServerRefusedError, "https://sso.example/"),
        (Answer(200, b"<html>", (("Content-Type", "text/html"),)), UnexpectedAnswerError, "text/html"),
        (Answer(200, {"logs": "none"}), UnexpectedAnswerError, "not LogPulse's JSON"),
        (HANG_UP, ServerUnreachableError, "disconnected"),
    ],
)
def test_what_a_server_may_answer_instead(
    running: RunningServer, answer: Answer, kind: type[LogPulseError], words: str
) -> None:
    running.server.scripted["/query"].append(answer)
    with Waits().client(running.address) as client, pytest.raises(kind) as caught:
        list(client.pages(query(), None))
    assert words in explain(caught.value)


def test_a_cursor_that_does_not_move_ends_the_paging(running: RunningServer) -> None:
    running.server.scripted["/query"].extend([Answer(200, {"logs": [], "next": "c"})] * 2)
    with Waits().client(running.address) as client, pytest.raises(UnexpectedAnswerError, match="twice in a row"):
        list(client.pages(query(), None))


def test_an_empty_page_with_a_cursor_is_not_the_end(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE)]
    running.server.scripted["/query"].append(Answer(200, {"logs": [], "next": "00000001"}))
    with Waits().client(running.address) as client:
        assert len(list(client.pages(query(), None))) == 2


@pytest.mark.parametrize("cut_after", [None, 0, 40])
def test_a_lost_connection_costs_no_entry_and_repeats_none(running: RunningServer, cut_after: int | None) -> None:
    running.server.entries = [entry(number, BASE + number // 4) for number in range(12)]
    lost = HANG_UP if cut_after is None else Answer(200, {"logs": [entry(9, BASE)]}, cut_after=cut_after)
    waits = Waits()
    with waits.client(running.address) as client:
        ids = []
        for page in client.unbroken_pages(query()):
            ids += [json.loads(bytes(one))["id"] for one in page.logs]
            if len(ids) in (3, 9):
                running.server.scripted["/query"].extend([lost] * 5)
    assert ids == [f"{number:08d}" for number in range(12)]
    assert len(waits.seconds) == 10 > RETRIES  # but never so many in a row
    assert all("asking again in" in notice for notice in waits.notices)


def test_a_server_that_stays_lost_is_given_up(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number) for number in range(9)]
    waits = Waits()
    with waits.client(running.address) as client:
        pages = client.unbroken_pages(query())
        next(pages)
        running.server.scripted["/query"].extend([HANG_UP] * (RETRIES + 1))
        with pytest.raises(ServerUnreachableError):
            next(pages)
    assert len(waits.seconds) == RETRIES


def test_a_server_that_never_was_there_is_not_waited_for(running: RunningServer) -> None:
    running.server.scripted["/query"].append(HANG_UP)
    waits = Waits()
    with waits.client(running.address) as client, pytest.raises(ServerUnreachableError):
        list(client.unbroken_pages(query()))
    assert waits.seconds == []


def test_what_is_asked_about_streams(running: RunningServer) -> None:
    volume = {"metric": {"service": "api"}, "value": [1_768_473_000, "2048"]}
    for path, body in (
        ("series", {"status": "success", "data": [{"service": "api"}]}),
        ("series", {"status": "success", "data": []}),
        ("index/stats", {"streams": 1, "chunks": 2, "bytes": 3, "entries": 4}),
        ("index/volume", {"status": "success", "data": {"resultType": "vector", "result": [volume]}}),
    ):
        running.server.scripted[f"/loki/api/v1/{path}"].append(Answer(200, body))
    window = TimeWindow(BASE, BASE + 10**9)
    with Waits().client(running.address) as client:
        assert client.series('{service="api"}', window) == [{"service": "api"}]
        assert client.series("", TimeWindow()) == []
        assert client.index_stats("{}", window) == IndexStats(1, 2, 3, 4)
        assert client.volumes("{}", window, 5) == [Sample({"service": "api"}, (1_768_473_000, "2048"))]
    bounds = {"start": "2026-01-15T10:30:00Z", "end": "2026-01-15T10:30:01Z"}
    assert [request.parameters for request in running.server.requests] == [
        {"match[]": '{service="api"}', **bounds},
        {},
        {"query": "{}", **bounds},
        {"query": "{}", "limit": "5", "aggregateBy": "series", **bounds},
    ]


@pytest.mark.parametrize(("status", "kind"), [(400, BadQueryError), (500, ServerRefusedError)])
def test_lokis_routes_tell_their_errors_as_text(running: RunningServer, status: int, kind: type[LogPulseError]) -> None:
    headers = (("Content-Type", "text/plain; charset=utf-8"),)
    answer = Answer(status, b"parse error at line 1, col 3: \x1b[2J \xff\n", headers)
    running.server.scripted["/loki/api/v1/series"].append(answer)
    with Waits().client(running.address) as client, pytest.raises(kind) as caught:
        client.series("{a=", TimeWindow())
    told = explain(caught.value)
    assert "parse error at line 1, col 3: \\x1b[2J" in told
    assert "\x1b" not in told


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but not listening
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Waits().client(ServerAddress(url)) as client, pytest.raises(ServerUnreachableError) as caught:
            client.labels(TimeWindow(), "")
    assert str(caught.value) == f"cannot reach {url}: connection refused"
