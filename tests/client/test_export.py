"""All entries of a query, each once, whatever the connection does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from logpulse.cli import root
from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.coverage import Stretch
from logpulse.client.export import Exported, export
from logpulse.client.failure import UnexpectedAnswerError
from logpulse.client.progress import NoProgress
from logpulse.client.render import JsonLines
from logpulse.client.window import TimeWindow
from logpulse.limits import PAGE_ENTRIES

from .fake_server import BASE, HANG_UP, Answer, RunningServer, entry

ALL = '{service=~".+"}'
S = 10**9


class Recorded(NoProgress):
    """Remember what an export told."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []

    def advance(self, step: object, /) -> None:
        """Note a stretch."""
        assert isinstance(step, Stretch)
        self.stretches.append(step)


class Run:
    """One export with pages of three entries, and what it wrote and told."""

    def __init__(self, running: RunningServer) -> None:
        self.written: list[bytes] = []
        self.coverage = Recorded()
        self.exported = Exported()
        self._running = running

    def run(self) -> None:
        query = LogQuery(ALL, TimeWindow(None, BASE + 100 * S), Direction.FORWARD)
        with ApiClient(self._running.address, lambda text: None, page_entries=3, sleep=lambda seconds: None) as client:
            export(client, query, JsonLines(), self.written.append, self.coverage, self.exported)

    @property
    def lines(self) -> list[object]:
        return [json.loads(line) for line in b"".join(self.written).splitlines()]


def test_pages_are_written_as_they_come_and_counted(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE + number // 3 * S) for number in range(7)]
    run = Run(running)
    run.run()
    assert run.lines == running.server.entries
    assert [len(text.splitlines()) for text in run.written] == [3, 3, 1]
    assert run.coverage.stretches == [
        Stretch(3, len(run.written[0]), BASE, BASE),
        Stretch(3, len(run.written[1]), BASE + S, BASE + S),
        Stretch(1, len(run.written[2]), BASE + 2 * S, BASE + 2 * S),
    ]
    assert (run.exported.entries, run.exported.bytes) == (7, sum(map(len, run.written)))
    assert str(run.exported).startswith("exported 7 entries, ")


def test_a_busy_server_and_lost_connections_are_survived(running: RunningServer) -> None:
    running.server.entries = [entry(number, BASE) for number in range(7)]
    first = {"logs": running.server.entries[:3], "next": "00000002"}
    cut = Answer(200, {"logs": running.server.entries[3:6], "next": "00000005"}, cut_after=50)
    busy = Answer(503, {"error": "draining"}, (("Retry-After", "1"),))
    running.server.scripted["/query"].extend([busy, Answer(200, first), cut, HANG_UP, busy])
    run = Run(running)
    run.run()
    assert run.lines == running.server.entries


@pytest.mark.parametrize("logs", [[{"id": "1"}], [{"id": "1", "timestamp": "yesterday", "message": ""}]])
def test_an_entry_that_cannot_be_read_is_not_written(running: RunningServer, logs: list[object]) -> None:
    running.server.scripted["/query"].append(Answer(200, {"logs": logs}))
    run = Run(running)
    with pytest.raises(UnexpectedAnswerError, match="cannot be read"):
        run.run()
    assert run.written == []


# -- the command ------------------------------------------------------------------------------------------------------


def command(running: RunningServer, *arguments: str) -> Result:
    clean = {"LOGPULSE_SERVER_URL": running.url, "LOGPULSE_API_KEY": None, "NO_COLOR": None}
    return CliRunner().invoke(root, ["export", *arguments], env=clean)


@pytest.fixture
def many(running: RunningServer) -> RunningServer:
    running.server.entries = [entry(number, BASE + number // 7, f"line {number}") for number in range(2500)]
    return running


def test_an_export_to_standard_output_is_the_entries_and_nothing_else(many: RunningServer) -> None:
    result = command(many, ALL)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [json.loads(line) for line in result.stdout.splitlines()] == many.server.entries
    assert [request.parameters["limit"] for request in many.server.requests] == [str(PAGE_ENTRIES)] * 3
    first = many.server.requests[0].parameters
    assert (first["direction"], "start" in first, "end" in first) == ("forward", False, True)


@pytest.mark.parametrize("name", ["x.ndjson", "x.ndjson.gz"])
def test_an_export_to_a_file(many: RunningServer, tmp_path: Path, name: str) -> None:
    result = command(many, ALL, "--from", "2026-01-15T10:30:00Z", "-o", str(tmp_path / name))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("exported 2,500 entries, ")
    assert result.stdout.endswith(f" to {tmp_path / name}\n")
    data = (tmp_path / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    assert [json.loads(line) for line in text.splitlines()] == many.server.entries
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_export_says_where_its_part_is(many: RunningServer, tmp_path: Path) -> None:
    page = {"logs": many.server.entries[:2], "next": "00000001"}
    many.server.scripted["/query"].extend([Answer(200, page), Answer(500, {"error": "oops"})])
    result = command(many, ALL, "-o", str(tmp_path / "x"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"logpulse: the first 2 entries are in {tmp_path / 'x.part'}\nlogpulse: {many.url}/query answered 500: oops\n"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, {"error": "unexpected end", "position": {"offset": 1}}), "unexpected end\n  {}\n   ^\n"),
        (Answer(200, {"series": [{"labels": {}, "points": []}]}), "QUERY: must be a log query"),
    ],
)
def test_a_query_that_cannot_be_exported_leaves_no_file(
    running: RunningServer, tmp_path: Path, answer: Answer, words: str
) -> None:
    running.server.scripted["/query"].append(answer)
    result = command(running, "{}", "-o", str(tmp_path / "x"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_found_is_an_empty_file(running: RunningServer, tmp_path: Path) -> None:
    assert command(running, ALL, "-o", str(tmp_path / "x")).exit_code == 0
    assert (tmp_path / "x").read_bytes() == b""


def test_a_terminal_gets_harmless_json(running: RunningServer) -> None:
    running.server.entries = [entry(1, BASE, "\x9b31m")]
    running.server.scripted["/query"].append(
        Answer(200, json.dumps({"logs": running.server.entries}, ensure_ascii=False).encode())
    )
    result = command(running, ALL, "--color", "always")
    assert "\x9b" not in result.stdout
    assert json.loads(result.stdout) == running.server.entries[0]
