"""The scrubber on a clock of its own: every segment once after the start and once a day, damage set aside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import attrs
import pytest
import trio
import trio.testing

from logpulse.errors import DamagedFileError, StorageError
from logpulse.services.metrics import Metrics
from logpulse.services.scrubber import AGAIN_SECONDS, LOOK_SECONDS, Scrubber
from logpulse.storage.segment import Segment
from logpulse.storage.store import Store


def segment(name: str, chunks: int) -> Segment:
    """Make what the scrubber looks at of a segment."""
    return cast(Segment, SimpleNamespace(name=name, facts=SimpleNamespace(chunks=chunks)))


@attrs.define(eq=False)
class FakeStore:
    """Note what is proven; `failures` are raised for the chunks named so."""

    segments: list[Segment]
    proven: list[str] = attrs.field(factory=list)
    failures: dict[str, Exception] = attrs.field(factory=dict)
    aside: list[tuple[str, str]] = attrs.field(factory=list)
    seconds: float = 0.0  # that each proof takes

    @property
    def view(self) -> object:
        return SimpleNamespace(segments=tuple(self.segments))

    def verify(self, found: Segment, chunk: int) -> bool:
        if found not in self.segments:
            return False
        self.proven.append(f"{found.name}{chunk}")
        if failure := self.failures.get(f"{found.name}{chunk}"):
            raise failure
        return True

    def set_aside(self, found: Segment, reason: str) -> None:
        self.segments.remove(found)
        self.aside.append((found.name, reason))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """Give a store of two segments that is proven without a thread."""
    store = FakeStore([segment("a", 2), segment("b", 1)])

    async def hop(work: Callable[..., object], *arguments: object, **_: object) -> object:
        await trio.sleep(store.seconds)
        return work(*arguments)

    monkeypatch.setattr("logpulse.services.scrubber.trio.to_thread.run_sync", hop)
    return store


@asynccontextmanager
async def scrubbing(store: FakeStore) -> AsyncIterator[Metrics]:
    metrics = Metrics()
    async with trio.open_nursery() as nursery:
        await nursery.start(Scrubber(cast(Store, store), metrics).run)
        yield metrics
        nursery.cancel_scope.cancel()


async def test_every_segment_is_proven_after_the_start_and_once_a_day(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    async with scrubbing(store) as metrics:
        await trio.sleep(3 * LOOK_SECONDS)
        assert store.proven == ["a0", "a1", "b0"]
        store.segments.append(segment("c", 1))
        await trio.sleep(2 * LOOK_SECONDS)
        assert store.proven[3:] == ["c0"], "what is new does not wait for a day"
        await trio.sleep(AGAIN_SECONDS - 6 * LOOK_SECONDS)
        assert len(store.proven) == 4
        await trio.sleep(4 * LOOK_SECONDS)
        assert store.proven[4:] == ["a0", "a1", "b0"]
    assert metrics.registry.get_sample_value("logpulse_chunks_verified_total") == 7


async def test_it_rests_longer_than_it_works(store: FakeStore, autojump_clock: trio.testing.MockClock) -> None:
    store.segments = [segment("a", 50)]
    store.seconds = 1.0
    async with scrubbing(store):
        await trio.sleep(LOOK_SECONDS + 100.5)
    assert len(store.proven) == 10


async def test_damage_is_set_aside_and_the_rest_is_proven(
    store: FakeStore, autojump_clock: trio.testing.MockClock
) -> None:
    store.failures = {"a0": DamagedFileError(Path("a"), "of the test")}
    async with scrubbing(store):
        await trio.sleep(3 * LOOK_SECONDS)
    assert store.aside == [("a", "of the test")]
    assert store.proven == ["a0", "b0"]


async def test_what_cannot_be_read_now_is_left_for_another_day(
    store: FakeStore, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.failures = {"a0": StorageError(Path("a"), "Too many open files")}
    async with scrubbing(store):
        await trio.sleep(3 * LOOK_SECONDS)
        assert (store.aside, store.proven) == ([], ["a0", "b0"])
        assert "Too many open files" in caplog.text
        store.failures.clear()
        await trio.sleep(AGAIN_SECONDS)
    assert store.proven[2:] == ["a0", "a1", "b0"]


async def test_a_segment_that_leaves_is_let_be(store: FakeStore, autojump_clock: trio.testing.MockClock) -> None:
    store.segments = [segment("a", 50)]
    async with scrubbing(store):
        await trio.sleep(LOOK_SECONDS + 1)
        proven = len(store.proven)
        assert 1 < proven < 50
        store.segments.clear()
        await trio.sleep(5 * LOOK_SECONDS)
    assert len(store.proven) == proven
