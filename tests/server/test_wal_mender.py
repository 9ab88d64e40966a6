"""After a failed write the server finds out by itself when the disk takes data again."""

from __future__ import annotations

import errno
import os

import httpx
import pytest

from .serving import MIDNIGHT, S, Servers, find, push, stream_of, until


async def test_readiness_comes_back_without_a_push(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.services.wal_mender.mend_wal.__defaults__", (0.01,))
    running = await serve()

    attempts: list[int] = []

    def fail(file: int) -> None:
        attempts.append(file)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async with running.client() as client:
        await push(client, stream_of(["before"]))
        with monkeypatch.context() as patch:
            patch.setattr("logpulse.storage.wal.os.fdatasync", fail)
            answer = await client.post("/ingest", json={"streams": [stream_of(["refused"], first=MIDNIGHT + S)]})
            assert answer.status_code == 503
            await until(lambda: len(attempts) >= 3)
            assert await ready(client) == 503
        await until(lambda: not running.services.store.wal_failure)
        assert await ready(client) == 200
        await push(client, stream_of(["after"], first=MIDNIGHT + 2 * S))
        assert [entry["message"] for entry in await find(client)] == ["after", "before"]


async def ready(client: httpx.AsyncClient) -> int:
    """Ask whether the server is ready."""
    return (await client.get("/ready")).status_code
