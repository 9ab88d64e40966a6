"""The flusher on a clock of its own: by size, by interval, and after a failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import attrs
import pytest
import trio
import trio.testing

from logpulse.services.flusher import Flusher
from logpulse.services.metrics import Metrics
from logpulse.storage.flush import Flushed
from logpulse.storage.store import Store

INTERVAL = 60
RETRY = 5


@attrs.define(eq=False)
class FakeStore:
    """Note when it is flushed; fail while `broken`, be empty while `empty`."""

    times: list[float] = attrs.field(factory=list)
    broken: bool = False
    empty: bool = False
    failure: Exception = attrs.field(factory=lambda: OSError(28, "No space left on device"))

    def flush(self) -> Flushed | None:
        self.times.append(trio.current_time())
        if self.broken:
            raise self.failure
        return None if self.empty else Flushed((), 1, 1, 0.1)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """Give a store that is flushed without a thread, as threads and a jumping clock do not go together."""

    async def hop(work: object, **_: object) -> object:
        await trio.lowlevel.checkpoint()
        return work()  # type: ignore[operator]

    monkeypatch.setattr("logpulse.services.flusher.trio.to_thread.run_sync", hop)
    return FakeStore()


@asynccontextmanager
async def flushing(store: FakeStore) -> AsyncIterator[tuple[Flusher, Metrics]]:
    metrics = Metrics()
    flusher = Flusher(cast(Store, store), metrics, INTERVAL)
    async with trio.open_nursery() as nursery:
        await nursery.start(flusher.run)
        yield flusher, metrics
        flusher.close()


def since(start: float, store: FakeStore) -> list[float]:
    return [round(time - start, 6) for time in store.times]


async def test_one_who_waits_for_a_flush_brings_it_about(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    start = trio.current_time()
    async with flushing(store) as (flusher, _):
        await flusher.flushed()
        store.broken = True
        await flusher.flushed()
        assert "No space left" in flusher.failure
    assert since(start, store) == [0, 0]


async def test_it_flushes_once_an_interval(store: FakeStore, autojump_clock: trio.testing.MockClock) -> None:
    start = trio.current_time()
    async with flushing(store) as (flusher, metrics):
        assert flusher.last_flush == 0
        await trio.sleep(3.5 * INTERVAL)
        assert flusher.last_flush > 0
    assert since(start, store) == [INTERVAL, 2 * INTERVAL, 3 * INTERVAL]
    done = {"reason": "interval", "outcome": "done"}
    assert metrics.registry.get_sample_value("logpulse_flushes_total", done) == 3


async def test_it_flushes_when_woken_and_counts_its_interval_from_there(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    start = trio.current_time()
    async with flushing(store) as (flusher, metrics):
        await trio.sleep(10)
        flusher.wake()
        await trio.sleep(INTERVAL + 1)
    assert since(start, store) == [10, 10 + INTERVAL]
    done = {"reason": "size", "outcome": "done"}
    assert metrics.registry.get_sample_value("logpulse_flushes_total", done) == 1


async def test_a_wake_during_a_flush_is_not_lost(
    store: FakeStore, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, gate = trio.Event(), trio.Event()

    async def slow(work: object, **_: object) -> object:
        entered.set()
        await gate.wait()
        return work()  # type: ignore[operator]

    monkeypatch.setattr("logpulse.services.flusher.trio.to_thread.run_sync", slow)
    async with flushing(store) as (flusher, _):
        flusher.wake()
        await entered.wait()
        flusher.wake()
        gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert len(store.times) == 2


async def test_nothing_to_flush_counts_as_no_flush(store: FakeStore, autojump_clock: trio.testing.MockClock) -> None:
    store.empty = True
    async with flushing(store) as (_, metrics):
        await trio.sleep(1.5 * INTERVAL)
    assert metrics.registry.get_sample_value("logpulse_flush_seconds_count") == 0


async def test_a_failed_flush_is_tried_again_soon_until_it_succeeds(
    store: FakeStore, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.broken = True
    start = trio.current_time()
    async with flushing(store) as (flusher, metrics):
        flusher.wake()
        await trio.sleep(RETRY / 2)
        assert flusher.failure == "segments cannot be written: No space left on device"
        assert "No space left on device" in caplog.text
        await trio.sleep(2 * RETRY)
        store.broken = False
        await trio.sleep(RETRY)
        assert flusher.failure == ""
        await trio.sleep(INTERVAL)
    assert since(start, store) == [0, RETRY, 2 * RETRY, 3 * RETRY, 3 * RETRY + INTERVAL]
    failed = {"reason": "size", "outcome": "failed"}
    assert metrics.registry.get_sample_value("logpulse_flushes_total", failed) == 1


async def test_a_failing_disk_is_not_asked_more_often_because_pushes_come_in(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    store.broken = True
    start = trio.current_time()
    async with flushing(store) as (flusher, _):
        flusher.wake()
        for _ in range(20):
            await trio.sleep(0.5)
            flusher.wake()
    assert since(start, store)[:3] == [0, RETRY, 2 * RETRY]
    assert len(store.times) == 3


async def test_it_ends_when_closed_even_after_a_failure(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    store.broken = True
    start = trio.current_time()
    async with flushing(store) as (flusher, _):
        flusher.wake()
        await trio.testing.wait_all_tasks_blocked()
    assert trio.current_time() == start  # no waiting for the next attempt
    assert len(store.times) == 1


async def test_a_defect_ends_it(store: FakeStore, autojump_clock: trio.testing.MockClock) -> None:
    store.failure = RuntimeError("defect")
    store.broken = True
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="defect")):
        async with flushing(store) as (flusher, _):
            flusher.wake()
            await trio.sleep_forever()
