"""Which labels stages read and write, and what parsers have to extract for them."""

from __future__ import annotations

import pytest

from logpulse.logql.label_use import labels_read, labels_written, wanted_labels
from tests.logql.stages.running import stages


@pytest.mark.parametrize(
    ("stage", "read", "written"),
    [
        ('|= "x"', set(), set()),
        ("| json", set(), None),
        ('| json a="x.y", b', set(), {"a", "a_extracted", "b", "b_extracted"}),
        ("| logfmt --strict", set(), None),
        ("| logfmt a", set(), {"a", "a_extracted"}),
        ("| unpack", set(), None),
        ("| regexp `(?P<a>.)(.)(?<b>.)`", set(), {"a", "a_extracted", "b", "b_extracted"}),
        ("| pattern `<a> <_> x`", set(), {"a", "a_extracted"}),
        ('| a="1" or (b>2 and c<3s), d=ip("::1")', {"a", "b", "c", "d"}, set()),
        ('| __error__=""', {"__error__"}, set()),
        ("| line_format `{{.a}} {{if .b}}{{.c.d}}{{end}}{{__line__}}`", {"a", "b", "c"}, set()),
        ("| line_format `{{.}}`", None, set()),
        ('| label_format a=b, c="{{.d}}"', {"b", "d"}, {"a", "c"}),
        ('| label_format a=b, c="{{range $k, $v := .}}{{$k}}{{end}}"', None, {"a", "c"}),
        ('| drop a, b="1"', set(), set()),
        ('| keep a, b="1"', set(), set()),
        ("| decolorize", set(), set()),
        ("| unwrap duration(a)", {"a"}, set()),
    ],
)
def test_stages(stage: str, read: set[str] | None, written: set[str] | None) -> None:
    (only,) = stages(stage)
    assert labels_read(only) == read
    assert labels_written(only) == written


@pytest.mark.parametrize(
    ("text", "named", "wanted"),
    [
        ("| json", set(), set()),
        ("| json", {"level"}, {"level"}),
        ("| json", None, None),
        ("| json | status>=500", {"level"}, {"status", "level"}),
        ("| json | status>=500", None, None),
        ("| json | line_format `{{.}}`", {"level"}, None),
        ("| json | app_extracted=`x`", set(), {"app", "app_extracted"}),
        ("| json | unwrap a | b>1", {"c"}, {"a", "b", "c"}),
    ],
)
def test_wanted_labels(text: str, named: set[str] | None, wanted: set[str] | None) -> None:
    assert wanted_labels(stages(text), None if named is None else frozenset(named)) == wanted
