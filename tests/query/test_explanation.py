"""What /explain says: it names what a query would read and who decides what, and the query then does just that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpulse.errors import InvalidRequestError
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import LogQuery
from logpulse.logql.parser import parse_unrestricted
from logpulse.query.engine import Engine, LogsRequest, MetricsRequest
from logpulse.query.executor import Executor, ScanTask
from logpulse.query.explanation import Explanation, SelectorExplanation
from logpulse.query.interrupt import Interrupt
from logpulse.query.prefilter import Mode
from logpulse.query.result import ScanStats

from ..strategies import NOON, batch_of, entry
from .scanning import Searchable, searchable

HOUR = 3600 * SECOND_NS
SQL, DOUBTFUL, EXACT = "sql", "sql, doubtful rows exactly", "exact"


class NoExecutor(Executor):
    """Refuse every scan."""

    def run(self, task: ScanTask, interrupt: Interrupt) -> pa.Table:
        raise AssertionError(f"scanned: {task.sql}")

    stream = run


def request_of(text: str, points: int = 1) -> LogsRequest | MetricsRequest:
    """Ask for the entries of an hour, or for the points from its end on."""
    query = parse_unrestricted(text)
    if isinstance(query, LogQuery):
        return LogsRequest(query, NOON + 1, NOON + HOUR + 1, limit=1000)
    return MetricsRequest(query, NOON + HOUR, NOON + HOUR + (points - 1) * SECOND_NS, SECOND_NS)


def fill(found: Searchable) -> None:
    """Store two segments of noon and one of the evening, and an entry in memory."""
    for hour in (0, 0, 6):
        count = len(found.store.view.segments)
        lines = [f'{{"a":"{count}","took":"1{number}ms"}}' for number in range(3)]
        parts = [entry(line, NOON + hour * HOUR + 1 + place + 10 * count) for place, line in enumerate(lines)]
        found.store.append([batch_of([*parts, entry("a=b other", NOON + hour * HOUR + 10 * count, service="db")])])
        found.store.flush()
    found.store.append([batch_of([entry("in memory, timeout=5s", NOON + 500)])])


def explained(found: Searchable, text: str) -> Explanation:
    """Explain a query without any scan."""
    with NoExecutor(found.store.folder.root, threads=1, memory=64 << 20) as executor:
        return Engine(found.store, executor).explain(request_of(text), Interrupt())


def shown(selector: SelectorExplanation) -> tuple[list[str], list[str], str]:
    """Give the stages as text, and the mode."""
    division = selector.division
    return [str(stage) for stage in division.pushed], [str(stage) for stage in division.exact], division.mode.value


def cost(found: Searchable, text: str) -> ScanStats:
    """Run a query and give what it cost."""
    request = request_of(text)
    if isinstance(request, LogsRequest):
        return found.engine.logs(request, Interrupt()).stats
    return found.engine.metrics(request, Interrupt()).stats


DIVISIONS: list[tuple[str, list[tuple[list[str], list[str], str]]]] = [
    ("{}", [([], [], SQL)]),
    ('{} |= "x" != "y"', [(['|= "x"', '!= "y"'], [], SQL)]),
    ('{} |= "x" | json | a="1"', [(['|= "x"'], ["| json", '| a="1"'], EXACT)]),
    ("count_over_time({}[1h])", [([], [], SQL)]),
    ('rate({} |~ "x+"[1h])', [(['|~ "x+"'], [], SQL)]),
    ('rate({} |~ "x+" | label_format b=a[1h])', [(['|~ "x+"'], ["| label_format b=a"], EXACT)]),
    ('sum by (a) (rate({} |= "a" | json [1h]))', [(['|= "a"', "| json"], [], DOUBTFUL)]),
    ('count_over_time({} |= "a" | json [1h])', [(['|= "a"'], ["| json"], EXACT)]),
    ('sum(count_over_time({} | json | line_format "x" [1h]))', [([], [], SQL)]),
    ('max_over_time({} | json | unwrap duration(took) | __error__="" [1h]) by (a)',
     [(["| json", "| unwrap duration(took)", '| __error__=""'], [], DOUBTFUL)]),
    ('sum(rate({service="db"}[1h])) / on () sum(rate({service="x"} | label_format b=a [1h]))',
     [([], [], SQL), ([], ["| label_format b=a"], EXACT)]),
    ("absent_over_time({}[1h])", [([], [], SQL)]),
    ("topk(2, label_replace(rate({}[1h]), \"a\", \"b\", \"c\", \".*\")) or vector(1)", [([], [], SQL)]),
    ("1 + 1", []),
    ("vector(1)", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "divisions"), DIVISIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_who_decides_what(tmp_path: Path, text: str, divisions: list[tuple[list[str], list[str], str]]) -> None:
    with searchable(tmp_path) as found:
        fill(found)
        explanation = explained(found, text)
    assert explanation.query == parse_unrestricted(text)
    assert [shown(each) for each in explanation.selectors] == divisions
    assert tuple(each.selector for each in explanation.selectors) == explanation.query.selectors


def test_what_is_read(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        fill(found)
        (everything,) = explained(found, "{}").selectors
        (database,) = explained(found, 'rate({service="db"}[1h])').selectors
        (nothing,) = explained(found, '{service="nope"} | json').selectors
        (by_label,) = explained(found, 'sum(rate({} | service="db" [1h]))').selectors
    line, other, memory = len('{"a":"0","took":"10ms"}'), len("a=b other"), len("in memory, timeout=5s")
    sizes = [
        (each.streams, each.segments, each.segments_in_time, each.head_rows, each.text_bytes)
        for each in (everything, database, nothing, by_label)
    ]
    assert sizes == [
        (2, 3, 2, 1, 2 * (3 * line + other) + memory),
        (1, 3, 2, 0, 2 * other),
        (0, 0, 0, 0, 0),
        (1, 3, 2, 0, 2 * other),  # a filter of stream labels chooses among the streams
    ]


@pytest.mark.parametrize(("parser", "most"), [("json", 128), ("logfmt", 32)])
def test_many_labels_are_read_by_the_exact_form(tmp_path: Path, parser: str, most: int) -> None:
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("x", NOON + 1)])])
        modes = []
        for count in (most, most + 1):
            names = ", ".join(f"label{number}" for number in range(count))
            (said,) = explained(found, f"sum by ({names}) (rate({{}} | {parser} [1h]))").selectors
            modes.append(shown(said)[2])
    assert modes == [DOUBTFUL, EXACT]


def test_of_several_classes_of_streams_the_one_with_most_for_python_counts(tmp_path: Path) -> None:
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("x", NOON + 1, service="a", level="info"), entry("x", NOON + 1)])])
        (both,) = explained(found, 'sum by (level) (rate({} | pattern "<level> <_>" [1h]))').selectors
        (one,) = explained(found, 'sum by (service) (rate({} | service="a" [1h]))').selectors
    assert shown(both)[2] == EXACT
    assert (shown(one), one.streams) == ((['| service="a"'], [], SQL), 1)


def test_a_query_that_cannot_run_cannot_be_explained(tmp_path: Path) -> None:
    with searchable(tmp_path) as found, pytest.raises(InvalidRequestError, match="approx_topk"):
        found.engine.explain(request_of("approx_topk(1, rate({}[1h]))", points=2), Interrupt())


LINE_FILTERS = ['|= "a"', '!= "timeout"', '|~ "[0-9]"']
STAGES = [
    "| json",
    "| logfmt",
    '| a="1"',
    '| a != ""',
    "| label_format b=a",
    '| line_format "{{.a}}"',
    '| service="db"',
]


@given(
    st.lists(st.sampled_from(LINE_FILTERS), max_size=2),
    st.lists(st.sampled_from(STAGES), max_size=3),
    st.sampled_from(["{}", '{service="db"}', '{service="nope"}']),
    st.sampled_from(["%s", "count_over_time(%s [1h])", "sum by (a) (rate(%s [1h]))", "sum(bytes_over_time(%s [1h]))"]),
)
@settings(max_examples=60, deadline=None)
def test_the_query_does_what_was_explained(
    stored: Searchable, filters: list[str], stages: list[str], selector: str, form: str
) -> None:
    text = form % " ".join((selector, *filters, *stages, '| __error__=""'))
    (said,) = explained(stored, text).selectors
    spent = cost(stored, text)
    if said.division.mode is Mode.SQL:
        assert spent.exact_rows == 0
    elif said.division.mode is Mode.EXACT:
        left = request_of(" ".join((selector, *map(str, said.division.pushed))))
        assert isinstance(left, LogsRequest)
        # What a label filter asks for may rule rows out before.
        assert spent.exact_rows <= len(stored.engine.logs(left, Interrupt()).entries)
    assert (spent.text_bytes, spent.segments) == (said.text_bytes, said.segments_in_time)
    assert spent.streams in (said.streams, 0)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searchable]:
    """Give a filled store."""
    with searchable(tmp_path_factory.mktemp("explained")) as found:
        fill(found)
        yield found
