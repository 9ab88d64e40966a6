"""What the tests of queries share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from logpulse.query.executor import Executor


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    """Share one engine among the stores of a module: all of them lie in the same temporary folder."""
    with Executor(Path(gettempdir()), threads=2, memory=64 << 20) as executor:
        yield executor
