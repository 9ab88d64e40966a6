"""Plan a log query: what is read, what the scan decides, and the stages left for each row."""

from __future__ import annotations

import attrs

from logpulse.logql.ast import LogQuery, Selector
from logpulse.query.planner import ScanPlan, plan_scan
from logpulse.query.prefilter import Division, SplitStages, split_stages
from logpulse.query.range_plan import row_candidates
from logpulse.storage.view import View


@attrs.frozen(eq=False)
class LogsPlan:
    """Hold what a log query reads, and how its stages are divided."""

    selector: Selector
    scan: ScanPlan
    stages: SplitStages

    @property
    def division(self) -> Division:
        """Who decides what."""
        return self.stages.division


def plan_logs(query: LogQuery, start: int, end: int, view: View) -> LogsPlan:
    """Plan the reading of [start, end), unix nanoseconds."""
    stages = split_stages(query.stages)
    scan = plan_scan(query.selector, start, end, view, stages.predicates)
    more = row_candidates(stages.exact, scan.streams, view.index)
    return LogsPlan(query.selector, attrs.evolve(scan, predicates=(*scan.predicates, *more)), stages)
