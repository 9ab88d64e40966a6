"""The stage `| unwrap`: labels become samples."""

from __future__ import annotations

import math

import pytest

from logpulse.logql.pipeline import Pipeline
from tests.logql.stages.running import record, stages

SAMPLE_ERROR = "SampleExtractionErr"
LINE = 'n=2.5 d=1.5s b="2KiB" w=word e="" inf=Inf x=1e400'


@pytest.mark.parametrize(
    ("stage", "value"),
    [
        ("unwrap n", 2.5),
        ("unwrap duration(d)", 1.5),
        ("unwrap duration_seconds(d)", 1.5),
        ("unwrap bytes(b)", 2048.0),
        ("unwrap inf", math.inf),
        ("unwrap e", None),
        ("unwrap nosuch", None),
        ("unwrap n | n>2", 2.5),
        ("unwrap n | n>3", None),
        ('unwrap n | __error__=""', 2.5),
        ('unwrap w | __error__=""', None),
        ('unwrap nosuch | __error__=""', None),
    ],
)
def test_samples(stage: str, value: float | None) -> None:
    ran = record(LINE)
    assert Pipeline(stages(f"| logfmt --keep-empty | {stage}")).sample(ran) == value


@pytest.mark.parametrize("stage", ["w", "d", "x", "duration(n)", "bytes(w)"])
def test_what_cannot_be_converted_is_an_error(stage: str) -> None:
    ran = record(LINE)
    pipeline = Pipeline(stages(f"| logfmt | unwrap {stage}"))
    assert pipeline.sample(ran) == 0.0
    assert ran.error == SAMPLE_ERROR
    assert ran.error_details
    assert ran.labels["n"] == "2.5"


def test_the_error_of_an_earlier_stage_stays() -> None:
    ran = record('{"n":1,"b":}')
    assert Pipeline(stages("| json | unwrap n")).sample(ran) == 1.0
    assert ran.error == "JSONParserErr"
    assert Pipeline(stages('| json | __error__="" | unwrap n')).sample(record('{"n":1,"b":}')) is None


def test_run_tells_whether_there_is_a_sample() -> None:
    pipeline = Pipeline(stages("| logfmt | unwrap n"))
    assert pipeline.run(record(LINE))
    assert not pipeline.run(record("text"))
