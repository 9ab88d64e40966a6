"""Batches: columns put together without loss, and what is counted of them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.batch import (
    ROW_BYTES,
    SCHEMA,
    Batch,
    concat,
    concat_entries,
    entry_bytes,
    text_bytes,
    text_column,
    timestamp_column,
)
from logpulse.model.labels import Labels

from .strategies import NOON, LogEntry, batch_of, entries_of, entry, entry_lists, texts


@given(st.lists(texts))
def test_a_column_of_texts_is_the_texts(found: list[str]) -> None:
    column = text_column(found)
    assert column.to_pylist() == found
    assert column.type == pa.string()
    column.validate(full=True)


@given(entry_lists)
def test_a_batch_counts_what_it_holds(found: list[LogEntry]) -> None:
    batch = batch_of(found)
    assert batch.entries.schema == SCHEMA
    assert batch.rows == len(found)
    assert batch.text_bytes == text_bytes(batch.entries) == sum(len(each.line.encode()) for each in found)
    sizes = [len(each.line.encode()) + len((each.metadata or "").encode()) + ROW_BYTES for each in found]
    assert entry_bytes(batch.entries).tolist() == sizes
    assert batch.nbytes == sum(sizes)
    times = [each.timestamp for each in found]
    assert batch.time_range == (min(times), max(times))
    assert timestamp_column(batch.entries).tolist() == times
    assert entries_of([batch]) == found


@given(st.lists(entry_lists, min_size=1, max_size=4))
def test_joined_batches_keep_their_order(found: list[list[LogEntry]]) -> None:
    joined = concat([batch_of(each) for each in found])
    assert entries_of([joined]) == [each for part in found for each in part]
    assert set(joined.streams.values()) == {each.labels for part in found for each in part}
    assert concat_entries([batch_of(each).entries for each in found]).num_rows == joined.rows


def test_one_batch_is_not_copied() -> None:
    batch = batch_of([entry("a")])
    assert concat([batch]) is batch


@given(entry_lists, st.data())
def test_only_streams_that_occur_are_kept(found: list[LogEntry], data: st.DataObject) -> None:
    batch = batch_of(found)
    mask = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    kept = Batch.of(batch.entries.filter(pa.array(mask, pa.bool_())), batch.streams)
    assert set(kept.streams.values()) == {each.labels for each, keep in zip(found, mask, strict=True) if keep}


def test_no_entries_have_no_time() -> None:
    empty = Batch.of(batch_of([entry("a")]).entries.slice(0, 0), {})
    assert (empty.rows, empty.nbytes, empty.text_bytes, empty.time_range) == (0, 0, 0, (0, -1))
    assert not empty.streams
    assert entry_bytes(empty.entries).tolist() == []


def test_a_stream_without_labels_is_a_mistake() -> None:
    batch = batch_of([entry("a"), entry("b", NOON, service="web")])
    with pytest.raises(KeyError):
        Batch.of(batch.entries, {Labels.of({"service": "api"}).id: Labels.of({"service": "api"})})
