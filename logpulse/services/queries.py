"""Run queries in worker threads: few at once, the rest in a fair queue, each stopped when its client leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import trio

from logpulse.errors import OverloadedError, QueryTimeoutError
from logpulse.limits import INTERRUPT_AGAIN_SECONDS, INTERRUPT_SECONDS, QUERIES_WAITING, QUERY_WAIT_SECONDS
from logpulse.logql.ast import Query
from logpulse.query.interrupt import Interrupt
from logpulse.services.metrics import Metrics
from logpulse.services.slow_queries import SlowQueries

T = TypeVar("T")


class QueryRunner:
    """Admit, run, time and stop queries. `slow` remembers those that took long.

    Args:
        at_once: queries that run at the same time; Trio's limiter serves the waiting ones in order of arrival.
        timeout_seconds: of one query, from its start.
    """

    def __init__(
        self, metrics: Metrics, at_once: int, timeout_seconds: float, wait_seconds: float = QUERY_WAIT_SECONDS
    ) -> None:
        self.slow = SlowQueries(time.time_ns)
        self._metrics = metrics
        self._limiter = trio.CapacityLimiter(at_once)
        self._timeout = timeout_seconds
        self._wait = wait_seconds

    @property
    def running(self) -> int:
        """Queries under way."""
        return self._limiter.borrowed_tokens

    async def run(self, kind: str, work: Callable[[Interrupt], T], query: Query | None = None) -> T:
        """Run `work` in a thread and give its result.

        `kind` names it in the metrics and among the slow ones, where its `query` is shown, if it has one.

        Cancellation and the timeout pull the interrupt and wait for the thread, which ends within milliseconds. One
        that does not within INTERRUPT_SECONDS is left behind and keeps its place until it ends.

        Raises:
            OverloadedError: too many queries wait, or this one waited too long.
            QueryTimeoutError: it ran longer than allowed.
        """
        waiting = self._limiter.statistics().tasks_waiting
        if waiting >= QUERIES_WAITING:
            raise OverloadedError("queries waiting", QUERIES_WAITING, waiting + 1)
        interrupt, token = Interrupt(), trio.lowlevel.current_trio_token()
        scope = trio.CancelScope(deadline=trio.current_time() + self._wait)
        began: float | None = None
        entered, left = threading.Event(), trio.Event()

        def begin() -> None:
            nonlocal began
            began = trio.current_time()
            scope.deadline = began + self._timeout

        def work_in_thread() -> T:
            entered.set()
            token.run_sync_soon(begin)
            try:
                return work(interrupt)
            finally:
                token.run_sync_soon(left.set)

        try:
            with scope:
                return await trio.to_thread.run_sync(work_in_thread, abandon_on_cancel=True, limiter=self._limiter)
        finally:
            interrupt.pull()
            if entered.is_set():
                await _until_left(interrupt, left)
            if began is not None:
                took = trio.current_time() - began
                self._metrics.query_seconds.labels(kind).observe(took)
                self.slow.note(kind, query, took)
        if began is None:
            most = int(self._limiter.total_tokens)
            raise OverloadedError("concurrent queries", most, most + 1, "query.max_concurrent", retry_after=2)
        raise QueryTimeoutError(self._timeout)


async def _until_left(interrupt: Interrupt, left: trio.Event) -> None:
    """Pull until the work has ended: DuckDB forgets an interrupt that comes just before a scan begins."""
    with trio.move_on_after(INTERRUPT_SECONDS, shield=True):
        while not left.is_set():
            interrupt.pull()
            with trio.move_on_after(INTERRUPT_AGAIN_SECONDS):
                await left.wait()
