"""The stages `| drop` and `| keep`: which labels go, which stay, and the error."""

from __future__ import annotations

import pytest

from logpulse.logql.record import Origin
from tests.logql.stages.running import kept


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("drop a", {"app", "env", "b", "m"}),
        ("drop a, env, m, nosuch", {"app", "b"}),
        ('drop a="1", b="x"', {"app", "env", "b", "m"}),
        ('drop a!="1", b=~"2|3"', {"app", "env", "a", "m"}),
        ('drop nosuch=""', {"app", "env", "a", "b", "m"}),
        ("keep a, app", {"a", "app"}),
        ("keep nosuch", set()),
        ('keep a="1", b="x", env!="prod"', {"a"}),
        ('keep a="2", a="1"', {"a"}),
        ("keep a | drop a", set()),
    ],
)
def test_labels(stage: str, names: set[str]) -> None:
    ran = kept(f"| logfmt | {stage}", "a=1 b=2", metadata={"m": "x"})
    assert set(ran.labels) == names
    assert set(ran.origins) == names - {"app", "env"}


def test_a_dropped_label_may_come_again() -> None:
    ran = kept("| drop env | label_format env=app", "line")
    assert (dict(ran.labels), dict(ran.origins)) == ({"env": "shop"}, {})
    ran = kept('| drop env | label_format env="x"', "line")
    assert (dict(ran.labels), dict(ran.origins)) == ({"app": "shop", "env": "x"}, {"env": Origin.PARSED})


@pytest.mark.parametrize(
    ("stage", "error", "details"),
    [
        ("drop __error__", "", True),
        ("drop __error_details__", "JSONParserErr", False),
        ("drop __error__, __error_details__", "", False),
        ('drop __error__="JSONParserErr"', "", True),
        ('drop __error__="x"', "JSONParserErr", True),
        ('drop __error_details__=~".+"', "JSONParserErr", False),
        ("keep nosuch", "JSONParserErr", True),
        ("drop app", "JSONParserErr", True),
    ],
)
def test_the_error(stage: str, error: str, details: bool) -> None:
    ran = kept(f"| json | {stage}", "text")
    assert (ran.error, bool(ran.error_details)) == (error, details)


def test_what_a_line_calls_an_error_is_kept() -> None:
    line = '{"__error__":"mine","a":"b"}'
    assert dict(kept("| json | keep nosuch", line).labels) == {"__error__": "mine"}
    assert kept("| json | drop __error__", line).labels["__error__"] == "mine"
