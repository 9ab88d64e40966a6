"""A pulled interrupt stops a query wherever it is: between two rows, two series, two digits of a sort."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from logpulse.errors import QueryCancelledError
from logpulse.http.query_json import series_json
from logpulse.limits import SECOND_NS
from logpulse.logql.ast import BinaryOperation, LabelReplace, LogQuery, MetricExpression, Query, VectorAggregation
from logpulse.logql.parser import parse
from logpulse.logql.pipeline import Pipeline
from logpulse.logql.record import Record
from logpulse.query.binary_operation import operate
from logpulse.query.engine import LogsRequest, MetricsRequest
from logpulse.query.evaluation import evaluate
from logpulse.query.gathering import SeriesNumbers
from logpulse.query.interrupt import Interrupt, checked
from logpulse.query.label_replace import replace_label
from logpulse.query.order_statistics import quantiles
from logpulse.query.result import MetricsAnswer, ScanStats
from logpulse.query.series_keys import SeriesKeys
from logpulse.query.vector_aggregation import aggregate

from ..strategies import NOON, batch_of, entry
from .matrices import matrix
from .scanning import Searchable, searchable


class Pulling(Interrupt):
    """Be pulled at the n-th check of the rows."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.checks = 0
        self._at = at

    def check(self) -> None:
        self.checks += 1
        if self.checks == self._at:
            self.pull()
        super().check()


ROWS = 3000
EXACT = [
    '{service="api"} | line_format "{{.x}}"',
    'count_over_time({service="api"} | label_format a=b [1h])',
    'sum(sum_over_time({service="api"} | label_format a=b | unwrap x [1h]))',
]


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize("at", [100, 1000])
def test_the_exact_form_stops_between_two_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, at: int
) -> None:
    query, decided = parse(text), 0
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry(f"line {number}", NOON + number) for number in range(ROWS)])])
        interrupt = Pulling(at)
        whole = Pipeline.sample

        def counted(pipeline: Pipeline, record: Record) -> float | None:
            nonlocal decided
            decided += 1
            return whole(pipeline, record)

        monkeypatch.setattr(Pipeline, "sample", counted)
        with pytest.raises(QueryCancelledError):
            _asking(found, query)(interrupt)
    assert interrupt.checks == at
    assert at - 20 <= decided < at


MANY_STAGES = {
    "formats of the line": '| line_format "{{.x}}" ' * 100,
    "templates of labels": "| label_format " + ", ".join(f'l{number}="{{{{.x}}}}"' for number in range(100)),
    "parsers": "| regexp `(?P<x>.)` " * 400,
}


@pytest.mark.parametrize("stages", MANY_STAGES.values(), ids=MANY_STAGES)
@pytest.mark.parametrize("form", ["{} {}", "bytes_over_time({} {} | label_format a=b [1h])"])
def test_the_exact_form_stops_in_the_midst_of_a_row(tmp_path: Path, form: str, stages: str) -> None:
    query = parse(form.format('{service="api"}', stages))
    with searchable(tmp_path) as found:
        found.store.append([batch_of([entry("line", NOON)])])
        run = _asking(found, query)
        whole = Pulling(at=0)
        run(whole)
        assert whole.checks > 40
        stopped = Pulling(at=40)
        with pytest.raises(QueryCancelledError):
            run(stopped)
    assert stopped.checks == 40


def _asking(found: Searchable, query: Query) -> Callable[[Interrupt], object]:
    moment = NOON + 3600 * SECOND_NS - 1
    if isinstance(query, LogQuery):
        return partial(found.engine.logs, LogsRequest(query, limit=ROWS))
    return partial(found.engine.metrics, MetricsRequest(query, moment, moment, SECOND_NS))


def metric(text: str) -> MetricExpression:
    """Parse a metric query in which `x` stands for a vector."""
    query = parse(text.replace("x", 'rate({a="b"}[1m])'))
    assert not isinstance(query, LogQuery)
    return query


VECTOR = matrix({"a=1": [1, 2], "a=2": [3, 4], "a=3": [3, 4]})


def _aggregated(text: str, interrupt: Interrupt) -> object:
    node = metric(text)
    assert isinstance(node, VectorAggregation)
    return aggregate(node, VECTOR, interrupt)


def _operated(text: str, interrupt: Interrupt) -> object:
    node = metric(text)
    assert isinstance(node, BinaryOperation)
    return operate(node, VECTOR, VECTOR, interrupt)


def _replaced(interrupt: Interrupt) -> object:
    node = metric('label_replace(x, "a", "b", "c", ".*")')
    assert isinstance(node, LabelReplace)
    return replace_label(node, VECTOR, interrupt)


def _quantiles(interrupt: Interrupt) -> object:
    lows, highs = np.array([0, 1]), np.array([3, 4])
    return quantiles(np.array([4.0, 2.0, 3.0, 1.0]), lows, highs, 0.5, interrupt)


def _keys(interrupt: Interrupt) -> object:
    keys = SeriesKeys(("stream",), None, lambda *group: (("a", str(group[0])),))
    return keys.series(pa.table({"group0": [1, 2, 3]}), SeriesNumbers(), interrupt)


def _written(interrupt: Interrupt) -> object:
    times = VECTOR.times.tolist()
    return series_json(MetricsAnswer(VECTOR, ScanStats()), times, SECOND_NS, 0.0, interrupt)


WORK: dict[str, Callable[[Interrupt], object]] = {
    "sum": lambda interrupt: _aggregated("sum by (a) (x)", interrupt),
    "topk": lambda interrupt: _aggregated("topk(2, x)", interrupt),
    "arithmetic": lambda interrupt: _operated("x + x", interrupt),
    "set operator": lambda interrupt: _operated("x and x", interrupt),
    "label_replace": _replaced,
    "quantiles": _quantiles,
    "series of groups": _keys,
    "an answer": _written,
    "an expression": lambda interrupt: evaluate(metric("x + 1"), VECTOR.times, lambda _: VECTOR, 9, interrupt),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_what_is_done_with_series_can_be_stopped(work: Callable[[Interrupt], object]) -> None:
    idle = Pulling(at=0)
    assert work(idle) is not None
    assert idle.checks >= 2
    for at in range(1, idle.checks + 1):
        with pytest.raises(QueryCancelledError):
            work(Pulling(at))


def test_checked_items_end_with_the_interrupt() -> None:
    interrupt = Interrupt()
    items = checked([1, 2, 3], interrupt)
    assert next(items) == 1
    interrupt.pull()
    with pytest.raises(QueryCancelledError):
        next(items)
    assert list(checked([1, 2, 3], None)) == [1, 2, 3]
