"""Fixtures of the client's tests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .fake_server import RunningServer, running_server


@pytest.fixture
def running() -> Iterator[RunningServer]:
    """Give a fake server in a thread of its own."""
    with running_server() as running:
        yield running


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this process an hour east of UTC, without any time zone database."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
