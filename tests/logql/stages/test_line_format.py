"""The stage `| line_format`: the line becomes what the template says, or stays."""

from __future__ import annotations

import pytest

from tests.logql.stages.running import kept


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{.app}}-{{.nosuch}}|", "shop-|"),
        ("<{{__line__}}>", "<a=1>"),
        ("{{.a}}", "1"),
        ("static", "static"),
        ("", ""),
        ("{{.__error__}}", ""),
    ],
)
def test_lines(template: str, line: str) -> None:
    ran = kept(f"| logfmt | line_format `{template}`", "a=1")
    assert (ran.line, ran.error) == (line, "")


def test_later_stages_see_the_new_line() -> None:
    assert kept("| line_format `x=1` |= `x` | logfmt", "a=1").labels["x"] == "1"
    assert kept("| line_format `<{{__line__}}>` | line_format `[{{__line__}}]`", "a").line == "[<a>]"


def test_a_template_that_fails_leaves_the_line() -> None:
    ran = kept("| line_format `{{.app.nosuch}}`", "a=1")
    assert (ran.line, ran.error, dict(ran.labels)) == ("a=1", "TemplateFormatErr", dict(ran.base.labels))
    assert ran.error_details


def test_the_error_of_an_earlier_stage_is_no_label() -> None:
    ran = kept("| json | line_format `{{.__error__}}{{.__error_details__}}`", "text")
    assert (ran.line, ran.error) == ("", "JSONParserErr")
