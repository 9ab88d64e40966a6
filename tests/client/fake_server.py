"""A server that speaks LogPulse's API over real sockets, as far as the client commands use it, and does as it is told.

It keeps entries in a list and does not read queries: all match. An answer put into `scripted` for a path is given once
instead of the real one.
"""

from __future__ import annotations

import json
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import h11
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from logpulse.client.address import ServerAddress
from logpulse.units import format_time, parse_rfc3339, parse_time

_Result = TypeVar("_Result")
Entry = dict[str, object]
BASE = 1_768_473_000 * 10**9  # 2026-01-15T10:30:00Z
PATIENCE = 60.0
"""Seconds after which a test gives up on a command or a server, however busy the machine."""


@attrs.frozen
class Request:
    """Hold one HTTP request as it came."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Answer:
    """Hold one HTTP answer to give; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    cut_after: int | None = None
    """Bytes of the body that are sent before the connection is closed, where that is not all of them."""

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def lines(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), value.encode()) for name, value in self.headers]


HANG_UP = Answer(status=0)
"""Close the connection without an answer."""


def entry(number: int, time: int, message: str = "", **labels: str) -> Entry:
    """Make an entry as the API shows it; ids sort as their numbers do."""
    return {
        "id": f"{number:08d}",
        "timestamp": format_time(time),
        "level": labels.get("level", ""),
        "message": message or f"message {number}",
        "labels": labels or {"service": "api"},
        "metadata": {},
    }


def _order(one: Entry) -> tuple[int, str]:
    return parse_rfc3339(str(one["timestamp"])), str(one["id"])


StreamHandler = Callable[["FakeServer", WebSocketConnection, Request], Awaitable[None]]


