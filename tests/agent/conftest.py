"""Fixtures of the agent's tests: a fake server, and an agent that follows a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from .fake_server import FakeServer
from .running import Workplace


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    """Give a server that listens."""
    server = FakeServer()
    await server.start(nursery)
    return server


@pytest.fixture
def place(tmp_path: Path, server: FakeServer) -> Workplace:
    """Give a folder of logs and the settings of an agent that delivers them to the server."""
    return Workplace(tmp_path, server)
