"""A LogPulse server in this process, on a real socket, and what tests say to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import httpx
import msgspec
import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

from logpulse import server
from logpulse.config import Config, load_config
from logpulse.http.context import Services
from logpulse.http.listener import open_listener

PATIENCE = 30.0
"""Seconds after which a test gives up on something that should have happened at once, however busy the machine."""

S = 1_000_000_000
MIDNIGHT = 1_768_435_200 * S  # 2026-01-15T00:00:00Z

JSON = {"Content-Type": "application/json"}
ALL = '{service=~".+"}'

Json = dict[str, object]


@attrs.define(eq=False)
class RunningServer:
    """A server under test; `settings` are read again on SIGHUP. `ended` tells that it is over."""

    settings: dict[str, str]
    services: Services
    port: int
    ended: trio.Event = attrs.field(factory=trio.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """Make an HTTP client of it."""
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE, trust_env=False, verify=False)

    @asynccontextmanager
    async def tail(
        self, parameters: str = "", headers: Sequence[tuple[str, str]] = (), *, held_messages: int = 100_000
    ) -> AsyncIterator[Tail]:
        """Follow it, with the given URL parameters. A tail that holds 0 messages reads only what it is asked for."""
        with trio.fail_after(6 * PATIENCE):
            # A refused handshake leaves the socket open in trio-websocket, so it is ours.
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream, trio.open_nursery() as nursery:
                connection = await wrap_client_stream(
                    nursery,
                    stream,
                    f"127.0.0.1:{self.port}",
                    f"/stream{parameters}",
                    extra_headers=[(name.encode(), value.encode()) for name, value in headers],
                    message_queue_size=held_messages,
                    max_message_size=2**26,
                )
                yield Tail(connection)
                with trio.move_on_after(2):
                    await connection.aclose()
                nursery.cancel_scope.cancel()

    async def stop(self) -> None:
        """Stop it and wait for its end."""
        with trio.fail_after(PATIENCE):
            self.services.lifecycle.stop()
            await self.ended.wait()


@attrs.define(eq=False)
class Tail:
    """One live tail."""

    connection: WebSocketConnection

    async def next(self) -> Json:
        """Read one frame, whatever it is."""
        with trio.fail_after(PATIENCE):
            frame: Json = msgspec.json.decode(await self.connection.get_message())
        return frame

    async def next_of(self, kind: str) -> Json:
        """Read one frame, which must be of this kind."""
        frame = await self.next()
        assert frame["type"] == kind, frame
        return frame

    async def connected(self) -> Json:
        """Read the first frame."""
        return await self.next_of("connected")

    async def message(self) -> str:
        """Read one `log` frame and give its message."""
        return str(data_of(await self.next_of("log"))["message"])

    async def messages(self, count: int) -> list[str]:
        """Read so many `log` frames and give their messages."""
        return [await self.message() for _ in range(count)]

    async def send(self, frame: object) -> None:
        """Send one frame as JSON."""
        await self.connection.send_message(msgspec.json.encode(frame).decode())

    async def close_code(self) -> int:
        """Read until the server closes, and give its code."""
        with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012 - frames may come before the end
            while True:
                await self.next()
        assert closed.value.reason is not None
        return int(closed.value.reason.code)


def data_of(frame: Json) -> Json:
    """Give the entry in a `log` frame."""
    return msgspec.convert(frame["data"], Json)


@attrs.define(eq=False)
class Servers:
    """Start servers over one data folder, one at a time, as tasks of one nursery."""

    folder: Path
    nursery: trio.Nursery
    started: list[RunningServer] = attrs.field(factory=list)

    async def __call__(self, **settings: str) -> RunningServer:
        """Start `logpulse.server.run`. Settings are dotted paths with two underscores for the dot.

        It flushes when told to, not because a busy machine took a minute. An error of the server cancels the nursery,
        and with it the test.
        """
        given = {name.replace("__", "."): value for name, value in settings.items()}
        effective = {"storage.path": str(self.folder), "server.port": "0", "ingest.flush_interval": "1h", **given}

        def load() -> Config:
            return load_config(None, {}, effective)

        config, ended = load(), trio.Event()
        listener = open_listener("127.0.0.1", 0)
        port = listener.getsockname()[1]

        async def run(task_status: trio.TaskStatus[Services]) -> None:
            with listener:
                try:
                    await server.run(config, load, listener, task_status=task_status)
                finally:
                    ended.set()

        running = RunningServer(effective, await self.nursery.start(run), port, ended)
        self.started.append(running)
        return running

    async def stop(self) -> None:
        """Stop all that still run."""
        for running in self.started:
            await running.stop()


def stream_of(lines: Sequence[str], labels: Mapping[str, str] | None = None, first: int = MIDNIGHT) -> Json:
    """Make the stream of a push: lines a second apart from `first` (unix nanoseconds)."""
    entries = [{"ts": str(first + number * S), "line": line} for number, line in enumerate(lines)]
    return {"labels": dict(labels or {"service": "api"}), "entries": entries}


async def push(client: httpx.AsyncClient, *streams: Json) -> None:
    """Push streams; they must be accepted whole."""
    count = sum(len(msgspec.convert(stream["entries"], list[object])) for stream in streams)
    answer = await client.post("/ingest", json={"streams": streams})
    assert (answer.status_code, answer.json()) == (200, {"accepted": count})


async def push_at(client: httpx.AsyncClient, time_s: int, message: str, **labels: str) -> None:
    """Push one line, so many seconds after midnight."""
    await push(client, stream_of([message], labels or {"service": "api"}, MIDNIGHT + time_s * S))


async def find(client: httpx.AsyncClient, query: str = ALL, **parameters: str | int) -> list[Json]:
    """Query and give the entries."""
    answer = await client.get("/query", params={"query": query, **parameters})
    assert answer.status_code == 200, answer.text
    return msgspec.convert(answer.json()["logs"], list[Json])


async def messages(client: httpx.AsyncClient, query: str = ALL, **parameters: str | int) -> list[str]:
    """Query and give the messages."""
    return [str(entry["message"]) for entry in await find(client, query, **parameters)]


def body_of(*streams: Json) -> bytes:
    """Write the body of a push."""
    return msgspec.json.encode({"streams": streams})


async def stored(client: httpx.AsyncClient) -> list[str]:
    """Give every message there is, under whatever label, the newest first."""
    names = (await client.get("/labels")).json()
    found = {str(entry["id"]): entry for name in names for entry in await find(client, f'{{{name}=~".+"}}')}
    newest_first = sorted(found.values(), key=lambda entry: str(entry["timestamp"]), reverse=True)
    return [str(entry["message"]) for entry in newest_first]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells; the deadline is PATIENCE."""
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event
            await trio.sleep(0.002)
