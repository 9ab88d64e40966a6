"""Every function that a template may call, by its name; `and`, `or` and `call` are part of the language itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from logpulse.logql.template_comparison import COMPARISON_FUNCTIONS
from logpulse.logql.template_dates import DATE_FUNCTIONS, clock_functions
from logpulse.logql.template_escape import ESCAPE_FUNCTIONS
from logpulse.logql.template_json import JSON_FUNCTIONS
from logpulse.logql.template_numbers import NUMBER_FUNCTIONS
from logpulse.logql.template_regex import REGEX_FUNCTIONS
from logpulse.logql.template_text import TEXT_FUNCTIONS
from logpulse.logql.template_types import Signature

SHORT_CIRCUIT: Final = frozenset({"and", "or"})
"""Functions that leave arguments unevaluated."""

CALL: Final = "call"
"""What calls a function that is a value; no value of a template is one."""

ENTRY: Final = frozenset({"__line__", "__timestamp__"})
"""Functions that read the entry."""

SPLITTING: Final = frozenset({"trunc", "substr", "slice", "b64dec", "urldecode"})
"""Functions whose result may hold bytes that are no UTF-8."""


def functions(now: Callable[[], int]) -> dict[str, Signature]:
    """Give the functions that are described by a signature; `now` gives unix nanoseconds."""
    return {
        **TEXT_FUNCTIONS,
        **ESCAPE_FUNCTIONS,
        **REGEX_FUNCTIONS,
        **NUMBER_FUNCTIONS,
        **JSON_FUNCTIONS,
        **COMPARISON_FUNCTIONS,
        **DATE_FUNCTIONS,
        **clock_functions(now),
    }
