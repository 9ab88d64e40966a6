"""Metric queries by SQL equal those by the exact form alone, whatever lines look like and wherever they are stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import PipelineError
from logpulse.logql.ast import MetricExpression
from logpulse.logql.parser import parse_unrestricted
from logpulse.query.engine import MetricsRequest
from logpulse.query.executor import Executor
from logpulse.query.interrupt import Interrupt
from logpulse.query.matrix import Matrix
from logpulse.query.range_plan import StreamClass

from ..strategies import NOON, LogEntry, entry
from .scanning import Searchable, spread

_STEP = 10**9

# -- lines ------------------------------------------------------------------------------------------------------------

_KEYS = [
    "status",
    "user_plan",
    "user",
    "plan",
    "user.plan",
    "user-plan",
    " status",
    "status ",
    "STATUS",
    "st\u0061tus",
    "level",
    "level_extracted",
    "took",
    "a",
    "",
    "__error__",
    "5xx",
    "stätus",
    "status\u00a0",
    "x status=5",
    " ",
    "\u00a0user_plan",
    "user_plan\u2003",
    "user plan",
    "\u2003",
]
_VALUES = [
    "500",
    "200",
    "1.50",
    "1e3",
    "007",
    "-0",
    "0",
    "1e400",
    "-0.0",
    "0x10",
    "inf",
    "NaN",
    "+5",
    "12345678901234567890",
    "",
    " ",
    "a b",
    'a"b',
    "a\\b",
    "é",
    "error",
    "250ms",
    "1.5s",
    "1h30m",
    "10KB",
    "null",
    "true",
    "5_0",
    "\t7",
    "x=y",
    'x" status=5 z',
    'x=" status=5 z',
    "x= status=5",
    "user status=5",
    '":-0',
    ":nan",
    "{",
]
# What DuckDB takes for JSON, and what nobody should.
_odd_json = st.sampled_from(["NaN", "Infinity", "-Infinity", "nan", "-inf", "iNF", "-0", "-0.0", "1e400", "01", "TRUE"])
# Keys that come to the same, and again, so that they meet in one line.
_keys = st.one_of(st.sampled_from(_KEYS), st.sampled_from(["user", "plan", "user_plan", "status", ""]))
_json_scalars = st.one_of(
    st.sampled_from(_VALUES),
    st.sampled_from([500, 200, 499, 501, 0, -1, 10**19, 1.5, 2.0, True, False, None]),
)
_json_values = st.one_of(
    _json_scalars,
    st.lists(_json_scalars, max_size=2),
    st.dictionaries(_keys, _json_scalars, max_size=3),
)


@st.composite
def json_lines(draw: st.DrawFn) -> str:
    """Draw JSON as programs write it and as they should not: duplicate keys, odd blanks and escapes, broken ends."""
    members = draw(st.lists(st.tuples(_keys, _json_values), max_size=4))
    written = ",".join(
        f"{_quoted(draw, key)}{draw(_gaps)}:{draw(_gaps)}{_written(draw, value)}" for key, value in members
    )
    line = "{" + written + "}"
    return draw(
        st.sampled_from([line, line, line, line + " ", line + "x", line[:-1], line[: len(line) // 2], f"[{line}]"])
    )


_gaps = st.sampled_from(["", "", "", " ", "\t"])


def _quoted(draw: st.DrawFn, text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    if escaped and draw(st.integers(0, 9)) == 0:
        escaped = f"\\u{ord(escaped[0]):04x}" + escaped[1:] if escaped[0] != "\\" else escaped
    return f'"{escaped}"'


def _written(draw: st.DrawFn, value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(draw, key)}:{_written(draw, each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(draw, each) for each in value) + "]"
    if isinstance(value, str):
        if draw(st.integers(0, 24)) == 0:
            return draw(_odd_json)
        plain_number = value in ("500", "1.50", "1e3", "-0", "12345678901234567890")
        return value if plain_number and draw(st.booleans()) else _quoted(draw, value)
    return json.dumps(value)


@st.composite
def logfmt_lines(draw: st.DrawFn) -> str:
    """Draw logfmt, good and broken."""
    pairs = draw(st.lists(st.tuples(_keys, st.sampled_from(_VALUES), st.integers(0, 5)), max_size=4))
    written = []
    for key, value, form in pairs:
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        written.append([f"{key}={value}", f"{key}={value}", f"{key}={quoted}", key, f"{key}=", f'{key}="{value}'][form])
    return draw(st.sampled_from([" ", " ", "\t", "\n", "  "])).join(written)


lines = st.one_of(json_lines(), logfmt_lines(), st.sampled_from(["", "{}", "status=500", "plain text status 500"]))
_metadata = st.one_of(
    st.none(),
    st.none(),
    st.dictionaries(
        st.sampled_from(["trace", "status", "user.plan", "level", "took"]),
        st.sampled_from(["1", "500", ""]),
        max_size=2,
    ),
)


@st.composite
def stored(draw: st.DrawFn) -> LogEntry:
    """Draw an entry of one of a few streams, some of which have a label that lines have too."""
    labels = draw(
        st.sampled_from(
            [{"service": "api"}, {"service": "web"}, {"service": "api", "level": "info"}, {"job": "x", "status": "9"}]
        )
    )
    return entry(draw(lines), NOON + draw(st.integers(-20, 0)) * _STEP, metadata=draw(_metadata), **labels)


# -- queries ----------------------------------------------------------------------------------------------------------

_parsers = st.sampled_from(["", "| json", "| logfmt", "| json", "| logfmt"])
_filters = st.sampled_from(
    [
        "",
        "",
        "| status >= 500",
        "| status < 300",
        "| status != 200",
        '| status = "500"',
        '| status != ""',
        '| status =~ "5.*"',
        '| user_plan = "pro"',
        '| user_plan !~ "a.*|"',
        "| took > 200ms",
        '| level = "info"',
        '| level != "error"',
        '| level_extracted = "error"',
        '| status >= 500 and level = "info"',
        "| status = 500 or took > 1s",
        '| __error__ = ""',
        '|= "status"',
        '!= "é"',
        '| trace = "1"',
        "| size > 1KB",
        "| drop __error__",
        "| drop user_plan",
    ]
)
_groupings = st.sampled_from(
    [
        "",
        "by (status)",
        "by (user_plan)",
        "by (user_plan, status)",
        "by (service)",
        "by (level, status)",
        "by (level_extracted)",
        "by ()",
        "by (trace)",
        "by (took)",
    ]
)
_unwraps = st.sampled_from(["| unwrap status", "| unwrap took", "| unwrap duration(took)", "| unwrap bytes(status)"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Draw a metric query with a pipeline that SQL can do, or nearly."""
    pipeline = " ".join(each for each in (draw(_filters), draw(_parsers), draw(_filters), draw(_filters)) if each)
    pipeline = pipeline.replace('!= "é" !=', "!=")
    window = draw(st.sampled_from(["[5s]", "[21s]", "[7s]"]))
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["count_over_time", "rate", "bytes_over_time"]))
        inner = f"{operator}({{}} {pipeline} {window})"
        grouping = draw(_groupings)
        return f"sum {grouping} ({inner})" if grouping or draw(st.booleans()) else inner
    operator = draw(st.sampled_from(["sum_over_time", "max_over_time", "quantile_over_time"]))
    parameter = "0.5, " if operator == "quantile_over_time" else ""
    errors = draw(st.sampled_from(["", '| __error__ = ""']))
    grouping = draw(_groupings) if operator != "sum_over_time" else ""
    inner = f"{operator}({parameter}{{}} {pipeline} {draw(_unwraps)} {errors} {window}) {grouping}"
    return f"sum {draw(_groupings)} ({inner})" if operator == "sum_over_time" else inner


