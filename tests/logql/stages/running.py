"""Run one record through stages that are written as in a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from logpulse.logql.ast import LogQuery, RangeAggregation, Stage
from logpulse.logql.base import make_base
from logpulse.logql.parser import parse
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.model.labels import Labels
from logpulse.wire.metadata import canonical_metadata

STREAM = {"app": "shop", "env": "prod"}


def stages(text: str) -> tuple[Stage, ...]:
    """Read stages; with `unwrap` among them they are those of a range aggregation."""
    if "unwrap" in text:
        return cast("RangeAggregation", parse(f'sum_over_time({{a="b"}} {text} [1m])')).log_range.stages
    return cast("LogQuery", parse(f'{{a="b"}} {text}')).stages


def record(line: str, *, metadata: Mapping[str, str] | None = None, **labels: str) -> Record:
    """Make a record of the stream STREAM, unless labels are given."""
    text = canonical_metadata(metadata) if metadata else None
    return Record(1, line, make_base(Labels.of(labels or STREAM), text))


def run(
    text: str,
    line: str,
    *,
    wanted: frozenset[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    **labels: str,
) -> Record | None:
    """Run one record; None if it is dropped."""
    ran = record(line, metadata=metadata, **labels)
    return ran if Pipeline(stages(text), wanted).run(ran) else None


def kept(
    text: str,
    line: str,
    *,
    wanted: frozenset[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    **labels: str,
) -> Record:
    """Run one record that must not be dropped."""
    ran = run(text, line, wanted=wanted, metadata=metadata, **labels)
    assert ran is not None
    return ran


def parsed(ran: Record) -> dict[str, str]:
    """Give the labels that a record has beyond those it began with."""
    return {name: value for name, value in ran.labels.items() if ran.base.labels.get(name) != value}
