"""Fixtures of the tests with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server_process import Servers


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Give a starter of server processes, which end with the test."""
    servers = Servers(tmp_path)
    yield servers
    servers.end()
