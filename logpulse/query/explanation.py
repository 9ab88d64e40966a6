"""The plan of a query for a person: what each selector reads, and who decides what."""

from __future__ import annotations

from typing import Protocol

import attrs
import numpy as np

from logpulse.logql.ast import Query, Selector
from logpulse.query.planner import ScanPlan
from logpulse.query.prefilter import Division
from logpulse.storage.view import View


class Plan(Protocol):
    """What a query is going to do with one of its selectors."""

    @property
    def selector(self) -> Selector:
        """The selector."""

    @property
    def scan(self) -> ScanPlan:
        """What is read."""

    @property
    def division(self) -> Division:
        """Who decides what of it."""


@attrs.frozen
class SelectorExplanation:
    """Say what a query reads for one selector: `streams`, in the entries in memory and in segments.

    `segments` hold such streams, and `segments_in_time` of them are read; `text_bytes` are those of the streams' lines
    in what is read.
    """

    selector: Selector
    streams: int
    segments: int
    segments_in_time: int
    head_rows: int
    text_bytes: int
    division: Division

    @classmethod
    def of(cls, plan: Plan, view: View) -> SelectorExplanation:
        """Explain a plan for `view`."""
        scan = plan.scan
        return cls(
            plan.selector,
            len(scan.streams),
            sum(bool(np.isin(segment.streams.ids, scan.streams).any()) for segment in view.segments),
            scan.segments,
            scan.head_rows,
            scan.text_bytes,
            plan.division,
        )


@attrs.frozen
class Explanation:
    """Say how a query would be answered, selector by selector in reading order."""

    query: Query
    selectors: tuple[SelectorExplanation, ...]
