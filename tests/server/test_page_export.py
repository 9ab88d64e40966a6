"""GET and POST /export: everything that a query finds, as a file."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlencode

import httpx
import pytest
import trio

from logpulse.errors import StorageError
from logpulse.http import export as export_module
from logpulse.limits import EXPORTS

from .serving import ALL, MIDNIGHT, PATIENCE, RunningServer, S, find, push, stream_of, until

_PUSHES: Final = 12  # of 50 lines
_PAGES: Final = 30  # of 20 lines
NASTY = ["plain", "=1+1", "+x", "-x", "@x", "\tx", "\rx", 'a "b", c\r\nd', "", "é\n", "'quoted", "\x00nul"]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pages of three entries."""
    monkeypatch.setattr(export_module, "EXPORT_PAGE_ENTRIES", 3)


async def exported(client: httpx.AsyncClient, **parameters: str | int) -> httpx.Response:
    """Export with GET and with POST, which must answer alike."""
    got = await client.get("/export", params=parameters)
    posted = await client.post("/export", data=parameters)
    assert (got.status_code, posted.content) == (200, got.content), got.text
    return got


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("query", [ALL, '{} |= "1"', "{} | logfmt | n > 5"])
async def test_an_export_is_all_pages(client: httpx.AsyncClient, direction: str, query: str) -> None:
    await push(client, stream_of([f"n={n}" for n in range(20)]), stream_of(["x", "1"], {"service": "web"}))
    answer = await exported(client, query=query, direction=direction)
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert entries == await find(client, query, direction=direction, limit=1000)
    assert len(entries) > 3


async def test_the_headers_of_a_download(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["x"]))
    for form, extension, kind in [
        ("ndjson", "ndjson", "application/x-ndjson; charset=utf-8"),
        ("csv", "csv", "text/csv; charset=utf-8; header=present"),
        ("text", "txt", "text/plain; charset=utf-8"),
    ]:
        answer = await exported(client, query=ALL, format=form)
        assert answer.headers["content-type"] == kind
        name = answer.headers["content-disposition"].removeprefix("attachment; filename=logpulse-")
        assert name.endswith(f"Z.{extension}")
        head = await client.head("/export", params={"query": ALL, "format": form})
        assert (head.status_code, head.headers["content-type"], head.content) == (200, kind, b"")


@pytest.mark.usefixtures("small_pages")
async def test_csv_comes_back_and_holds_no_formula(client: httpx.AsyncClient) -> None:
    stream = stream_of(NASTY, {"service": "=cmd", "level": "+evil"})
    await push(client, stream)
    answer = await exported(client, query=ALL, format="csv", direction="forward")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    shown = await find(client, ALL, direction="forward", limit=100)
    assert len(rows) == len(NASTY)
    for row, entry in zip(rows, shown, strict=True):
        assert (row["timestamp"], row["level"]) == (entry["timestamp"], "'+evil")
        assert json.loads(row["labels"]) == entry["labels"]
        assert json.loads(row["metadata"]) == entry["metadata"]
        assert row["message"].removeprefix("'") == str(entry["message"]).removeprefix("'")
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


async def test_text_is_the_messages(client: httpx.AsyncClient) -> None:
    await push(client, stream_of(["a", "b\nc", ""]))
    answer = await exported(client, query=ALL, format="text", direction="forward")
    assert answer.text == "a\nb\nc\n\n"
    made = await exported(client, query='{} | line_format "<{{__line__}}>"', format="text", direction="forward")
    assert made.text == "<a>\n<b\nc>\n<>\n"


async def test_an_export_of_nothing_is_an_empty_file(client: httpx.AsyncClient) -> None:
    assert (await exported(client, query=ALL)).text == ""
    assert (await exported(client, query=ALL, format="csv")).text == "timestamp,level,message,labels,metadata\r\n"


async def test_start_and_end(client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"{n}" for n in range(10)]))
    answer = await exported(client, query=ALL, start=MIDNIGHT + 3 * S, end=MIDNIGHT + 5 * S, format="text")
    assert answer.text == "4\n3\n"


@pytest.mark.usefixtures("small_pages")
async def test_what_arrives_later_is_no_part_of_it(client: httpx.AsyncClient) -> None:
    await push(client, stream_of([f"{n}" for n in range(10)]))
    async with client.stream("GET", "/export", params={"query": ALL, "format": "text", "direction": "forward"}) as all_:
        await push(client, stream_of(["late"], first=MIDNIGHT + 100 * S))
        assert (await all_.aread()).decode().split() == [f"{n}" for n in range(10)]


