"""Fixtures of the tests over real sockets."""

from __future__ import annotations

import pytest
from trio.testing import MockClock


@pytest.fixture
def running_clock() -> MockClock:
    """Give a clock that goes with real time and can jump: a long timeout that expires when a test says so."""
    return MockClock(rate=1)