def answer(found: Searchable, query: MetricExpression) -> object:
    """Give series and points in a form that can be compared, or that it failed: at which entry first is left open."""
    try:
        result = found.engine.metrics(MetricsRequest(query, NOON - 20 * _STEP, NOON, 4 * _STEP), Interrupt()).result
    except PipelineError:
        return "failed"
    assert isinstance(result, Matrix)
    values = np.where(result.present, result.values, -1e99)
    return {
        labels: tuple(map(repr, np.round(row, 9).tolist())) for labels, row in zip(result.labels, values, strict=True)
    }


@given(
    entries=st.lists(st.lists(stored(), min_size=1, max_size=6), min_size=1, max_size=3),
    flushes=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    text=queries(),
)
@settings(max_examples=200)
def test_sql_equals_the_exact_form(
    executor: Executor, entries: list[list[LogEntry]], flushes: tuple[bool, bool, bool], text: str
) -> None:
    query = parse_unrestricted(text)
    with spread(entries, flushes[: len(entries)], False, executor) as found:
        by_sql = answer(found, query)  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "logpulse.query.range_plan.plan_classes",
                lambda _aggregation, streams, _index: [StreamClass(streams, None)],
            )
            exactly = answer(found, query)  # type: ignore[arg-type]
    assert by_sql == exactly


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("status=5", "5"),
        ("a=1 status=5", "5"),
        ("a=1 status=5 b=2", "5"),
        ("a=1 status=", None),
        ("http_status=7 status=5", "5"),
        ("http_status=7", None),
        ("a=1\tstatus=5", "5"),
        ('msg="x y" status=5', "5"),
        ('msg="x status=7" status=5', "5"),
        (r'msg="x=\" status=7 z" status=5', "5"),
        ('msg="x=" status=5', "5"),
        ('status="5"', "5"),
        ('status="5 6"', "5 6"),
        ("status=5 status=6", "5"),
        ("status= status=5", "5"),
        ("status=5 status= a=1", "5"),
        ("status=5status=6", None),
        ("http_status=1 status= status=5", "5"),
        ("é=1 status=5 b=2", "5"),
        ("status=5\tb=2", "5"),
        ("\u00a0status=5", "5"),
        ("status\u00a0=5", "5"),
    ],
)
def test_values_of_logfmt(executor: Executor, line: str, value: str | None) -> None:
    _assert_values(executor, "status", "logfmt", "status=4", line, value)