@pytest.mark.parametrize(
    ("parameters", "field", "reason"),
    [
        ({}, "query", "must be a log query such as {service=\"api\"}; `{}` exports everything, got ''"),
        ({"query": "{}", "format": "xml"}, "format", "must be one of ndjson, csv, text, got 'xml'"),
        ({"query": "{}", "direction": "up"}, "direction", "must be backward or forward, got 'up'"),
        ({"query": "{} | dedup"}, "query", "must not end in `| dedup`; leave that out, got '{} | dedup'"),
        (
            {"query": "{} | context before=1"},
            "query",
            "must not end in `| context before=1`; leave that out, got '{} | context before=1'",
        ),
    ],
)
async def test_refusals(client: httpx.AsyncClient, parameters: dict[str, str], field: str, reason: str) -> None:
    answer = await client.get("/export", params=parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": f"{field}: {reason}", "field": field})


@asynccontextmanager
async def downloading(running: RunningServer, **parameters: str) -> AsyncIterator[trio.SocketStream]:
    """Ask for an export on a socket of its own, and take its head and some of its body."""
    target = f"/export?{urlencode({'query': ALL, **parameters})}"
    async with await trio.open_tcp_stream("127.0.0.1", running.port) as stream:
        await stream.send_all(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with trio.fail_after(PATIENCE):
            got = b""
            while b"\r\n\r\n" not in got or got.endswith(b"\r\n\r\n"):
                piece = await stream.receive_some()
                assert piece, got
                got += piece
            assert got.startswith(b"HTTP/1.1 200"), got
        yield stream


async def rest_of(stream: trio.SocketStream) -> bytes:
    """Read to the end of the connection."""
    got = b""
    with trio.fail_after(PATIENCE):
        async for piece in stream:
            got += piece
    return got


@pytest.mark.usefixtures("small_pages")
async def test_a_failure_midway_leaves_no_proper_end(
    client: httpx.AsyncClient, running: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await push(client, stream_of([f"<{n}>" for n in range(10)]))
    read, may_fail, pages = running.services.engine.logs, threading.Event(), 0

    def fail_at_third(*arguments: object) -> object:
        nonlocal pages
        pages += 1
        if pages == 3:
            may_fail.wait(PATIENCE)
            raise StorageError(running.services.store.folder.root, "gone")
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(running.services.engine, "logs", fail_at_third)
    async with downloading(running, format="text") as stream:
        may_fail.set()
        rest = await rest_of(stream)
    assert pages == 3
    assert not rest.endswith(b"0\r\n\r\n")
    assert "an export was cut off" in caplog.text


async def test_a_failure_at_once_has_a_status(
    client: httpx.AsyncClient, running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise StorageError(running.services.store.folder.root, "gone")

    monkeypatch.setattr(running.services.engine, "logs", fail)
    assert (await client.get("/export", params={"query": ALL})).status_code == 500


@pytest.fixture
async def large(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    """Give a client of a server with 60 MB of text, more than sockets hold."""
    monkeypatch.setattr(export_module, "EXPORT_PAGE_ENTRIES", 20)
    for number in range(_PUSHES):
        await push(client, stream_of([f"{n}" + "x" * 100_000 for n in range(50)], first=MIDNIGHT + number * 100 * S))
    return client


async def test_a_client_that_leaves_ends_its_export(
    large: httpx.AsyncClient, running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = 0, running.services.engine.logs

    def counting(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(running.services.engine, "logs", counting)
    for _ in range(EXPORTS + 1):  # more than there may be at once
        async with downloading(running):
            pass
        await until(lambda: running.services.queries.running == 0)
    assert asked < _PAGES * (EXPORTS + 1)
    assert len(await find(large, ALL, limit=5)) == 5


async def test_exports_that_wait_for_their_clients_hold_no_turn(
    large: httpx.AsyncClient, running: RunningServer
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(EXPORTS):
            await stack.enter_async_context(downloading(running))
        await until(lambda: running.services.queries.running == 0)
        refused = await large.get("/export", params={"query": ALL})
        assert (refused.status_code, refused.json()["limit"]) == (429, "concurrent exports")
        assert int(refused.headers["retry-after"]) > 0
        assert len(await find(large, ALL, limit=5)) == 5


async def test_an_export_ends_with_the_server(large: httpx.AsyncClient, running: RunningServer) -> None:
    async with downloading(running) as stream:
        running.services.lifecycle.stop()
        rest = await rest_of(stream)
    assert not rest.endswith(b"0\r\n\r\n")
    assert len(rest) < _PAGES * 2_000_000
    assert large is not None
