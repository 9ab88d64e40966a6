"""The parameters of Loki's query routes: forms, defaults, limits, and the words of each refusal."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.config import QueryConfig
from logpulse.errors import ForeignTextError, LogPulseError, QuerySyntaxError
from logpulse.http.loki_parameters import RangeQuery, read_instant_query, read_range_query
from logpulse.http.loki_problems import loki_status, loki_text
from logpulse.limits import NEWEST_NS
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse
from logpulse.model.setting import Duration, seconds
from logpulse.query.result import Direction

S = 1_000_000_000
START, END, NOW = 1_793_491_200 * S, 1_793_491_800 * S, 1_793_600_000 * S
QUERY = '{app="gauge"}'
RANGE = {"query": QUERY, "start": "1793491200", "end": "1793491800"}


def read(**parameters: str) -> RangeQuery:
    return read_range_query({**RANGE, **parameters}, QueryConfig(), NOW)


# -- what is read -----------------------------------------------------------------------------------------------------


def test_defaults() -> None:
    assert read_range_query({"query": QUERY}, QueryConfig(), NOW) == RangeQuery(
        query=parse(QUERY),
        start=NOW - 3600 * S,
        end=NOW,
        step=14 * S,
        interval=0,
        limit=100,
        direction=Direction.BACKWARD,
    )
    empty = dict.fromkeys(("start", "end", "since", "step", "interval", "limit", "direction"), "")
    assert read_range_query({"query": QUERY, **empty}, QueryConfig(), NOW).start == NOW - 3600 * S


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1793491200", START),
        ("0", 0),
        ("1793491200000000000", START),
        ("1793491200000", 1_793_491_200_000),
        ("1793491200.0", START),
        ("1793491200.1234567", START + 123_000_000),
        ("2026-11-01T00:00:00Z", START),
        ("2026-11-01T01:00:00+01:00", START),
        ("2026-11-01T00:00:00.000000001Z", START + 1),
    ],
)
def test_times(text: str, time_ns: int) -> None:
    asked = read_range_query({"query": QUERY, "start": text, "end": text}, QueryConfig(), NOW)
    assert (asked.start, asked.end) == (time_ns, time_ns)
    assert read_instant_query({"query": "1", "time": text}, NOW).time == time_ns


@pytest.mark.parametrize(
    ("parameters", "start", "end"),
    [
        ({"end": "1793491800", "since": "10m"}, START, END),
        ({"end": "1793491800", "since": "1h30m"}, END - 5400 * S, END),
        ({"start": "1793491200", "end": "1793491800", "since": "2h"}, START, END),
        ({"since": "1d"}, NOW - 86_400 * S, NOW),
        ({"end": str(NOW + 7200 * S)}, NOW - 3600 * S, NOW + 7200 * S),
        ({"start": "1793491200", "end": "1793491200"}, START, START),
    ],
)
def test_ranges(parameters: dict[str, str], start: int, end: int) -> None:
    asked = read_range_query({"query": QUERY, **parameters}, QueryConfig(), NOW)
    assert (asked.start, asked.end) == (start, end)


def test_a_range_ends_where_timestamps_do() -> None:
    endless = attrs.evolve(QueryConfig(), max_range=Duration(2**63))
    asked = read_range_query({"query": QUERY, "end": "0", "since": "200y", "step": "1y"}, endless, 0)
    assert asked.start == -200 * 365 * 86_400 * S
    asked = read_range_query({"query": QUERY, "end": f"-{NEWEST_NS}"}, QueryConfig(), NOW)
    assert asked.start == asked.end == -NEWEST_NS


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("60", 60 * S),
        ("90.0", 90 * S),
        ("0.5", S // 2),
        ("1e1", 10 * S),
        ("300s", 300 * S),
        ("1000ms", S),
        ("15000ms", 15 * S),
        ("1h30m", 5400 * S),
        ("1d", 86_400 * S),
        ("1w2d", 777_600 * S),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert read(step=text).step == nanoseconds
    assert read(interval=text).interval == nanoseconds


@pytest.mark.parametrize(
    ("length", "step"), [(0, 1), (1, 1), (249, 1), (500, 2), (3600, 14), (3749, 14), (3750, 15), (21_600, 86)]
)
def test_the_default_step(length: int, step: int) -> None:
    assert read(end=str(1_793_491_200 + length)).step == step * S


@pytest.mark.parametrize(
    ("start", "end", "step", "first", "last"),
    [
        (1793494801, 1793496601, 600, 1793494800, 1793497200),
        (1793494800, 1793498400, 5400, 1793491200, 1793502000),
        (1793494830, 1793495430, 60, 1793494800, 1793495460),
        (1793491200, 1793492200, 300, 1793491200, 1793492400),
        (1793491200, 1793491200, 60, 1793491200, 1793491200),
    ],
)
def test_alignment(start: int, end: int, step: int, first: int, last: int) -> None:
    asked = read(start=str(start), end=str(end), step=str(step))
    assert asked.aligned == (first * S, last * S)
    assert asked.times.tolist() == list(range(first * S, last * S + 1, step * S))


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("+5", 5), ("007", 7), ("5000", 5000)])
def test_limits(text: str, limit: int) -> None:
    assert read(limit=text).limit == limit


@pytest.mark.parametrize("text", ["forward", "FORWARD", "Forward"])
def test_directions(text: str) -> None:
    assert read(direction=text).direction is Direction.FORWARD
    assert read(direction="BACKWARD").direction is Direction.BACKWARD


def test_limits_of_log_queries_do_not_bind_metric_queries() -> None:
    asked = read(query='rate({app="x"}[5m])', limit="100000")
    assert not isinstance(asked.query, LogQuery)


# -- what is refused --------------------------------------------------------------------------------------------------

BAD_START = "could not parse 'start' parameter: strconv.ParseInt: parsing "
NO_STEP = "zero or negative query resolution step widths are not accepted. Try a positive integer"
REFUSALS: list[tuple[dict[str, str], str]] = [
    ({"limit": "0"}, "limit must be a positive value"),
    ({"limit": "-1"}, "limit must be a positive value"),
    ({"limit": "99999999999"}, "limit value 99999999999 is out of range [0, 4294967295]"),
    ({"limit": " 5"}, 'strconv.Atoi: parsing " 5": invalid syntax'),
    ({"limit": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
    ({"limit": "1.5"}, 'strconv.Atoi: parsing "1.5": invalid syntax'),
    ({"limit": "9" * 30}, f'strconv.Atoi: parsing "{"9" * 30}": value out of range'),
    (
        {"limit": "5001"},
        "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)\n"
        "raise query.max_entries to allow more",
    ),
    ({"direction": "sideways"}, "invalid direction 'sideways'"),
    ({"step": "0"}, NO_STEP),
    ({"step": "-1"}, NO_STEP),
    ({"step": "1x"}, 'cannot parse "1x" to a valid duration'),
    ({"step": "-5m"}, 'cannot parse "-5m" to a valid duration'),
    ({"step": "5m1h"}, 'cannot parse "5m1h" to a valid duration'),
    ({"step": "1.5h"}, 'cannot parse "1.5h" to a valid duration'),
    ({"step": "nan"}, 'cannot parse "nan" to a valid duration'),
    ({"step": "1e300"}, 'cannot parse "1e300" to a valid duration. It overflows int64'),
    ({"step": "400y"}, 'cannot parse "400y" to a valid duration'),
    ({"interval": "-1"}, "interval must be >= 0"),
    ({"interval": "x"}, 'cannot parse "x" to a valid duration'),
    ({"start": "abc"}, f'{BAD_START}"abc": invalid syntax'),
    ({"end": "abc"}, "could not parse 'end' parameter: strconv.ParseInt: parsing \"abc\": invalid syntax"),
    ({"start": "2026-13-01T00:00:00Z"}, f'{BAD_START}"2026-13-01T00:00:00Z": invalid syntax'),
    ({"start": "2026-11-01"}, f'{BAD_START}"2026-11-01": invalid syntax'),
    ({"start": "2026-11-01 00:00:00"}, f'{BAD_START}"2026-11-01 00:00:00": invalid syntax'),
    ({"start": "1e400"}, f'{BAD_START}"1e400": invalid syntax'),
    ({"start": "9" * 20}, f'{BAD_START}"{"9" * 20}": value out of range'),
    ({"start": 'a"\\\n'}, BAD_START + r'"a\"\\\n": invalid syntax'),
    ({"start": "1793491801"}, "end timestamp must not be before or equal to start time"),
    ({"start": "", "since": "zz"}, "could not parse 'since' parameter: not a valid duration string: \"zz\""),
    ({"start": "", "since": "-1h"}, "could not parse 'since' parameter: not a valid duration string: \"-1h\""),
    (
        {"step": "0.05"},
        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
    ),
    (
        {"start": "1788307200", "step": "1h"},
        "the query time range exceeds the limit (query length: 1440h10m0s, limit: 30d1h)\n"
        "raise query.max_range to allow more",
    ),
    ({"query": ""}, "parse error : syntax error: unexpected $end"),
    ({"query": "  "}, "parse error : syntax error: unexpected $end"),
    ({"query": "x" * 131_073}, "parse error : input size too long (131073 > 131072)"),
    ({"query": "é" * 65_537}, "parse error : input size too long (131074 > 131072)"),
    (
        {"query": '{app=~".*"}'},
        "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
        'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
    ),
]


@pytest.mark.parametrize(("parameters", "text"), REFUSALS, ids=lambda value: str(value)[:40])
def test_refusals(parameters: dict[str, str], text: str) -> None:
    with pytest.raises(LogPulseError) as refusal:
        read(**parameters)
    assert (loki_status(refusal.value), loki_text(refusal.value)) == (400, text)


@pytest.mark.parametrize("step", ["0.0546", "1h"])
def test_the_most_points_are_allowed(step: str) -> None:
    assert read(step=step).step


def test_syntax_errors_name_their_place_as_loki_does() -> None:
    with pytest.raises(QuerySyntaxError) as refusal:
        read(query='{app="x"}\n |= ')
    assert loki_text(refusal.value).startswith("parse error at line 2, col 5: unexpected end of the query")


def test_limits_follow_the_settings() -> None:
    config = attrs.evolve(QueryConfig(), max_entries=10, max_points=50, max_range=seconds(3600))
    with pytest.raises(ForeignTextError, match=r"\(11 > 10\)\nraise query.max_entries"):
        read_range_query({**RANGE, "limit": "11", "step": "60"}, config, NOW)
    with pytest.raises(ForeignTextError, match="resolution of 50 points"):
        read_range_query({**RANGE, "step": "10"}, config, NOW)
    with pytest.raises(ForeignTextError, match=r"query length: 1h0m1s, limit: 1h\)"):
        read_range_query({**RANGE, "end": "1793494801", "step": "100"}, config, NOW)


INSTANT_REFUSALS = [
    ({"time": "abc"}, 'strconv.ParseInt: parsing "abc": invalid syntax'),
    ({"limit": "0"}, "limit must be a positive value"),
    ({"limit": "x"}, 'strconv.Atoi: parsing "x": invalid syntax'),
    ({"direction": "up"}, "invalid direction 'up'"),
    ({"query": ""}, "parse error : syntax error: unexpected $end"),
    (
        {"query": QUERY},
        "log queries are not supported as an instant query type, please change your query to a range query type",
    ),
]


@pytest.mark.parametrize(("parameters", "text"), INSTANT_REFUSALS, ids=lambda value: str(value)[:40])
def test_instant_refusals(parameters: dict[str, str], text: str) -> None:
    with pytest.raises(LogPulseError) as refusal:
        read_instant_query({"query": "vector(1)", "time": "1793491200", **parameters}, NOW)
    assert (loki_status(refusal.value), loki_text(refusal.value)) == (400, text)


odd = st.one_of(st.text(max_size=12), st.text("0123456789.+-eE", max_size=25), st.text("0123456789hmsdwy", max_size=12))
names = ["start", "end", "since", "step", "interval", "limit", "direction"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(names, odd)))
def test_no_parameters_raise_anything_else(parameters: dict[str, str]) -> None:
    try:
        asked = read_range_query({"query": QUERY, **parameters}, QueryConfig(), NOW)
    except ForeignTextError as error:
        text = loki_text(error)
    else:
        text = ""
        assert -NEWEST_NS <= asked.start <= asked.end <= NEWEST_NS
        assert asked.step > 0
        assert 0 < asked.limit <= 5000
        assert len(asked.times) <= 11_002
    assert len(text) < 400
