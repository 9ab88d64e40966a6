"""The live tail over real connections that break."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest
import trio
from trio_websocket import WebSocketConnection

from logpulse.client import stream
from logpulse.client.address import ServerAddress
from logpulse.client.failure import BadQueryError, ServerRefusedError, ServerUnreachableError, UnexpectedAnswerError
from logpulse.client.follow import EntriesSince, NewestEntries, Tail, TailRequest
from logpulse.errors import LogPulseError
from logpulse.limits import TAIL_OVERLAP_SECONDS, TAIL_SKEW_SECONDS
from logpulse.model.backoff import Backoff
from logpulse.units import parse_rfc3339

from .fake_server import (
    BASE,
    HANG_UP,
    PATIENCE,
    Answer,
    FakeServer,
    Request,
    StreamHandler,
    entry,
    live_stream,
    send_frame,
)

S = 10**9
QUERY = '{service="api"} |= "timeout"'


class Screen:
    """Keep what a tail shows and says, and let tests wait for it."""

    def __init__(self, server: FakeServer, history: NewestEntries | EntriesSince) -> None:
        self.messages: list[str] = []
        self.notices: list[str] = []
        self._changed = trio.Event()
        # The machine's clock is an hour behind the server's: only the Date header can tell.
        self.tail = Tail(
            server.address,
            TailRequest(QUERY, history),
            self._show,
            self._notify,
            clock=lambda: server.now - 3600 * S,
            backoff=Backoff(first=0.001),
        )

    def _show(self, entries: Sequence[msgspec.Raw]) -> None:
        self.messages += [json.loads(bytes(one))["message"] for one in entries]
        self._wake()

    def _notify(self, text: str) -> None:
        self.notices.append(text)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def shows(self, *messages: str) -> None:
        """Wait until exactly these messages were shown, in this order."""
        with trio.move_on_after(PATIENCE):
            while self.messages != list(messages):
                await self._changed.wait()
        assert self.messages == list(messages)

    async def says(self, words: str) -> None:
        """Wait for a notice with these words."""
        with trio.move_on_after(PATIENCE):
            while not any(words in notice for notice in self.notices):
                await self._changed.wait()
        assert any(words in notice for notice in self.notices)


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    server = FakeServer()
    await nursery.start(server.run)
    return server


async def opened(server: FakeServer, count: int) -> Request:
    """Wait for the `count`th connection that stands, and give what it asked for."""
    await server.wait_for(lambda: server.opened_streams == count)
    return [request for request in server.requests if request.path == "/stream"][-1]


async def test_history_comes_first_then_what_is_stored(server: FakeServer, nursery: trio.Nursery) -> None:
    server.commit(*(entry(number, BASE + number) for number in range(5)))
    screen = Screen(server, NewestEntries(2))
    nursery.start_soon(screen.tail.run)
    await screen.shows("message 3", "message 4")
    server.commit(entry(5, BASE + 5))
    await screen.shows("message 3", "message 4", "message 5")
    request = await opened(server, 1)
    assert request.parameters == {"query": QUERY, "batch": "1", "tail": "2"}
    assert screen.notices == []
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("history", "parameters"),
    [(NewestEntries(0), {}), (EntriesSince(BASE), {"start": "2026-01-15T10:30:00Z"})],
)
async def test_what_of_the_past_is_asked_for(
    server: FakeServer, nursery: trio.Nursery, history: NewestEntries | EntriesSince, parameters: dict[str, str]
) -> None:
    nursery.start_soon(Screen(server, history).tail.run)
    request = await opened(server, 1)
    assert request.parameters == {"query": QUERY, "batch": "1", **parameters}
    nursery.cancel_scope.cancel()


async def test_entries_stored_while_the_connection_was_broken_are_shown_once(
    server: FakeServer, nursery: trio.Nursery
) -> None:
    server.commit(entry(1, BASE - 20 * S, "before"))
    screen = Screen(server, NewestEntries(10))
    nursery.start_soon(screen.tail.run)
    await screen.shows("before")
    server.now = BASE + 30 * S
    server.commit(entry(2, BASE + 29 * S, "live"))
    await screen.shows("before", "live")

    server.cut_streams()
    server.commit(entry(3, BASE + 25 * S, "missed and late"), entry(4, BASE + 29 * S, "missed at the same time"))
    server.now = BASE + 600 * S
    server.commit(entry(5, BASE + 599 * S, "missed"))
    request = await opened(server, 2)
    assert parse_rfc3339(request.parameters["start"]) == BASE + (29 - TAIL_OVERLAP_SECONDS) * S
    assert "tail" not in request.parameters
    shown = ("before", "live", "missed and late", "missed at the same time", "missed")
    await screen.shows(*shown)

    server.commit(entry(6, BASE + 600 * S, "live again"))
    await screen.shows(*shown, "live again")
    assert len(screen.notices) == 2
    assert "the connection broke; connecting again" in screen.notices[0]
    assert screen.notices[1] == "connected again"
    nursery.cancel_scope.cancel()


async def test_a_connection_that_breaks_in_the_middle_of_a_frame_loses_nothing(
    server: FakeServer, nursery: trio.Nursery
) -> None:
    async def speak(fake: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        if fake.opened_streams == 1:
            await send_frame(connection, {"type": "connected"})
            await send_frame(connection, {"type": "logs", "data": fake.entries[:2]})
            fake.commit(entry(3, BASE + 3, "c"))
            half = json.dumps({"type": "logs", "data": fake.entries[2:]}).encode()
            await connection._stream.send_all(b"\x81\x7e\x10\x00" + half)  # a frame that announces 4096 bytes
            return
        await live_stream(fake, connection, request)

    server.stream_handler = speak
    server.commit(entry(1, BASE + 1, "a"), entry(2, BASE + 2, "b"))
    screen = Screen(server, NewestEntries(10))
    nursery.start_soon(screen.tail.run)
    await screen.shows("a", "b", "c")
    nursery.cancel_scope.cancel()


async def test_nothing_was_shown_yet_and_nothing_is_lost(server: FakeServer, nursery: trio.Nursery) -> None:
    screen = Screen(server, NewestEntries(0))
    nursery.start_soon(screen.tail.run)
    await opened(server, 1)
    await screen_connected(screen, server)
    server.cut_streams()
    server.now = BASE + 3600 * S
    server.commit(entry(1, BASE + 1800 * S, "missed"))
    request = await opened(server, 2)
    assert parse_rfc3339(request.parameters["start"]) == BASE - TAIL_SKEW_SECONDS * S
    await screen.shows("missed")
    nursery.cancel_scope.cancel()


async def screen_connected(screen: Screen, server: FakeServer) -> None:
    """Wait until the tail has read the confirmation, which an entry behind it proves."""
    server.commit(entry(0, BASE - TAIL_SKEW_SECONDS * S, "proof"))
    await screen.shows("proof")
    screen.messages.clear()


async def test_a_restarting_server_is_waited_for(server: FakeServer, nursery: trio.Nursery) -> None:
    screen = Screen(server, NewestEntries(0))
    nursery.start_soon(screen.tail.run)
    await opened(server, 1)
    await screen_connected(screen, server)
    server.scripted["/stream"].extend([Answer(503, {"error": "replaying"}), Answer(502, b""), HANG_UP])
    server.cut_streams()
    server.commit(entry(1, BASE, "missed"))
    await screen.shows("missed")
    assert len(screen.notices) == 2
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1013])
async def test_whatever_code_closes_the_stream_it_is_opened_again(
    server: FakeServer, nursery: trio.Nursery, code: int
) -> None:
    async def speak(fake: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        if fake.opened_streams == 1:
            await send_frame(connection, {"type": "connected"})
            await connection.aclose(code)
        else:
            await live_stream(fake, connection, request)

    server.stream_handler = speak
    server.commit(entry(1, BASE))
    screen = Screen(server, EntriesSince(BASE))
    nursery.start_soon(screen.tail.run)
    await screen.shows("message 1")
    assert str(code) in screen.notices[0]
    nursery.cancel_scope.cancel()


async def test_a_frame_too_big_to_take_comes_again_entry_by_entry(
    server: FakeServer, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "TAIL_FRAME_BYTES", 3_000)

    async def speak(fake: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        await send_frame(connection, {"type": "connected"})
        if request.parameters["batch"] == "1":
            await send_frame(connection, {"type": "logs", "data": fake.entries})
        else:
            for one in fake.entries:
                await send_frame(connection, {"type": "log", "data": one})
        await connection.get_message()

    server.stream_handler = speak
    server.commit(entry(1, BASE, "a" * 2_000), entry(2, BASE, "b" * 2_000))
    screen = Screen(server, EntriesSince(BASE))
    nursery.start_soon(screen.tail.run)
    await screen.shows("a" * 2_000, "b" * 2_000)
    nursery.cancel_scope.cancel()


async def test_a_key_that_was_revoked_ends_the_tail(server: FakeServer) -> None:
    screen = Screen(server, NewestEntries(0))
    caught: list[LogPulseError] = []

    async def run() -> None:
        try:
            await screen.tail.run()
        except ServerRefusedError as error:
            caught.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await opened(server, 1)
        await screen_connected(screen, server)
        server.scripted["/stream"].append(Answer(401, {"error": "a valid API key is required"}))
        server.cut_streams()
    assert "401" in str(caught[0])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, {"error": "unexpected"}), BadQueryError),
        (Answer(401, {"error": "key"}), ServerRefusedError),
        (Answer(503, {"error": "replaying"}), ServerRefusedError),
    ],
)
async def test_what_fails_at_once_is_not_tried_again(
    server: FakeServer, answer: Answer, kind: type[LogPulseError]
) -> None:
    server.scripted["/stream"].append(answer)
    with pytest.raises(kind):
        await Screen(server, NewestEntries(0)).tail.run()
    assert len(server.requests) == 1


async def test_a_server_that_closes_before_it_confirms_is_not_tried_again(server: FakeServer) -> None:
    async def speak(_: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        await connection.aclose(1013, "100 subscribers are connected")

    server.stream_handler = speak
    with pytest.raises(ServerUnreachableError, match="100 subscribers"):
        await Screen(server, NewestEntries(0)).tail.run()


async def test_nobody_listens_at_first() -> None:
    server = FakeServer()
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    server.address = ServerAddress(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
    await listener.aclose()
    with pytest.raises(ServerUnreachableError, match="connection refused"):
        await Screen(server, NewestEntries(0)).tail.run()


def speaking(*frames: object) -> StreamHandler:
    """Make a stream of the frames given, and silence."""

    async def speak(fake: FakeServer, connection: WebSocketConnection, request: Request) -> None:
        for frame in frames:
            await send_frame(connection, frame)
        await connection.get_message()

    return speak


async def test_frames_of_every_kind(server: FakeServer, nursery: trio.Nursery) -> None:
    server.stream_handler = speaking(
        {"type": "connected", "message": "Connected", "filter": {}, "id": 0},
        {"type": "heartbeat", "time": "2026-01-15T10:30:00Z"},
        {"type": "log", "data": entry(1, BASE, "single")},
        {"type": "invented later", "data": "no entry"},
        {"type": "logs", "data": [entry(1, BASE, "single"), entry(2, BASE, "in a batch")]},
        {"type": "dropped", "count": 1200, "from": "2026-01-15T10:30:00Z", "to": "2026-01-15T10:30:05Z"},
        {"type": "dropped", "count": 1, "atLeast": True, "from": "2025-01-15T10:30:00Z", "to": "2025-01-16T10:30:00Z"},
        {"type": "error", "message": "the disk is full"},
        {"type": "log", "data": entry(3, BASE, "last")},
    )
    screen = Screen(server, NewestEntries(0))
    nursery.start_soon(screen.tail.run)
    await screen.shows("single", "in a batch", "last")
    dropped, left_out, error = screen.notices
    assert "between 2025-01-15T10:30:00Z and 2025-01-16T10:30:00Z are not shown" in left_out
    assert "1,200 entries dropped" in dropped
    assert "between 2026-01-15T10:30:00Z and 2026-01-15T10:30:05Z" in dropped
    assert error == "the server reports: the disk is full"
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("frames", "kind", "words"),
    [
        ([{"type": "error", "message": "unexpected"}], BadQueryError, "unexpected"),
        (
            [{"type": "connected"}, {"type": "error", "message": "unexpected", "position": {"offset": 1}}],
            BadQueryError,
            "unexpected",
        ),
        ([{"type": "connected"}, {"type": "log", "data": {"message": "x"}}], UnexpectedAnswerError, "cannot be read"),
        ([{"type": "connected"}, {"type": "logs", "data": {}}], UnexpectedAnswerError, "cannot be read"),
        ([{"kind": "x"}], UnexpectedAnswerError, "cannot be read"),
        (["x"], UnexpectedAnswerError, "cannot be read"),
    ],
)
async def test_frames_that_end_it(
    server: FakeServer, frames: list[object], kind: type[LogPulseError], words: str
) -> None:
    server.stream_handler = speaking(*frames)
    with pytest.raises(kind, match=words):
        await Screen(server, NewestEntries(0)).tail.run()


async def test_a_reader_that_left_ends_it(server: FakeServer) -> None:
    def show(entries: Sequence[msgspec.Raw]) -> None:
        raise BrokenPipeError

    server.commit(entry(1, BASE))
    tail = Tail(server.address, TailRequest(QUERY, NewestEntries(1)), show, lambda text: None)
    with pytest.RaisesGroup(BrokenPipeError):
        await tail.run()
