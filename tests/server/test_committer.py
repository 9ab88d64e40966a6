"""The committer and the queue before it, on a clock of their own: groups, failures, cancellation, waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import attrs
import pyarrow as pa
import pytest
import trio
import trio.testing

from logpulse.batch import Batch, make_entries
from logpulse.errors import LimitExceededError, LogPulseError, OverloadedError, StoppingError, UnavailableError
from logpulse.limits import APPEND_REQUESTS, APPEND_WAIT_SECONDS
from logpulse.model.labels import Labels
from logpulse.services.committer import AppendQueue, Committer
from logpulse.services.flusher import Flusher
from logpulse.services.metrics import Metrics
from logpulse.storage.head import Head
from logpulse.storage.store import Commit, Store
from logpulse.storage.view import View

LABELS = Labels.of({"service": "api"})


def batch_of(*lines: str) -> Batch:
    count = len(lines)
    streams = pa.array([LABELS.id] * count, pa.int64()).to_numpy()
    times = pa.array(range(count), pa.int64())
    return Batch(make_entries(streams, times, pa.array(lines, pa.string()), None), {LABELS.id: LABELS})


@attrs.define(eq=False)
class FakeStore:
    """Take appends without a disk or a thread. `poison` is the line it refuses; `refusal` is how."""

    view: View = attrs.field(factory=View)
    is_full: bool = False
    groups: list[list[str]] = attrs.field(factory=list)
    poison: str = "poison"
    refusal: Exception = attrs.field(factory=lambda: OverloadedError("streams", 1, 2))

    def append(self, batches: Sequence[Batch]) -> Commit | None:
        lines = [line for batch in batches for line in batch.entries.column(2).to_pylist()]
        if self.poison in lines:
            raise self.refusal
        self.groups.append(lines)
        new = [line for line in lines if line != "known"]
        return Commit(len(self.groups), batch_of(*new), len(lines) - len(new)) if new else None


@attrs.define(eq=False)
class FakeFlusher:
    """Count the calls; a flush ends after `seconds`, and the last of `flushes` empties the store."""

    store: FakeStore
    wakes: int = 0
    flushes: int = 1
    seconds: float = 1
    failure: str = ""

    def wake(self) -> None:
        self.wakes += 1

    async def flushed(self) -> None:
        await trio.sleep(self.seconds)
        self.flushes -= 1
        self.store.is_full = self.flushes > 0


@attrs.define(eq=False)
class Bench:
    """A committer at work; its thread is held while `gate` is closed."""

    queue: AppendQueue
    store: FakeStore
    metrics: Metrics
    gate: trio.Event
    entered: trio.Event
    flusher: FakeFlusher
    published: list[Commit] = attrs.field(factory=list)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> tuple[trio.Event, trio.Event]:
    """Replace the hop to a thread by waiting for the gate: real threads and a jumping clock do not go together."""
    gate, entered = trio.Event(), trio.Event()

    async def hop(work: object, *arguments: object, **_: object) -> object:
        entered.set()
        with trio.CancelScope(shield=True):  # as a thread that is not abandoned
            await gate.wait()
        return work(*arguments)  # type: ignore[operator]

    monkeypatch.setattr("logpulse.services.committer.trio.to_thread.run_sync", hop)
    return gate, entered


@asynccontextmanager
async def committing(
    gate: tuple[trio.Event, trio.Event], queue: AppendQueue | None = None, store: FakeStore | None = None
) -> AsyncIterator[Bench]:
    store = store or FakeStore()
    bench = Bench(queue or AppendQueue(), store, Metrics(), *gate, FakeFlusher(store))
    committer = Committer(
        bench.queue,
        cast(Store, store),
        bench.metrics,
        bench.published.append,
        cast(Flusher, bench.flusher),
        flush_bytes=10,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(committer.run)
        yield bench
        bench.gate.set()
        bench.queue.close()


async def append(bench: Bench, batch: Batch) -> None:
    ticket = await bench.queue.enqueue(batch)
    await ticket.stored()


async def submit(bench: Bench, line: str, outcomes: dict[str, LogPulseError | None]) -> None:
    try:
        await append(bench, batch_of(line))
    except LogPulseError as error:
        outcomes[line] = error
    else:
        outcomes[line] = None


def value(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


async def test_what_waits_is_committed_as_one_group(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(submit, bench, "first", outcomes)
        await bench.entered.wait()
        for number in range(20):
            nursery.start_soon(submit, bench, str(number), outcomes)
        await trio.testing.wait_all_tasks_blocked()
        assert (outcomes, bench.queue.depth()) == ({}, 20)  # nothing is acknowledged before it is durable
        bench.gate.set()
    assert bench.store.groups[0] == ["first"]
    assert sorted(bench.store.groups[1]) == sorted(map(str, range(20)))
    assert len(bench.store.groups) == 2
    assert set(outcomes.values()) == {None}
    assert len(outcomes) == 21
    assert [commit.sequence for commit in bench.published] == [1, 2]
    assert value(bench.metrics, "logpulse_ingested_lines_total") == 21


@pytest.mark.parametrize("refusal", [OverloadedError("streams", 1, 2), LimitExceededError("bytes of one commit", 1, 2)])
async def test_one_push_at_fault_does_not_fail_its_neighbours(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock, refusal: LimitExceededError
) -> None:
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate, store=FakeStore(refusal=refusal)) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(submit, bench, "first", outcomes)
        await bench.entered.wait()
        for line in ("a", "poison", "b"):
            nursery.start_soon(submit, bench, line, outcomes)
        await trio.testing.wait_all_tasks_blocked()
        bench.gate.set()
    assert outcomes == {"first": None, "a": None, "poison": refusal, "b": None}
    assert sorted(line for group in bench.store.groups for line in group) == ["a", "b", "first"]


async def test_a_disk_at_fault_fails_the_group_at_once_and_not_the_next(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    refusal = UnavailableError("the disk is full")
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate, store=FakeStore(refusal=refusal)) as bench:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(submit, bench, "first", outcomes)
            await bench.entered.wait()
            for line in ("a", "poison", "b"):
                nursery.start_soon(submit, bench, line, outcomes)
            await trio.testing.wait_all_tasks_blocked()
            bench.gate.set()
        await submit(bench, "later", outcomes)
    assert outcomes == {"first": None, "a": refusal, "poison": refusal, "b": refusal, "later": None}
    assert bench.store.groups == [["first"], ["later"]]


async def test_duplicates_are_counted_and_publish_nothing(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    gate[0].set()
    async with committing(gate) as bench:
        await append(bench, batch_of("known"))
        await append(bench, batch_of("known", "new"))
    assert [commit.batch.entries.column(2).to_pylist() for commit in bench.published] == [["new"]]
    assert value(bench.metrics, "logpulse_duplicate_lines_total") == 2
    assert value(bench.metrics, "logpulse_ingested_lines_total") == 1


async def test_a_submitter_cancelled_in_the_queue_is_stored_all_the_same(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate) as bench:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(submit, bench, "first", outcomes)
            await bench.entered.wait()
            nursery.start_soon(submit, bench, "second", outcomes)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert outcomes == {}
        bench.gate.set()
        await submit(bench, "third", outcomes)
    stored = [line for group in bench.store.groups for line in group]
    assert (stored, outcomes) == (["first", "second", "third"], {"third": None})


async def test_a_push_waits_for_room_and_then_is_refused(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate, AppendQueue(wait_seconds=5)) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(submit, bench, "first", outcomes)
        await bench.entered.wait()
        for number in range(APPEND_REQUESTS):
            nursery.start_soon(submit, bench, str(number), outcomes)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        await submit(bench, "surplus", outcomes)
        assert trio.current_time() - began == pytest.approx(5)
        refusal = outcomes.pop("surplus")
        assert isinstance(refusal, UnavailableError)
        assert refusal.retry_after > 0
        assert outcomes == {}
        bench.gate.set()
    assert len(outcomes) == 1 + APPEND_REQUESTS
    assert set(outcomes.values()) == {None}
    assert "surplus" not in [line for group in bench.store.groups for line in group]
    assert bench.queue._room._held == 0


async def test_the_queue_is_bounded_in_bytes_and_lets_one_large_push_through_alone(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    small = batch_of("small").nbytes + len(LABELS.encoded)
    queue = AppendQueue(wait_seconds=5, most_bytes=small)
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate, queue) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(submit, bench, "small", outcomes)
        await bench.entered.wait()
        await submit(bench, "tiny", outcomes)
        assert isinstance(outcomes.pop("tiny"), UnavailableError)
        large = "large" * 1000
        nursery.start_soon(submit, bench, large, outcomes)
        await trio.testing.wait_all_tasks_blocked()
        bench.gate.set()
    assert outcomes == {"small": None, large: None}
    assert bench.queue._room._held == 0


async def test_labels_take_room_as_entries_do(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    wide = Labels.of({f"label{number}": "x" * 2000 for number in range(10)})
    batch = attrs.evolve(batch_of("x"), streams={wide.id: wide})
    async with committing(gate) as bench:
        ticket = await bench.queue.enqueue(batch)
        assert ticket.size == batch.nbytes + len(wide.encoded) > 20_000
        assert bench.queue._room._held == ticket.size
        bench.gate.set()


async def test_cancelled_while_it_waits_for_room_a_push_takes_none(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    queue = AppendQueue(most_bytes=1)
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate, queue) as bench:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(submit, bench, "first", outcomes)
            await bench.entered.wait()
            with trio.move_on_after(1):
                await submit(bench, "cancelled", outcomes)
            bench.gate.set()
        await submit(bench, "after", outcomes)
    assert outcomes == {"first": None, "after": None}
    assert [line for group in bench.store.groups for line in group] == ["first", "after"]
    assert queue._room._held == 0


async def test_closing_lets_what_waits_through_and_refuses_the_rest(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    outcomes: dict[str, LogPulseError | None] = {}
    async with committing(gate) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(submit, bench, "first", outcomes)
        await bench.entered.wait()
        nursery.start_soon(submit, bench, "waiting", outcomes)
        await trio.testing.wait_all_tasks_blocked()
        bench.queue.close()
        await submit(bench, "late", outcomes)
        bench.gate.set()
    refusal = outcomes.pop("late")
    assert isinstance(refusal, StoppingError)
    assert outcomes == {"first": None, "waiting": None}
    assert bench.queue._room._held == 0


async def test_a_large_head_wakes_the_flusher(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    gate[0].set()
    async with committing(gate) as bench:
        await append(bench, batch_of("x"))
        assert bench.flusher.wakes == 0
        bench.store.view = attrs.evolve(bench.store.view, head=attrs.evolve(Head(), nbytes=10))
        await append(bench, batch_of("y"))
    assert bench.flusher.wakes == 1


async def committed_when_full(gate: tuple[trio.Event, trio.Event], **flusher: float | str) -> float:
    """Push to a store that is full; give the seconds until the push was passed on to the store."""
    gate[0].set()
    async with committing(gate, store=FakeStore(is_full=True)) as bench:
        for name, value in flusher.items():
            setattr(bench.flusher, name, value)
        began = trio.current_time()
        await append(bench, batch_of("x"))
        return trio.current_time() - began


async def test_a_push_waits_while_a_full_memory_is_flushed(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    assert await committed_when_full(gate, flushes=3) == pytest.approx(3)


async def test_a_push_does_not_wait_for_a_flusher_that_fails(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    assert await committed_when_full(gate, failure="no space left") == 0


async def test_a_push_waits_for_a_slow_flush_no_longer_than_for_anything_else(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    assert await committed_when_full(gate, seconds=60) == pytest.approx(APPEND_WAIT_SECONDS)


async def test_a_defect_of_the_store_ends_the_committer(
    gate: tuple[trio.Event, trio.Event], autojump_clock: trio.testing.MockClock
) -> None:
    gate[0].set()
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="defect"), flatten_subgroups=True):
        async with committing(gate, store=FakeStore(refusal=RuntimeError("defect"))) as bench:
            await append(bench, batch_of("poison"))
            pytest.fail("it was acknowledged")
