"""What the server may answer, and what becomes of the lines then."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import trio

from agent.batcher import Batch, gather
from agent.config import BatchConfig, ServerConfig
from agent.dead_letters import DeadLetters
from agent.entry import Chunk, Entry
from agent.http_client import HttpClient, RawAnswer
from agent.identity import Identity, Mark
from agent.keeper import Keeper
from agent.positions import START, Point, Positions, Record, Span
from agent.positions_file import open_positions_file
from agent.sender import Sender
from logpulse.model.setting import ByteSize, seconds

from .fake_server import HANG_UP, STORED_THEN_HANG_UP, FakeServer, Reply, Stored
from .running import Workplace, append

LINES = [f"line {number}" for number in range(64)]


def _write(place: Workplace) -> None:
    append(place.logs / "a.log", "".join(f"{line}\n" for line in LINES))


def _letters(place: Workplace) -> list[dict[str, object]]:
    if not place.dead_letters.exists():
        return []
    return [json.loads(line) for line in place.dead_letters.read_text().splitlines()]


@pytest.mark.parametrize(
    "reply",
    [
        *[Reply(status) for status in (408, 425, 429, 500, 502, 503, 504, 599)],
        *[Reply(status) for status in (401, 403, 404, 405, 410, 501)],
        *[Reply(status, b"<html>not LogPulse") for status in (400, 422)],
        *[Reply(status, headers=(("location", "http://127.0.0.1:1/"),)) for status in (301, 307)],
        Reply(429, headers=(("retry-after", "0"),)),
        Reply(503, headers=(("retry-after", "Thu, 01 Jan 2026 00:00:00 GMT"),)),
        Reply(500, body=b"\xff<html>" * 400_000),
        HANG_UP,
        STORED_THEN_HANG_UP,
        Reply(500, is_stored=True),
    ],
    ids=lambda reply: f"{reply.status}{'-'.join(map(str, reply.headers))}{reply.is_stored}",
)
async def test_sent_again_until_stored(place: Workplace, server: FakeServer, reply: Reply) -> None:
    server.scripted.extend([reply] * 3)
    _write(place)
    outcome = await place.once()
    assert server.lines == LINES
    assert server.bodies == [server.bodies[0]] * 4
    assert (outcome.refused, _letters(place)) == (0, [])


@pytest.mark.parametrize(("asked", "waited"), [(100, 100), (10**9, 300), (0, 0)])
async def test_waits_as_long_as_the_server_asks_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, autojump_clock: trio.testing.MockClock, asked: int, waited: int
) -> None:
    answers = [RawAnswer(503, {"retry-after": str(asked)}, b""), RawAnswer(200, {}, b"")]

    async def push(_client: HttpClient, _body: bytes) -> RawAnswer:
        await trio.lowlevel.checkpoint()
        return answers.pop(0)

    monkeypatch.setattr(HttpClient, "push", push)
    batches_in, batches_out = trio.open_memory_channel[Batch](1)
    positions = Positions()
    with open_positions_file(tmp_path / "state" / "positions.json") as file:
        ledger = Keeper(file, positions, list[Record])
        sender = Sender(ServerConfig(retry_longest=seconds(60)), ledger, DeadLetters(tmp_path / "dead"))
        batches_in.send_nowait(Batch([_chunk(0)]))
        batches_in.close()
        await sender.run(batches_out)
    assert waited <= trio.current_time() <= max(waited, 0.5)


async def test_a_timeout(place: Workplace, server: FakeServer) -> None:
    """A server takes the connection and never answers; then it is started again and does."""
    place.set("server", "answer_timeout", "50ms")
    server.stop()
    _write(place)
    listeners = await trio.open_tcp_listeners(server.port, host="127.0.0.1")
    async with place.following():
        async with listeners[0]:
            for _ in range(2):
                async with await listeners[0].accept() as silent:
                    await silent.receive_some()
                    async for _piece in silent:
                        pass
        await server.start_again()
        await server.wait_for_lines(*LINES)
    assert server.lines == LINES


async def test_a_key_that_is_mended(place: Workplace, server: FakeServer) -> None:
    server.always = Reply(401, body=b'{"error":"a valid API key is required"}')
    place.set("server", "api_key", "wrong")
    _write(place)
    async with place.following():
        await server.wait_for(lambda: len(server.bodies) > 3)
    server.always = None
    place.set("server", "api_key", "right")
    await place.once()
    assert server.lines == LINES
    assert server.headers[0]["authorization"] == "Bearer wrong"
    assert server.headers[-1]["authorization"] == "Bearer right"


@pytest.mark.parametrize("shown", [100, 2, 0])
async def test_refused_entries_become_dead_letters(place: Workplace, server: FakeServer, shown: int) -> None:
    """However few of them the server names at a time."""
    bad = {f"line {number}" for number in (0, 7, 8, 9, 31, 63)}
    server.refuse = lambda entry: f"no {entry.line}" if entry.line in bad else ""
    server.refusals_shown = shown
    _write(place)
    outcome = await place.once()
    assert Counter(server.lines) == Counter(line for line in LINES if line not in bad)
    assert outcome.refused == len(bad)
    letters = _letters(place)
    assert {letter["line"] for letter in letters} == bad
    assert len(letters) == len(bad)
    assert not shown or letters[0]["reason"] == f"no {letters[0]['line']}"
    assert letters[0]["labels"] == {"filename": str(place.logs / "a.log"), "job": "test"}
    assert place.dead_letters.stat().st_mode & 0o777 == 0o600
    await place.once()
    assert len(_letters(place)) == len(bad)


async def test_a_poison_entry_without_a_place_is_found_by_halves(place: Workplace, server: FakeServer) -> None:
    server.judge = lambda entries: (
        Reply(400, b'{"error":"bad"}') if any(each.line == "line 5" for each in entries) else None
    )
    _write(place)
    outcome = await place.once()
    assert Counter(server.lines) == Counter(line for line in LINES if line != "line 5")
    assert [letter["line"] for letter in _letters(place)] == ["line 5"]
    assert outcome.refused == 1
    assert len(server.bodies) == 13  # one poison among 64: two requests a halving


async def test_a_batch_too_large_is_halved(place: Workplace, server: FakeServer) -> None:
    server.judge = lambda entries: Reply(413) if len(entries) > 10 else None
    _write(place)
    outcome = await place.once()
    assert server.lines == LINES
    assert outcome.refused == 0
    server.judge = lambda entries: Reply(413) if any(len(entry.line) > 50 for entry in entries) else None
    append(place.logs / "a.log", "x" * 100 + "\nshort\n")
    outcome = await place.once()
    assert server.lines == [*LINES, "short"]
    assert [letter["line"] for letter in _letters(place)] == ["x" * 100]


async def test_batches_hold_files_together_and_have_a_bound(place: Workplace, server: FakeServer) -> None:
    place.set("batch", "max_wait", "1m")
    place.set("batch", "max_bytes", "100KiB")
    for number in range(4):
        append(place.logs / f"{number}.log", f"{'x' * 990} {number}\n" * 200)
    await place.once()
    assert len(server.stored) == 800
    assert 6 <= len(server.bodies) <= 12
    assert max(map(len, server.bodies)) < 2 * 100 * 1024


async def test_lines_wait_no_longer_than_they_may(autojump_clock: trio.testing.MockClock) -> None:
    chunks_in, chunks_out = trio.open_memory_channel[Chunk](0)
    batches_in, batches_out = trio.open_memory_channel[Batch](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gather, chunks_out, batches_in, BatchConfig())
        await trio.sleep(5)
        await chunks_in.send(_chunk(0))
        await trio.sleep(0.6)
        await chunks_in.send(_chunk(1))
        assert len((await batches_out.receive()).chunks) == 2
        assert trio.current_time() == 6
        await chunks_in.send(_chunk(2))
        chunks_in.close()
        assert len((await batches_out.receive()).chunks) == 1
        assert trio.current_time() == 6


async def test_no_more_is_read_than_one_batch_while_none_is_taken(autojump_clock: trio.testing.MockClock) -> None:
    chunks_in, chunks_out = trio.open_memory_channel[Chunk](0)
    batches_in, _batches_out = trio.open_memory_channel[Batch](0)
    taken = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gather, chunks_out, batches_in, BatchConfig(max_bytes=ByteSize(1000)))
        with trio.move_on_after(3600):
            while True:
                await chunks_in.send(_chunk(taken))
                taken += 1
        nursery.cancel_scope.cancel()
    assert taken == 10


def _chunk(number: int) -> Chunk:
    """Give a chunk of 100 bytes."""
    record = Record(Identity(1, 2), "/a", "/a")
    span = Span(number * 52, Point(Mark(number * 52 + 52)), number)
    assert START.offset == 0
    return Chunk(record, span, [Entry((("filename", "/a"),), number, "x" * 51)])


def test_stored_entries_are_equal_by_value() -> None:
    """The oracle of all these tests: the same push twice is stored once."""
    server = FakeServer()
    body = json.dumps({"streams": [{"labels": {"a": "b"}, "entries": [{"ts": "1", "line": "x"}]}]}).encode()
    server.store(body)
    server.store(body)
    assert server.stored == [Stored((("a", "b"),), 1, "x")]
