"""Regular expressions as LogQL defines them: RE2, compiled once, bounded in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import attrs
import re2

from logpulse.errors import LogPulseError
from logpulse.limits import REGEX_BYTES, REGEX_MEMORY_BYTES


@attrs.define(eq=False, slots=False)
class PatternError(LogPulseError):
    """Refuse a regular expression, with RE2's own reason."""

    pattern: str
    reason: str

    def __str__(self) -> str:
        return f"invalid regular expression: {self.reason}"


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re2._Regexp:
    """Compile `pattern`; `.` does not match a newline, classes are ASCII, as in Go.

    Raises:
        PatternError: RE2 refuses the pattern or it is longer than REGEX_BYTES.
    """
    return _compile(pattern, re2.Options())


@lru_cache(maxsize=256)
def _compile_dot_all(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.dot_nl = True
    return _compile(pattern, options)


def _compile(pattern: str, options: re2.Options) -> re2._Regexp:
    if len(pattern.encode("utf-8", "replace")) > REGEX_BYTES:
        raise PatternError(pattern, f"longer than {REGEX_BYTES} bytes")
    options.max_mem = REGEX_MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        detail = error.args[0] if error.args else error
        raise PatternError(
            pattern, detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        ) from None


def compile_anchored(pattern: str) -> Callable[[str], bool]:
    """Compile `pattern` so that it must match a whole label value; here `.` matches a newline too, as in Prometheus.

    Raises:
        PatternError: as `compile_pattern`.
    """
    fullmatch = _compile_dot_all(pattern).fullmatch
    return lambda text: fullmatch(text) is not None


def compile_search(pattern: str) -> Callable[[str], bool]:
    """Compile `pattern` so that it may match anywhere in a text.

    Raises:
        PatternError: as `compile_pattern`.
    """
    search = compile_pattern(pattern).search
    return lambda text: search(text) is not None
