"""Regular expressions as LogQL defines them: RE2, compiled once, bounded in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import AnyStr, Final

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


_KNOWN: Final = 256  # compiled expressions that are kept; RE2's own cache does not look at their memory


@lru_cache(maxsize=_KNOWN)
def compile_pattern(pattern: str) -> re2._Regexp[str]:
    """Compile `pattern`; `.` does not match a newline, classes are ASCII, as in Go.

    Raises:
        PatternError: RE2 refuses the pattern or it is longer than REGEX_BYTES.
    """
    return _compile(pattern, pattern, re2.Options())


# To tests that want no offsets the text goes as bytes, which spares RE2's wrapper half of its time: it need not count
# characters.
@lru_cache(maxsize=_KNOWN)
def _compile_bytes(pattern: str) -> re2._Regexp[bytes]:
    return _compile(pattern, pattern.encode("utf-8", "replace"), re2.Options())


@lru_cache(maxsize=_KNOWN)
def _compile_dot_all(pattern: str) -> re2._Regexp[bytes]:
    options = re2.Options()
    options.dot_nl = True
    return _compile(pattern, pattern.encode("utf-8", "replace"), options)


def _compile(pattern: str, source: AnyStr, options: re2.Options) -> re2._Regexp[AnyStr]:
    if len(pattern.encode("utf-8", "replace")) > REGEX_BYTES:
        raise PatternError(pattern, f"longer than {REGEX_BYTES} bytes")
    options.max_mem = REGEX_MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(source, options=options)
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
    return lambda text: fullmatch(text.encode("utf-8", "replace")) is not None


def compile_search(pattern: str) -> Callable[[str], bool]:
    """Compile `pattern` so that it may match anywhere in a text.

    Raises:
        PatternError: as `compile_pattern`.
    """
    search = _compile_bytes(pattern).search
    return lambda text: search(text.encode("utf-8", "replace")) is not None


def compile_groups(pattern: str) -> Callable[[str], dict[str, str] | None]:
    """Compile `pattern` so that it gives the named groups of its first match in a text, None where it does not match.

    A group that takes no part in the match is empty.

    Raises:
        PatternError: as `compile_pattern`.
    """
    compiled = _compile_bytes(pattern)
    search = compiled.search
    groups = sorted((number, name.decode()) for name, number in compiled.groupindex.items())

    def find(text: str) -> dict[str, str] | None:
        encoded = text.encode("utf-8", "replace")
        match = search(encoded)
        if match is None:
            return None
        found = {}
        for number, name in groups:
            begin, end = match.span(number)
            found[name] = encoded[begin:end].decode("utf-8", "replace")  # one that takes no part has -1 twice
        return found

    return find
