"""The stage `| label_format`: labels renamed, or set from templates."""

from __future__ import annotations

from collections.abc import Callable

from logpulse.logql.ast import LabelFormat, LabelRename
from logpulse.logql.record import Check, Record, Test, never_stop
from logpulse.logql.stages.line_format import TEMPLATE_ERROR
from logpulse.logql.template import compile_template
from logpulse.logql.template_failure import RenderError

_Render = Callable[[Record], str]


def exact(stage: LabelFormat, check: Check = never_stop) -> Test:
    """Give the stage's work on one entry: assignments in their order. It calls `check` between two templates.

    All templates see the labels as they are when the first of them is reached. Where one fails its label stays.
    """
    assignments = [
        (each.name, each.source if isinstance(each, LabelRename) else compile_template(each.template, "label").render)
        for each in stage.assignments
    ]
    templates = [(name, what) for name, what in assignments if not isinstance(what, str)]

    def write(record: Record) -> bool:
        rendered: dict[str, str | RenderError] | None = None
        for name, what in assignments:
            if isinstance(what, str):
                record.rename(name, what)
                continue
            if rendered is None:
                rendered = {}
                for each, render in templates:
                    if rendered:
                        check()
                    rendered[each] = _render(render, record)
            text = rendered[name]
            if isinstance(text, str):
                record.set(name, text)
            else:
                record.fail(TEMPLATE_ERROR, str(text))
        return True

    return write


def _render(render: _Render, record: Record) -> str | RenderError:
    try:
        return render(record)
    except RenderError as failure:
        return failure
