"""Fixtures of the server's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trio

from .serving import RunningServer, Servers


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
