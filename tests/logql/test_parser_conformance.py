"""The recorded answers of Loki: what it answers is parsed, what it refuses as malformed is refused.

Only what the text of a query decides is asked here. The other recorded refusals are listed with the reason why a
parser cannot know; a case that leaves its reason fails the test.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from logpulse.errors import LimitExceededError, QuerySyntaxError
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse, parse_log_query, parse_selector
from logpulse.logql.validation import require_selective

CASES = Path(__file__).parent.parent / "conformance" / "cases.jsonl"

NOT_DECIDED_BY_THE_TEXT = {
    "another parameter of the request is wrong (limit, step, time, direction) or the route does not exist": (
        *("param-045", "param_error-001", "param_error-002", "param_error-006", "param_error-007", "param_error-009"),
        *("param_error-010", "param_error-012", "param_error-013", "param_error-014", "param_error-016"),
        *("param_error-018", "param_error-019", "param_error-020", "param_error-021", "param_error-023"),
        *("param_error-024", "param_error-026", "param_error-028", "param_error-031", "param_error-033"),
        *("param_error-034", "param_error-035", "param_error-036", "param_error-057", "param_error-058"),
        *("param_error-071", "param_error-075", "param_error-077", "param_error-078", "param_error-082"),
        *("param_error-084", "param_error-085", "param_error-086", "param_error-097", "param_error-101"),
    ),
    "samples with __error__ fail a metric query only when they are met": (
        *("unwrap-063", "error_label-019", "error_label-021", "metric_error-110", "metric_error-124"),
    ),
    "which series meet is known only when they are there": ("metric_error-108", "metric_error-109"),
    "an instant query takes no log query, a range query takes no approx_topk": (
        *("metric_error-057", "metric_error-115", "metric_error-117"),
    ),
}
UNDECIDED = {case: reason for reason, cases in NOT_DECIDED_BY_THE_TEXT.items() for case in cases}

SELECTOR_ROUTES = ("labels", "label", "series", "stats", "volume", "volume_range", "detected_labels")


class Case(NamedTuple):
    """One query of one recorded request."""

    id: str
    route: str
    query: str
    status: int
    data: object


@lru_cache(maxsize=1)
def recorded() -> tuple[Case, ...]:
    """Read the recorded requests that carry queries."""
    cases: list[Case] = []
    for line in CASES.read_text("utf-8").splitlines():
        case = json.loads(line)
        route = (
            "label" if case["path"].endswith("/values") and "/label/" in case["path"] else case["path"].split("/")[-1]
        )
        data = case["body"].get("data") if isinstance(case["body"], dict) else None
        for name in ("query", "match", "match[]"):
            values = case["params"].get(name, [])
            queries = [values] if isinstance(values, str) else values
            cases.extend(Case(case["id"], route, query, case["status"], data) for query in queries)
    return tuple(cases)


def read(case: Case) -> None:
    """Read the query of a case as its route would."""
    if case.route in SELECTOR_ROUTES:
        selector = parse_selector(case.query)
        if selector.matchers or case.route != "series":  # /series takes `{}` for everything
            require_selective(selector, case.query)
    elif case.route in ("detected_fields", "values"):
        parse_log_query(case.query)
    else:
        parse(case.query)


def test_the_recorded_cases_are_there() -> None:
    assert len(recorded()) > 1_000
    assert {case.id for case in recorded()} >= UNDECIDED.keys()


def test_what_loki_answers_is_parsed() -> None:
    for case in recorded():
        if case.status == 200 or case.id in UNDECIDED:
            read(case)


def test_what_loki_refuses_as_malformed_is_refused() -> None:
    wrongly_parsed = []
    for case in recorded():
        if case.status == 200 or case.id in UNDECIDED:
            continue
        try:
            read(case)
        except (QuerySyntaxError, LimitExceededError):
            continue
        wrongly_parsed.append((case.id, case.query))
    assert not wrongly_parsed


def test_answers_tell_log_queries_from_metric_queries() -> None:
    for case in recorded():
        if case.status == 200 and case.route == "query_range" and isinstance(case.data, dict):
            is_log_query = isinstance(parse(case.query), LogQuery)
            assert is_log_query == (case.data["resultType"] == "streams"), case.query


def test_queries_are_written_as_loki_writes_them() -> None:
    formatted = [case for case in recorded() if case.route == "format_query" and case.status == 200]
    assert len(formatted) > 15
    for case in formatted:
        assert str(parse(case.query)) == case.data


def test_every_answered_query_survives_being_written_out() -> None:
    for query in {case.query for case in recorded() if case.status == 200 and case.route == "query_range"}:
        parsed = parse(query)
        assert parse(str(parsed)) == parsed


@pytest.mark.parametrize("text", ["", "  ", "# only a comment"])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse(text)
