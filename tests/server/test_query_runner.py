"""QueryRunner: places, waiting, time limits and interrupts, with threads that wait for events."""

from __future__ import annotations

import threading
from collections.abc import Callable

import attrs
import pytest
import trio
import trio.testing

from logpulse.errors import LogPulseError, OverloadedError, QueryCancelledError, QueryTimeoutError
from logpulse.query.interrupt import Interrupt
from logpulse.services.metrics import Metrics
from logpulse.services.queries import QueryRunner

from .serving import PATIENCE, until


@attrs.define(eq=False)
class Work:
    """Run until released or interrupted, deaf to the first `deaf` interrupts, as DuckDB is before a scan begins."""

    deaf: int = 0
    began: threading.Event = attrs.field(factory=threading.Event)
    release: threading.Event = attrs.field(factory=threading.Event)
    ended: threading.Event = attrs.field(factory=threading.Event)

    def interrupt(self) -> None:
        self.deaf -= 1
        if self.deaf < 0:
            self.release.set()

    def __call__(self, interrupt: Interrupt) -> str:
        try:
            with interrupt.guarding(self):
                self.began.set()
                assert self.release.wait(PATIENCE)
            interrupt.check()
        finally:
            self.ended.set()
        return "answer"


async def begun(work: Work) -> None:
    await trio.to_thread.run_sync(work.began.wait, PATIENCE)


def runner_of(at_once: int = 1, timeout: float = PATIENCE, wait: float = PATIENCE) -> QueryRunner:
    return QueryRunner(Metrics(), at_once, timeout, wait)


async def test_an_answer_and_an_error_come_through() -> None:
    runner = runner_of()
    work = Work()
    work.release.set()
    assert await runner.run("logs", work) == "answer"

    def fail(_: Interrupt) -> None:
        raise OverloadedError("x", 1, 2)

    with pytest.raises(OverloadedError):
        await runner.run("logs", fail)
    assert runner.running == 0
    count = runner._metrics.registry.get_sample_value("logpulse_query_duration_seconds_count", {"kind": "logs"})
    assert count == 2


@pytest.mark.parametrize("deaf", [0, 1, 5])
async def test_a_cancelled_query_is_interrupted_even_if_it_forgets_the_first_interrupts(deaf: int) -> None:
    runner, work = runner_of(), Work(deaf)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run, "logs", work)
        await begun(work)
        assert runner.running == 1
        nursery.cancel_scope.cancel()
    assert work.ended.is_set()  # cancellation waits for it
    await until(lambda: runner.running == 0)


@pytest.mark.parametrize("deaf", [0, 3])
async def test_a_query_that_takes_too_long_is_interrupted(deaf: int) -> None:
    runner, work = runner_of(timeout=0.05), Work(deaf)
    with pytest.raises(QueryTimeoutError) as caught:
        await runner.run("logs", work)
    assert caught.value.seconds == 0.05
    assert work.ended.is_set()
    await until(lambda: runner.running == 0)


async def test_a_query_that_does_not_end_is_left_behind_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.services.queries.INTERRUPT_SECONDS", 0.05)
    runner, work = runner_of(timeout=0.05, wait=0.05), Work(deaf=10**9)
    with pytest.raises(QueryTimeoutError):
        await runner.run("logs", work)
    assert runner.running == 1
    with pytest.raises(OverloadedError):
        await runner.run("logs", Work())
    work.release.set()
    await until(lambda: runner.running == 0)


async def test_queries_wait_for_a_place_in_order() -> None:
    runner, first = runner_of(), Work()
    order: list[int] = []

    def note(number: int) -> Callable[[Interrupt], None]:
        return lambda _: order.append(number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run, "logs", first)
        await begun(first)
        for number in range(5):
            nursery.start_soon(runner.run, "logs", note(number))
            await until(lambda number=number: runner._limiter.statistics().tasks_waiting == number + 1)  # type: ignore[misc]
        assert order == []
        first.release.set()
    assert order == list(range(5))


async def test_who_waits_too_long_is_refused_and_its_work_never_begins() -> None:
    runner, first, second = runner_of(wait=0.05), Work(), Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run, "logs", first)
        await begun(first)
        with pytest.raises(OverloadedError) as caught:
            await runner.run("logs", second)
        assert caught.value.setting == "query.max_concurrent"
        assert caught.value.retry_after > 0
        first.release.set()
    assert not second.began.is_set()


async def test_time_spent_waiting_is_not_the_querys_own(running_clock: trio.testing.MockClock) -> None:
    runner, first, second = runner_of(timeout=600, wait=3600), Work(), Work()
    second.release.set()
    outcomes: list[str] = []

    async def run(work: Work) -> None:
        try:
            outcomes.append(await runner.run("logs", work))
        except LogPulseError as error:
            outcomes.append(type(error).__name__)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, first)
        await begun(first)
        nursery.start_soon(run, second)
        await until(lambda: runner._limiter.statistics().tasks_waiting == 1)
        running_clock.jump(600)
    assert outcomes == ["QueryTimeoutError", "answer"]


def test_a_pulled_interrupt_lets_nothing_begin() -> None:
    interrupt, work = Interrupt(), Work()
    interrupt.pull()
    with pytest.raises(QueryCancelledError):
        work(interrupt)
    assert not work.began.is_set()
    with pytest.raises(QueryCancelledError):
        interrupt.check()
