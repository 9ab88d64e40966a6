"""The head: small batches grow together, up to a size at which copying them again gains nothing."""

from __future__ import annotations

import pytest

from logpulse.storage.head import Head, HeadBatch

from ..strategies import NOON, LogEntry, batch_of, entries_of, entry


def filled(found: list[LogEntry]) -> Head:
    """Append entries one by one."""
    head = Head()
    for number, each in enumerate(found, 1):
        head = head.appended(HeadBatch(batch_of([each]), number, number, NOON))
    return head


@pytest.mark.parametrize("count", [1, 2, 3, 64, 100])
def test_single_entries_leave_few_batches_in_their_order(count: int) -> None:
    found = [entry(f"line {number}", NOON + number) for number in range(count)]
    head = filled(found)
    assert entries_of(each.batch for each in head.batches) == found
    assert len(head.batches) <= count.bit_length()
    assert head.rows == count
    assert head.nbytes == sum(each.batch.nbytes for each in head.batches)


@pytest.mark.parametrize(
    "large", [entry("x" * 400), entry("", metadata={"trace": "x" * 400})], ids=["line", "metadata"]
)
def test_batches_grow_by_merging_up_to_a_size(monkeypatch: pytest.MonkeyPatch, large: LogEntry) -> None:
    monkeypatch.setattr("logpulse.storage.head.COALESCE_BYTES", 1000)
    head = filled([large] * 64)
    assert max(each.batch.nbytes for each in head.batches) <= 1000
    assert len(head.batches) == 32
