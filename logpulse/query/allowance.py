"""What one query may cost."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from logpulse.errors import ScanLimitError
from logpulse.limits import SCAN_BYTES, SERIES_PER_RESULT
from logpulse.query.planner import ScanPlan
from logpulse.units import format_byte_size


@attrs.frozen
class Allowance:
    """Bound the series of one result, and the bytes of log text that one query may have to look at, where 0 is any."""

    max_series: int = SERIES_PER_RESULT
    max_scan_bytes: int = SCAN_BYTES

    def check_scan(self, plans: Iterable[ScanPlan]) -> None:
        """Bound what the sources of all plans of a query hold.

        Raises:
            ScanLimitError: it is more than `max_scan_bytes`.
        """
        text_bytes = sum(plan.text_bytes for plan in plans)
        if text_bytes > self.max_scan_bytes > 0:
            raise ScanLimitError(
                "log text that one query may have to look at",
                format_byte_size(self.max_scan_bytes),
                format_byte_size(text_bytes),
                "query.max_scan_bytes",
                "choose fewer streams or a shorter time",
            )
