"""The compactor: merges while there is something to merge, past failures, and gives a merge up at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import attrs
import pytest
import trio
import trio.testing

from logpulse.errors import StorageError
from logpulse.services.compactor import run_compaction
from logpulse.services.metrics import Metrics
from logpulse.storage.segment import Segment
from logpulse.storage.store import Store

from .serving import PATIENCE

MERGED = cast(Segment, SimpleNamespace(name="merged", facts=SimpleNamespace(replaces=("a", "b"))))


@attrs.define(eq=False)
class FakeStore:
    """Give one outcome after the other, then nothing to merge."""

    outcomes: list[Segment | Exception]
    calls: int = 0

    def compact(self, stopped: Callable[[], bool]) -> Segment | None:
        assert not (self.outcomes and stopped())
        self.calls += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def test_it_merges_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    store, metrics = FakeStore([MERGED, OSError(28, "full"), StorageError(Path("a"), "now"), MERGED]), Metrics()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await nursery.start(run_compaction, cast(Store, store), metrics, lambda: False, 0.001)
            while store.calls < 6:  # noqa: ASYNC110 - there is no event
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
    assert metrics.registry.get_sample_value("logpulse_compactions_total") == 2


async def test_its_end_does_not_wait_for_a_merge() -> None:
    entered = trio.Event()
    token = trio.lowlevel.current_trio_token()
    given_up = []

    class Merging:
        """Merge until told to stop."""

        def compact(self, stopped: Callable[[], bool]) -> None:
            trio.from_thread.run_sync(entered.set, trio_token=token)
            while not stopped():
                pass
            given_up.append(True)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await nursery.start(run_compaction, cast(Store, Merging()), Metrics(), lambda: False, 0.001)
            await entered.wait()
            nursery.cancel_scope.cancel()
    assert given_up == [True]


async def test_a_merge_waits_for_queries_before_each_chunk_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [True] * 3 + [False] + [True] * 1_000_000
    monkeypatch.setattr("logpulse.services.compactor.YIELD_SECONDS", 60)
    first = trio.Event()
    token = trio.lowlevel.current_trio_token()
    left: list[int] = []

    class Merging:
        """Ask before two chunks; before the second one queries never end."""

        def compact(self, stopped: Callable[[], bool]) -> None:
            assert not stopped()
            left.append(len(busy))
            monkeypatch.setattr("logpulse.services.compactor.YIELD_SECONDS", 0.02)
            assert not stopped()
            trio.from_thread.run_sync(first.set, trio_token=token)

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await nursery.start(run_compaction, cast(Store, Merging()), Metrics(), lambda: busy.pop(0), 0.001)
            await first.wait()
            nursery.cancel_scope.cancel()
    assert left == [1_000_000], "it went on at the first moment without a query"
