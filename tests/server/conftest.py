"""Fixtures of the server's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio
from trio.testing import MockClock

from logpulse import server
from logpulse.http import unread_body
from logpulse.http.guard import guarded_hypercorn
from logpulse.services import subscriber

from .serving import RunningServer, Servers


@pytest.fixture(autouse=True)
def slow_clients_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients and filters that a busy machine holds up more time before the server takes them for stalled."""
    monkeypatch.setattr(server, "guarded_hypercorn", partial(guarded_hypercorn, send_seconds=60))
    monkeypatch.setattr(unread_body, "UNREAD_BODY_SECONDS", 10)  # which a server ended by force waits for
    monkeypatch.setattr(subscriber, "TAIL_FILTER_SECONDS", 60)


@pytest.fixture
def running_clock() -> MockClock:
    """Give a clock that goes with real time and can jump: a long timeout that expires when a test says so."""
    return MockClock(rate=1)


@pytest.fixture
def slow_clock() -> MockClock:
    """Give a clock on which a busy machine is a fast one."""
    return MockClock(rate=0.02)


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Servers]:
    """Start servers by calling this; they end in order with the test."""
    async with trio.open_nursery() as nursery:
        servers = Servers(tmp_path / "data", nursery)
        yield servers
        await servers.stop()


@pytest.fixture
async def running(serve: Servers) -> RunningServer:
    """Give a server with its default settings."""
    return await serve()


@pytest.fixture
async def client(running: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of that server."""
    async with running.client() as client:
        yield client
