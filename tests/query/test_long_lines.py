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
from logpulse.query.executor import Executor, QueryMemoryError, ScanTask
from logpulse.query.interrupt import Interrupt
from logpulse.storage.store import StorePolicy, open_store

_LINES = 1_200
_LONG = 150_000


class CountingExecutor(Executor):
    """Count the scans that did not fit."""

    refused = 0

    def run(self, task: ScanTask, interrupt: Interrupt) -> pa.Table:
        try:
            return super().run(task, interrupt)
        except QueryMemoryError:
            self.refused += 1
            raise


@pytest.mark.parametrize("flushed", [True, False])
def test_every_entry_is_found_page_by_page(tmp_path: Path, flushed: bool) -> None:
    labels = Labels.of({"service": "dump"})
    lines = [f"{number:06d} " + "x" * _LONG for number in range(_LINES)]
    entries = make_entries(
        np.full(_LINES, labels.id, dtype=np.int64), pa.array(range(1, _LINES + 1), pa.int64()), pa.array(lines), None
    )
    policy = StorePolicy(head_bytes=1 << 30, retention_days=0)
    with (
        open_store(tmp_path, policy, clock=lambda: _LINES) as store,
        CountingExecutor(tmp_path, threads=2, memory=96 << 20) as executor,
    ):
        store.append([Batch(entries, {labels.id: labels})])
        if flushed:
            store.flush()
        engine = Engine(store, executor)
        found: list[str] = []
        cursor = None
        while True:
            request = LogsRequest(parse_log_query('{service="dump"} |= "x"'), limit=1_000, cursor=cursor)
            page = engine.logs(request, Interrupt())
            found += [entry.line[:6] for entry in page.entries]
            cursor = page.next
            if cursor is None:
                break
        assert found == [line[:6] for line in reversed(lines)]
        assert executor.refused, "the lines fitted, so this test shows nothing"
