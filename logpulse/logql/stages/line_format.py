"""The stage `| line_format`: the line that a template makes of the entry."""

from __future__ import annotations

from typing import Final

from logpulse.logql.ast import LineFormat
from logpulse.logql.record import Record, Test
from logpulse.logql.template import compile_template
from logpulse.logql.template_failure import RenderError

TEMPLATE_ERROR: Final = "TemplateFormatErr"
"""What `__error__` says where a template fails."""


def exact(stage: LineFormat) -> Test:
    """Give the stage's work on one entry. Where the template fails the line stays."""
    render = compile_template(stage.template).render

    def write(record: Record) -> bool:
        try:
            record.line = render(record)
        except RenderError as failure:
            record.fail(TEMPLATE_ERROR, str(failure))
        return True

    return write
