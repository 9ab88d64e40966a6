"""Render templates for entries that are made by hand."""

from __future__ import annotations

import pytest

from logpulse.logql.record import Base, Record
from logpulse.logql.template import Template, compile_template
from logpulse.logql.template_failure import RenderError

MOMENT = 1_772_600_767_012_345_678
"""2026-03-04T05:06:07.012345678Z, a Wednesday."""


def entry(line: str = "", **labels: str) -> Record:
    """Make an entry of MOMENT with labels."""
    return Record(MOMENT, line, Base(labels))


def render(template: str, line: str = "", **labels: str) -> str:
    """Render a template for an entry; `now` is MOMENT."""
    return compile_template(template, now=lambda: MOMENT).render(entry(line, **labels))


def reason(template: str, line: str = "", **labels: str) -> str:
    """Give the text with which a template fails, after the node: `error calling div: …`."""
    with pytest.raises(RenderError) as caught:
        compile_template(template, now=lambda: MOMENT).render(entry(line, **labels))
    return caught.value.details.split(">: ", 1)[1]


def outcome(template: Template, record: Record) -> tuple[str, str | None]:
    """Give the text that a template makes of an entry, or its line and the reason why there is none."""
    try:
        return template.render(record), None
    except RenderError as error:
        return record.line, error.details
