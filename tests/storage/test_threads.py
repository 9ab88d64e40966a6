"""Several threads at one store: what was acknowledged before a query began is found by it exactly once."""

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

from ..strategies import NOON, batch_of, entry
from .opening import POLICY, opened, problem_codes

PUSHES = 120


@attrs.define
class Acknowledged:
    """Count the pushes that were answered, and say when there will be no more."""

    count: int = 0
    done: threading.Event = attrs.field(factory=threading.Event)


def test_queries_see_each_entry_once_whatever_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logpulse.storage.compaction.COMPACTION_FANIN", 2)
    acknowledged = Acknowledged()
    with (
        opened(tmp_path, attrs.evolve(POLICY, retention_days=7)) as store,
        Executor(tmp_path, threads=1, memory=64 << 20) as executor,
        ThreadPoolExecutor(5) as threads,
    ):
        engine = Engine(store, executor)

        def push() -> None:
            try:
                for number in range(PUSHES):
                    mine = entry(f"entry {number}", NOON + number, service=f"s{number % 3}")
                    late = entry(f"late {number}", NOON - DAY_NS + number % 7, service="late")
                    assert store.append([batch_of([mine, late])]) is not None
                    assert store.append([batch_of([late, mine])]) is None
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
            assert set(lines) >= {f"{kind} {number}" for number in range(before) for kind in ("entry", "late")}

        working = [
            threads.submit(push),
            *[threads.submit(again_and_again, work) for work in (query, store.flush, store.compact, store.retain)],
        ]
        for each in working:
            each.result(timeout=100)
        query()
        store.flush()
        query()
        assert acknowledged.count == PUSHES
        assert not problem_codes(store)
        assert store.folder.segment_names() == [segment.name for segment in store.view.segments]
