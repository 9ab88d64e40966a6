"""The pipeline as a whole: order, early ends, and what a planner asks of its stages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpulse.logql.pipeline import Pipeline, line_filters, without_idle_line_formats, without_line_filters
from tests.logql.stages.running import kept, record, run, stages
from tests.logql.strategies import stages as any_stage

LINES = ["", "a=1 b=2", '{"a":"1","b":{"c":2}}', "text é 10.0.0.1", '{"a":1,"b":}', 'a="x" "b', "\x1b[31mred\x1b[0m"]


def test_an_empty_pipeline_keeps_everything() -> None:
    assert Pipeline([]).run(record("line"))
    assert Pipeline([]).sample(record("line")) == 1.0


def test_stages_run_in_order_and_stop_at_the_first_that_drops() -> None:
    ran = record("a=1")
    assert not Pipeline(stages('| logfmt | a="2" | label_format x="y"')).run(ran)
    assert "x" not in ran.labels
    assert run("| logfmt | line_format `x` |= `a`", "a=1") is None
    assert kept("| logfmt |= `a` | line_format `x`", "a=1").line == "x"


@pytest.mark.parametrize(
    ("text", "filters", "rest"),
    [
        ('|= "a" |~ "b"', 2, 0),
        ('|= "a" | json | x="1" != "b" |> "<_>"', 3, 2),
        ('| drop a | label_format b="c" |= "a"', 1, 2),
        ('|= "a" | line_format `x` |= "b"', 1, 2),
        ('| decolorize |= "a"', 0, 2),
        ('| unpack |= "a" | json', 0, 3),
    ],
)
def test_filters_of_the_stored_line(text: str, filters: int, rest: int) -> None:
    pipeline = stages(text)
    assert len(line_filters(pipeline)) == filters
    assert len(without_line_filters(pipeline)) == rest


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("| json | line_format `x`", "| json"),
        ("| json | line_format `x` | a>1", "| json | a>1"),
        ("| line_format `x` | json", "| line_format `x` | json"),
        ("| line_format `x` |= `x` | line_format `y`", "| line_format `x` |= `x`"),
        ("| line_format `x` | label_format a=b", "| label_format a=b"),
        ("| line_format `x` | label_format a=`{{__line__}}`", "| line_format `x` | label_format a=`{{__line__}}`"),
        ("| json", "| json"),
    ],
)
def test_idle_line_formats(text: str, left: str) -> None:
    assert without_idle_line_formats(stages(text)) == (stages(left) if left else ())


@given(st.lists(any_stage(), max_size=4), st.sampled_from(LINES))
def test_any_pipeline_runs_over_any_line(made: list[object], line: str) -> None:
    pipeline = Pipeline(made)  # type: ignore[arg-type]
    first, second = record(line, metadata={"m": "x"}), record(line, metadata={"m": "x"})
    assert pipeline.run(first) == pipeline.run(second)
    assert (first.line, dict(first.shown), first.origins) == (second.line, dict(second.shown), second.origins)
    assert all(isinstance(value, str) for value in first.shown.values())


@given(st.lists(any_stage(), max_size=4), st.sampled_from(LINES))
def test_filters_may_be_decided_elsewhere(made: list[object], line: str) -> None:
    whole, rest = record(line), record(line)
    decided = Pipeline(line_filters(made)).run(record(line))  # type: ignore[arg-type]
    kept_whole = Pipeline(made).run(whole)  # type: ignore[arg-type]
    kept_rest = decided and Pipeline(without_line_filters(made)).run(rest)  # type: ignore[arg-type]
    assert kept_whole == kept_rest
    if kept_whole:
        assert (whole.line, dict(whole.shown)) == (rest.line, dict(rest.shown))