@pytest.mark.parametrize(
    "line", ["user_plan=5", "user.plan=5", "\u00a0user_plan=5", "user_plan\u2003=5", "a=1 \x85user_plan=5 b=2"]
)
def test_values_of_logfmt_under_keys_of_several_words(executor: Executor, line: str) -> None:
    _assert_values(executor, "user_plan", "logfmt", "user_plan=4", line, "5")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('{"user_plan":"5"}', "5"),
        ('{"user":{"plan":"5"}}', "5"),
        ('{"user":{"plan":""}}', None),
        ('{"user_plan":null,"user":{"plan":"5"}}', "5"),
        ('{"user":1,"user":{"plan":"5"}}', "5"),
        ('{"user":{"name":"plan"},"user":{"plan":"5"},"user_plan":"6"}', "5"),
        ('{"":{"user_plan":"5"}}', "5"),
        ('{"":{"":{"user":{"plan":"5"}}},"user_plan":6}', "5"),
        ('{" ":{"user_plan":"5"}}', "5"),
        ('{"\\t":{"user_plan":"5"}}', "5"),
        ('{"user":{"":{"plan":"5"}}}', None),
        ('{"user_plan":-0}', "-0"),
        ('{"user_plan": -0}', "-0"),
        ('{"user_plan":0,"a":"-0"}', "0"),
        ('{"user_plan":1.0}', "1.0"),
        ('{"user_plan":1e3}', "1e3"),
        ('{"user_plan":12345678901234567890123}', "12345678901234567890123"),
        ('{"user_plan":5,"a":NaN}', "5"),
        ('{"user_plan":5,}', "5"),
    ],
)
def test_values_of_json(executor: Executor, line: str, value: str | None) -> None:
    _assert_values(executor, "user_plan", "json", '{"user_plan":4}', line, value)


def _assert_values(executor: Executor, name: str, parser: str, plain: str, line: str, value: str | None) -> None:
    """See that a line has this value: alone, and behind a line that has 4, which SQL has no doubt about."""
    query = parse_unrestricted(f"sum by ({name}) (count_over_time({{}} | {parser} [30s]))")
    for lines_before in ([], [plain]):
        entries = [entry(each, NOON, service="api") for each in [*lines_before, line]]
        with spread([entries], [True], False, executor) as found:
            result = found.engine.metrics(MetricsRequest(query, NOON, NOON, _STEP), Interrupt()).result  # type: ignore[arg-type]
        assert isinstance(result, Matrix)
        expected = {"4"} if lines_before else set()
        assert {dict(labels).get(name) for labels in result.labels} == {*expected, value}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "nan", "inf", "iNf"])
def test_what_is_no_number_in_json_is_an_error(executor: Executor, word: str) -> None:
    """As in Loki, though DuckDB reads it.

    Inside of arrays, and of objects without a wanted label, nobody looks, and what begins with `-` is a number there.
    """
    counted = parse_unrestricted("sum by (status) (count_over_time({} | json [30s]))")
    filtered = parse_unrestricted("sum by (status) (count_over_time({} | json | status >= 1 [30s]))")
    for written, is_error in ((word, True), (f" {word} ", True), (f"[{word}]", False), (f'{{"b":{word}}}', False)):
        entries = [entry(f'{{"a":{written},"b":-{word},"status":5}}', NOON, service="api")]
        with spread([entries], [True], False, executor) as found:
            assert (answer(found, counted) == "failed") is is_error  # type: ignore[arg-type]
            assert (answer(found, filtered) == {}) is is_error  # type: ignore[arg-type]


@pytest.mark.parametrize("parser", ["json", "logfmt"])
def test_what_a_line_says_of_a_label_of_its_stream(executor: Executor, parser: str) -> None:
    line = {"json": '{"level":"error"}', "logfmt": "level=error"}[parser]
    query = parse_unrestricted(f"sum by (level, level_extracted) (count_over_time({{}} | {parser} [30s]))")
    with spread([[entry(line, NOON, level="info")]], [True], False, executor) as found:
        result = found.engine.metrics(MetricsRequest(query, NOON, NOON, _STEP), Interrupt()).result  # type: ignore[arg-type]
    assert isinstance(result, Matrix)
    assert [dict(labels) for labels in result.labels] == [{"level": "info", "level_extracted": "error"}]
