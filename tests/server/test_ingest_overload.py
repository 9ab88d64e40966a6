"""POST /ingest when it cannot be served: too many at once, a store that refuses, a server that stops."""

from __future__ import annotations

import logging
import threading
from contextlib import AsyncExitStack

import httpx
import pytest
import trio

from logpulse.errors import UnavailableError
from logpulse.limits import BODY_BYTES, INTAKE_BYTES
from logpulse.services.lifecycle import Lifecycle
from logpulse.storage.store import Store

from .serving import JSON, PATIENCE, RunningServer, S, Servers, body_of, push, stored, stream_of, until

# -- overload, refusal, stopping --------------------------------------------------------------------------------------


class HeldAppend:
    """An append that waits for its release, in its thread, and tells that it has begun."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._append = store.append
        self.began = trio.Event()
        self.release = threading.Event()
        monkeypatch.setattr(store, "append", self)

    def __call__(self, batches: list[object]) -> object:
        trio.from_thread.run_sync(self.began.set)
        assert self.release.wait(PATIENCE)
        return self._append(batches)  # type: ignore[arg-type]


async def test_more_pushes_at_once_than_allowed(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await serve(ingest__buffer_size="1")
    held = HeldAppend(running.services.store, monkeypatch)
    async with running.client() as client, trio.open_nursery() as nursery:
        nursery.start_soon(push, client, stream_of(["first"]))
        await held.began.wait()
        # Larger than every buffer on the way: the answer must arrive although nobody wants the body.
        large = body_of(stream_of(["x" * 1000 for _ in range(8000)]))
        answer = await client.post("/ingest", content=large, headers=JSON)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "ingest.buffer_size" in answer.json()["error"]
        assert (answer.json()["value"], answer.json()["sent"]) == (1, 2)
        held.release.set()
    async with running.client() as client:
        assert await stored(client) == ["first"]
        await push(client, stream_of(["second"], first=S))


async def test_uploads_that_stall_hold_no_push_up(running: RunningServer, client: httpx.AsyncClient) -> None:
    stalled = b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{"
    async with AsyncExitStack() as uploads:
        for _ in range(INTAKE_BYTES // BODY_BYTES):
            upload = await uploads.enter_async_context(await trio.open_tcp_stream("127.0.0.1", running.port))
            await upload.send_all(stalled % BODY_BYTES)
        await until(lambda: running.services.intake._pushes == INTAKE_BYTES // BODY_BYTES)
        await push(client, stream_of(["x"]))  # which is refused once it has waited for APPEND_WAIT_SECONDS
    await until(lambda: not running.services.intake._pushes)


async def test_the_place_of_a_push_is_free_again_after_each_kind_of_end(serve: Servers) -> None:
    running = await serve(ingest__buffer_size="1")
    async with running.client() as client:
        for body in (b"", b"{", body_of(stream_of(["x"])), b"[]"):
            assert (await client.post("/ingest", content=body, headers=JSON)).status_code != 429
            assert (await client.post("/ingest", content=body)).status_code == 415


async def test_a_store_that_refuses(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise UnavailableError("the disk is full", 7)

    with monkeypatch.context() as patch:
        patch.setattr(running.services.store, "append", refuse)
        answer = await client.post("/ingest", json={"streams": [stream_of(["lost"])]})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert answer.json() == {"error": "the disk is full"}
    assert await stored(client) == []
    await push(client, stream_of(["kept"]))
    assert await stored(client) == ["kept"]


async def test_a_push_at_stopping_is_refused_and_one_in_work_is_answered(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, serve: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    held = HeldAppend(running.services.store, monkeypatch)
    async with running.client() as client, running.client() as late, trio.open_nursery() as nursery:
        nursery.start_soon(push, client, stream_of(["in work"]))
        await held.began.wait()
        # Said of the lifecycle alone first: a stopping server closes idle connections before they can say anything.
        with monkeypatch.context() as patch:
            patch.setattr(Lifecycle, "is_stopping", True)
            answer = await late.post("/ingest", json={"streams": [stream_of(["late" * 1_000_000])]})
            loki = await late.post("/loki/api/v1/push", json={"streams": []})
        assert (answer.status_code, loki.status_code) == (503, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []
        running.services.lifecycle.stop()
        held.release.set()
    await running.stop()
    again = await serve()
    async with again.client() as client:
        assert await stored(client) == ["in work"]


async def test_a_client_that_leaves_while_its_push_is_written_is_served_all_the_same(
    running: RunningServer, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldAppend(running.services.store, monkeypatch)
    stream = stream_of(["once"])
    async with running.client() as leaving, trio.open_nursery() as nursery:
        nursery.start_soon(push, leaving, stream)
        await held.began.wait()
        nursery.cancel_scope.cancel()
    held.release.set()
    await push(client, stream)
    assert await stored(client) == ["once"]
