"""Several threads at one store: what was acknowledged before a query began is found exactly once, until it is old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from logpulse.limits import DAY_NS
from logpulse.logql.ast import LogQuery, Selector
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.storage.segment import Segment

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, Clock, opened, problem_codes, stored

PUSHES = 120
MOST_PUSHES = 20 * PUSHES  # until retention has had its turn
KEPT_NS = 36_500 * DAY_NS  # ahead of the clock, however long it runs


@attrs.define
class Acknowledged:
    """Count the pushes that were answered, and say when there will be no more."""

    count: int = 0
    done: threading.Event = attrs.field(factory=threading.Event)


def test_queries_see_each_entry_once_whatever_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.storage.compaction.COMPACTION_FANIN", 2)
    acknowledged, clock = Acknowledged(), Clock()
    deleted: list[Segment] = []
    with (
        opened(tmp_path, attrs.evolve(POLICY, retention_days=7), clock) as store,
        Executor(tmp_path, threads=1, memory=64 << 20) as executor,
        ThreadPoolExecutor(5) as threads,
    ):
        engine = Engine(store, executor)

        def push() -> None:
            try:
                for number in range(MOST_PUSHES):
                    if number >= PUSHES and deleted:
                        break
                    mine = entry(f"entry {number}", NOON + KEPT_NS + number, service=f"s{number % 3}")
                    late = entry(f"late {number}", NOON - (1 + number // 10) * DAY_NS, service="late")
                    assert store.append([batch_of([mine, late])]) is not None
                    assert store.append([batch_of([mine])]) is None
                    acknowledged.count = number + 1
            finally:
                acknowledged.done.set()

        def again_and_again(work: Callable[[], object]) -> None:
            while not acknowledged.done.is_set():
                work()

        def query() -> None:
            before = acknowledged.count
            page = engine.logs(LogsRequest(LogQuery(Selector(())), limit=10_000), Interrupt())
            lines = [each.line for each in page.entries]
            assert len(lines) == len(set(lines))
            assert set(lines) >= {f"entry {number}" for number in range(before)}

        def retain() -> None:
            clock.run(DAY_NS)
            deleted.extend(store.retain())

        working = [
            threads.submit(push),
            *[threads.submit(again_and_again, work) for work in (query, store.flush, store.compact, retain)],
        ]
        for each in working:
            each.result(timeout=600)
        query()
        store.flush()
        query()
        assert deleted, "retention was at work meanwhile"
        clock.run(7 * DAY_NS)
        retain()
        assert {each.line.split()[0] for each in stored(store)} == {"entry"}
        assert not problem_codes(store)
        assert store.folder.segment_names() == [segment.name for segment in store.view.segments]
