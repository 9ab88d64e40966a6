"""The stage `| decolorize`: the line without the sequences that colour it or move the cursor on a terminal."""

from __future__ import annotations

from typing import Final

import re2

from logpulse.logql.ast import Decolorize
from logpulse.logql.record import Record, Test

# RE2, as a line of nothing but semicolons would take Python's engine forever.
_SEQUENCE: Final = re2.compile(
    "[\x1b\x9b][\\[\\]()#;?]*"
    "(?:(?:(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\x07)"
    "|(?:(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~]))"
)


def exact(stage: Decolorize) -> Test:
    """Give the stage's work on one entry."""

    def strip(record: Record) -> bool:
        line = record.line
        if "\x1b" in line or "\x9b" in line:
            record.line = _SEQUENCE.sub("", line)
        return True

    return strip
