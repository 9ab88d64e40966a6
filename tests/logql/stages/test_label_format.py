"""The stage `| label_format`: renames and templates, their order, and where labels come from then."""

from __future__ import annotations

import pytest

from logpulse.logql.record import Origin
from tests.logql.stages.running import kept

ERROR = "TemplateFormatErr"


@pytest.mark.parametrize(
    ("assignments", "labels"),
    [
        ("x=env", {"app": "shop", "x": "prod"}),
        ("app=env", {"app": "prod"}),
        ("x=nosuch", {"app": "shop", "env": "prod"}),
        ("app=nosuch", {"app": "shop", "env": "prod"}),
        ("env=env", {"app": "shop", "env": "prod"}),
        ("app=env, env=app", {"env": "prod"}),
        ('x="{{.env}}!"', {"app": "shop", "env": "prod", "x": "prod!"}),
        ('x=""', {"app": "shop", "env": "prod", "x": ""}),
        ('env=""', {"app": "shop", "env": ""}),
        ('env="{{.env}}-{{.app}}"', {"app": "shop", "env": "prod-shop"}),
        ('x="{{.env}}", y="{{.x}}"', {"app": "shop", "env": "prod", "x": "prod", "y": ""}),
        ('x=env, y="{{.env}}{{.x}}"', {"app": "shop", "x": "prod", "y": "prod"}),
        ('y="{{.env}}", x=env, z="{{.env}}"', {"app": "shop", "x": "prod", "y": "prod", "z": "prod"}),
        ('x="{{.app}}", y=x', {"app": "shop", "env": "prod", "y": "shop"}),
    ],
)
def test_labels(assignments: str, labels: dict[str, str]) -> None:
    ran = kept(f"| label_format {assignments}", "line")
    assert (dict(ran.labels), ran.error, ran.line) == (labels, "", "line")


def test_a_template_that_fails_leaves_its_label_alone() -> None:
    ran = kept('| label_format env="{{.app.nosuch}}", x="y"', "line")
    assert (dict(ran.labels), ran.error) == ({"app": "shop", "env": "prod", "x": "y"}, ERROR)


def test_the_error_is_no_label_to_rename() -> None:
    ran = kept("| json | label_format x=__error__", "text")
    assert ("x" in ran.labels, ran.error) == (False, "JSONParserErr")


def test_origins() -> None:
    ran = kept('| label_format env="changed", y="", stream=app, m=trace', "line", metadata={"trace": "t"})
    assert dict(ran.labels) == {"env": "changed", "y": "", "stream": "shop", "m": "t"}
    assert ran.origins == {"env": Origin.PARSED, "y": Origin.PARSED, "m": Origin.METADATA}
