"""Lines so long that thousands of whole rows do not fit into the engine's memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from logpulse.batch import Batch, make_entries
from logpulse.logql.parser import parse_log_query
from logpulse.model.labels import Labels
from logpulse.query.engine import Engine, LogsRequest
from logpulse.query.executor import EngineFaultError, Executor, QueryMemoryError, ScanTask
from logpulse.query.interrupt import Interrupt
from logpulse.storage.store import StorePolicy, open_store

_LONG_LINES = 1_200
_LONG = 150_000
_MEMORY = 96 << 20  # half of what the long lines take


class CountingExecutor(Executor):
    """Count the scans that did not fit, or at which the engine failed for want of memory."""

    refused = 0

    def run(self, task: ScanTask, interrupt: Interrupt) -> pa.Table:
        try:
            return super().run(task, interrupt)
        except (QueryMemoryError, EngineFaultError):
            self.refused += 1
            raise


@pytest.mark.parametrize(("flushed", "short"), [(True, 0), (False, 0), (True, 200_000)])
def test_every_entry_is_found_page_by_page(tmp_path: Path, flushed: bool, short: int) -> None:
    labels = Labels.of({"service": "dump"})
    lines = [
        *(f"{number:06d} x" for number in range(short)),
        *(f"{number:06d} " + "x" * _LONG for number in range(_LONG_LINES)),
    ]
    count = len(lines)
    entries = make_entries(
        np.full(count, labels.id, dtype=np.int64), pa.array(range(1, count + 1), pa.int64()), pa.array(lines), None
    )
    policy = StorePolicy(head_bytes=1 << 30, retention_days=0)
    with (
        open_store(tmp_path, policy, clock=lambda: count) as store,
        CountingExecutor(tmp_path, threads=2, memory=_MEMORY) as executor,
    ):
        store.append([Batch(entries, {labels.id: labels})])
        if flushed:
            store.flush()
        engine = Engine(store, executor)
        found: list[str] = []
        cursor = None
        while len(found) < _LONG_LINES:
            request = LogsRequest(parse_log_query('{service="dump"} |= "x"'), limit=1_000, cursor=cursor)
            page = engine.logs(request, Interrupt())
            found += [entry.line[:6] for entry in page.entries]
            cursor = page.next
            if cursor is None:
                break
        assert found[:_LONG_LINES] == [line[:6] for line in reversed(lines[short:])]
        assert not store.problems.listed()
        if short:
            assert executor.refused, "the lines fitted, so this test shows nothing"
