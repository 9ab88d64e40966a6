"""A server for `/ingest` alone: it keeps what it takes, drops what it knows, and answers as it is told."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Final

import attrs
import h11
import trio

LabelPairs = tuple[tuple[str, str], ...]


@attrs.frozen
class Stored:
    """Hold an entry as it came."""

    labels: LabelPairs
    ts: int
    line: str
    metadata: LabelPairs = ()

    @property
    def filename(self) -> str:
        return dict(self.labels)["filename"]


@attrs.frozen
class Reply:
    """Hold an answer to give. `is_stored` says whether the push is stored all the same; status 0 hangs up."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    is_stored: bool = False


_PATIENCE_SECONDS: Final = 60  # however busy the machine

HANG_UP = Reply(status=0)
STORED_THEN_HANG_UP = Reply(status=0, is_stored=True)
Judge = Callable[[list[Stored]], Reply | None]
Refuse = Callable[[Stored], str]


class FakeServer:
    """Keep entries in the order of their coming; `scripted` replies are given first, `always` for all others.

    `refuse` gives a reason for entries that are refused one by one, and "" for the others; `judge` may give a reply for
    all entries of a push together.
    """

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.scripted: deque[Reply] = deque()
        self.always: Reply | None = None
        self.refuse: Refuse = lambda _entry: ""
        self.refusals_shown = 100
        self.judge: Judge = lambda _entries: None
        self.port = 0
        self._known: set[Stored] = set()
        self._changed = trio.Event()
        self._scope: trio.CancelScope | None = None
        self._nursery: trio.Nursery

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        return [entry.line for entry in self.stored]

    def lines_of(self, filename: object) -> list[str]:
        """Give the lines of one file in the order of their times, which is the order in which they are shown."""
        found = [entry for entry in self.stored if entry.filename == str(filename)]
        return [entry.line for entry in sorted(found, key=lambda entry: entry.ts)]

    def by_file(self) -> dict[str, Counter[str]]:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.stored:
            counts[entry.filename][entry.line] += 1
        return dict(counts)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this server holds; it is looked at after each push."""
        with trio.fail_after(_PATIENCE_SECONDS):
            while not condition():
                await self._changed.wait()

    async def wait_for_lines(self, *lines: str) -> None:
        """Wait until all these lines are stored."""
        await self.wait_for(lambda: set(lines) <= set(self.lines))

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until `stop`; a second run listens on the same port."""
        with trio.CancelScope() as self._scope:
            listeners = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
            self.port = listeners[0].socket.getsockname()[1]
            task_status.started()
            await trio.serve_listeners(self._serve, listeners)

    async def start(self, nursery: trio.Nursery) -> None:
        """Listen, for the first time or again."""
        self._nursery = nursery
        await nursery.start(self.run)

    async def start_again(self) -> None:
        """Listen again after `stop`."""
        await self._nursery.start(self.run)

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._scope is not None:
            self._scope.cancel()

    async def _serve(self, stream: trio.SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while await self._serve_request(stream, connection):
                connection.start_next_cycle()
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_request(self, stream: trio.SocketStream, connection: h11.Connection) -> bool:
        body = b""
        while True:
            match connection.next_event():
                case h11.NEED_DATA:
                    connection.receive_data(await stream.receive_some(65_536))
                case h11.Request(headers=headers):
                    self.headers.append({name.decode(): value.decode() for name, value in headers})
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    break
                case _:
                    return False
        reply = self._reply(body)
        self._changed.set()
        self._changed = trio.Event()
        if reply.status == 0:
            return False
        head = [("content-length", str(len(reply.body))), *reply.headers]
        events = [h11.Response(status_code=reply.status, headers=head), h11.Data(data=reply.body), h11.EndOfMessage()]
        await stream.send_all(b"".join(connection.send(event) or b"" for event in events))
        return connection.our_state is h11.DONE

    def _reply(self, body: bytes) -> Reply:
        self.bodies.append(body)
        reply = self.scripted.popleft() if self.scripted else self.always or self.judge(list(_entries(body).values()))
        if reply is None or reply.is_stored:
            answer = self.store(body)
            return answer if reply is None else reply
        return reply

    def store(self, body: bytes) -> Reply:
        """Keep the entries of a push that are not known yet."""
        entries = _entries(body)
        reasons = {place: reason for place, entry in entries.items() if (reason := self.refuse(entry))}
        for place, entry in entries.items():
            if place not in reasons and entry not in self._known:
                self._known.add(entry)
                self.stored.append(entry)
        accepted = len(entries) - len(reasons)
        if not reasons:
            return Reply(200, json.dumps({"accepted": accepted}).encode())
        rejected = [{"stream": stream, "entry": entry, "reason": why} for (stream, entry), why in reasons.items()]
        problem = {
            "error": "refused",
            "accepted": accepted,
            "rejected": rejected[: self.refusals_shown],
            "rejectedCount": len(rejected),
        }
        return Reply(400, json.dumps(problem).encode())


def _entries(body: bytes) -> dict[tuple[int, int], Stored]:
    """Read a push; the places are those of the stream and of the entry in it."""
    return {
        (number, place): Stored(
            tuple(sorted(stream["labels"].items())),
            int(entry["ts"]),
            entry["line"],
            tuple(sorted(entry.get("metadata", {}).items())),
        )
        for number, stream in enumerate(json.loads(body)["streams"])
        for place, entry in enumerate(stream["entries"])
    }
