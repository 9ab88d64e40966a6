"""The answer of /explain. Its names are a contract; see docs/api.md."""

from __future__ import annotations

from typing import Literal

import msgspec

from logpulse.logql.ast import LogQuery
from logpulse.query.explanation import Explanation, SelectorExplanation


class SelectorJson(msgspec.Struct, rename="camel"):
    """What one selector reads, the stages that SQL decides, and those that Python decides for each row that is left."""

    selector: str
    streams: int
    segments: int
    segments_in_time: int
    head_rows: int
    text_bytes: int
    pushed_down: list[str]
    exact: list[str]
    mode: str


class ExplanationJson(msgspec.Struct):
    """The plan of a query; `endings` choose which of the entries found an answer shows."""

    query: str
    kind: Literal["logs", "metric"]
    selectors: list[SelectorJson]
    endings: list[str]


def explanation_json(explanation: Explanation) -> bytes:
    """Write how a query would be answered."""
    query = explanation.query
    selectors = [_selector(each) for each in explanation.selectors]
    plan = ExplanationJson(str(query), "metric", selectors, [])
    if isinstance(query, LogQuery):
        plan = ExplanationJson(str(query), "logs", selectors, [str(each) for each in query.endings])
    return msgspec.json.encode(plan)


def _selector(explained: SelectorExplanation) -> SelectorJson:
    return SelectorJson(
        selector=str(explained.selector),
        streams=explained.streams,
        segments=explained.segments,
        segments_in_time=explained.segments_in_time,
        head_rows=explained.head_rows,
        text_bytes=explained.text_bytes,
        pushed_down=[str(stage) for stage in explained.division.pushed],
        exact=[str(stage) for stage in explained.division.exact],
        mode=explained.division.mode.value,
    )