class FakeServer:
    """Hold what a server knows, what it was asked, and the connections it could cut."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.requests: list[Request] = []
        self.scripted: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self.stream_handler: StreamHandler = live_stream
        self.opened_streams = 0
        self.now = BASE
        self.address = ServerAddress("")
        self._streams: set[trio.CancelScope] = set()
        self._listening = trio.CancelScope()
        self._changed = trio.Event()

    async def run(self, task_status: trio.TaskStatus[ServerAddress] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve on a port of the system's choice until cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        self.address = ServerAddress(f"http://127.0.0.1:{port}")
        task_status.started(self.address)
        async with trio.open_nursery() as connections:
            with self._listening:
                await trio.serve_listeners(self._serve, listeners, handler_nursery=connections)

    def commit(self, *entries: Entry) -> None:
        """Store entries and wake the streams."""
        self.entries += entries
        self._wake()

    def cut_streams(self) -> None:
        """Break all WebSockets without a closing handshake, as a killed server does."""
        for scope in self._streams:
            scope.cancel()

    def stop_listening(self) -> None:
        """Refuse new connections; those that stand stay."""
        self._listening.cancel()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this server holds; it is looked at after each request, stream and commit."""
        with trio.fail_after(PATIENCE):
            while not condition():
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def changed(self) -> None:
        """Wait for the next commit, request or stream."""
        await self._changed.wait()

    async def _serve(self, stream: trio.SocketStream) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                data = await stream.receive_some()
                if not data:
                    return
                head += data
            if b"upgrade: websocket" in head.lower():
                await self._serve_websocket(stream, head)
            else:
                await self._serve_http(stream, head)
        except* (trio.BrokenResourceError, ConnectionClosed, h11.RemoteProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_http(self, stream: trio.SocketStream, head: bytes) -> None:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(head)
        while True:
            request = await _next_request(connection, stream)
            if request is None:
                return
            self.requests.append(request)
            scripted = self.scripted[request.path]
            answer = scripted.popleft() if scripted else self._answer(request)
            self._wake()
            if answer is HANG_UP:
                return
            content = answer.content()
            headers = [*answer.lines(), (b"content-length", b"%d" % len(content))]
            data = connection.send(h11.Response(status_code=answer.status, headers=headers, reason=b"Reason"))
            for event in (h11.Data(data=content), h11.EndOfMessage()):
                data = (data or b"") + (connection.send(event) or b"")
            if answer.cut_after is not None:
                await stream.send_all((data or b"")[: answer.cut_after - len(content)])
                return
            await stream.send_all(data or b"")
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()

    def _answer(self, request: Request) -> Answer:
        match request.path.split("/")[1:]:
            case ["query"]:
                return Answer(body=self._page(request.parameters))
            case ["labels"]:
                return Answer(body=sorted({name for one in self.entries for name in _labels(one)}))
            case ["labels", name, "values"]:
                values = {_labels(one)[unquote(name)] for one in self.entries if unquote(name) in _labels(one)}
                return Answer(body=sorted(values))
            case ["ingest"]:
                pushed = json.loads(request.body)["streams"]
                return Answer(body={"accepted": sum(len(stream["entries"]) for stream in pushed)})
            case _:
                return Answer(404, {"error": f"there is no {request.path}"})

    def _page(self, parameters: dict[str, str]) -> dict[str, object]:
        start = parse_time(parameters.get("start", "0"), field="start")
        end = parse_time(parameters["end"], field="end") if "end" in parameters else 2**63
        found = sorted((one for one in self.entries if start <= _order(one)[0] < end), key=_order)
        if parameters["direction"] == "backward":
            found.reverse()
        if "cursor" in parameters:
            last = next(place for place, one in enumerate(found) if one["id"] == parameters["cursor"])
            found = found[last + 1 :]
        limit = int(parameters["limit"])
        shown = found[:limit]
        return {
            "logs": shown,
            "stats": {"queriedChunks": 1, "scannedLines": len(found), "scannedBytes": 2048, "executionTime": 2},
            "next": shown[-1]["id"] if len(found) > limit else None,
        }

    async def _serve_websocket(self, stream: trio.SocketStream, head: bytes) -> None:
        async with trio.open_nursery() as nursery:
            proposal = await wrap_server_stream(nursery, ReplayedStream(stream, head))
            target = urlsplit(proposal.path)
            lines = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
            headers = {name.lower(): value for name, _, value in lines}
            request = Request("GET", target.path, dict(parse_qsl(target.query)), headers, b"")
            self.requests.append(request)
            self._wake()
            if self.scripted["/stream"]:
                answer = self.scripted["/stream"].popleft()
                if answer is not HANG_UP:
                    await proposal.reject(answer.status, extra_headers=answer.lines(), body=answer.content())
            else:
                date = formatdate(self.now // 10**9, usegmt=True).encode()
                connection = await proposal.accept(extra_headers=[(b"date", date)])
                with trio.CancelScope() as scope:
                    self._streams.add(scope)
                    self.opened_streams += 1
                    self._wake()
                    await self.stream_handler(self, connection, request)
                self._streams.discard(scope)
            await trio.aclose_forcefully(stream)
            nursery.cancel_scope.cancel()


async def live_stream(server: FakeServer, connection: WebSocketConnection, request: Request) -> None:
    """Speak `/stream` as the contract says: confirmation, history oldest first, then what is committed."""
    committed = len(server.entries)
    await send_frame(connection, {"type": "connected", "message": "Connected", "filter": {}, "id": 0})
    history = sorted(server.entries, key=_order)
    if "start" in request.parameters:
        start = parse_time(request.parameters["start"], field="start")
        history = [one for one in history if _order(one)[0] >= start]
    else:
        tail = int(request.parameters.get("tail", "0"))
        history = history[-tail:] if tail else []
    if history:
        await send_frame(connection, {"type": "logs", "data": history})
    while True:
        if len(server.entries) > committed:
            fresh, committed = server.entries[committed:], len(server.entries)
            await send_frame(connection, {"type": "logs", "data": fresh})
        else:
            await server.changed()


async def send_frame(connection: WebSocketConnection, frame: object) -> None:
    """Send one JSON frame."""
    await connection.send_message(json.dumps(frame))


def _labels(one: Entry) -> dict[str, str]:
    labels = one["labels"]
    assert isinstance(labels, dict)
    return labels


async def _next_request(connection: h11.Connection, stream: trio.SocketStream) -> Request | None:
    head: h11.Request | None = None
    body = b""
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            case h11.Request() as head:
                pass
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                break
            case _:
                return None
    assert head is not None
    target = urlsplit(head.target.decode())
    headers = {name.decode(): value.decode() for name, value in head.headers}
    form = body.decode() if headers.get("content-type") == "application/x-www-form-urlencoded" else ""
    return Request(head.method.decode(), target.path, dict(parse_qsl(form or target.query)), headers, body)


class ReplayedStream(trio.abc.Stream):
    """Give bytes already read once more, then the rest of a stream."""

    def __init__(self, stream: trio.SocketStream, read: bytes) -> None:
        self._stream = stream
        self._read = read

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._read:
            data, self._read = self._read, b""
            return data
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@attrs.frozen
class RunningServer:
    """Hold a fake server that runs in a thread of its own, for clients that are not asynchronous."""

    server: FakeServer
    address: ServerAddress
    _token: trio.lowlevel.TrioToken

    @property
    def url(self) -> str:
        return self.address.url

    def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Call something in the server's thread."""
        return trio.from_thread.run_sync(function, *arguments, trio_token=self._token)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the server holds."""
        trio.from_thread.run(self.server.wait_for, condition, trio_token=self._token)


@contextmanager
def running_server() -> Iterator[RunningServer]:
    """Run a fake server while the block lasts."""
    started: queue.SimpleQueue[RunningServer] = queue.SimpleQueue()

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            server = FakeServer()
            address: ServerAddress = await nursery.start(server.run)
            started.put(RunningServer(server, address, trio.lowlevel.current_trio_token()))
            await stopping.wait()
            nursery.cancel_scope.cancel()

    stopping = trio.Event()
    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    running = started.get(timeout=PATIENCE)
    try:
        yield running
    finally:
        running.call(stopping.set)
        thread.join()
