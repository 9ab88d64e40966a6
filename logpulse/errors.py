"""The one tree of errors. Each carries the data to render it; HTTP statuses are given in `http/problems.py` only.

The branches say what the caller can do: mend the request, send less, come back later, mend the configuration,
or look at the disk.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs


@attrs.define(eq=False, slots=False)
class LogPulseError(Exception):
    """Be the root of every error LogPulse raises on purpose."""

    def __str__(self) -> str:
        return type(self).__name__


# -- mend the request -------------------------------------------------------------------------------------------------


@attrs.define(eq=False, slots=False)
class InvalidRequestError(LogPulseError):
    """Say which field of a request is wrong, what it held and what would be right."""

    field: str
    value: object
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}, got {shorten(self.value)}"


@attrs.define(eq=False, slots=False)
class BodyFormatError(LogPulseError):
    """Say where a request body cannot be read."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@attrs.define(eq=False, slots=False)
class ForeignTextError(LogPulseError):
    """Refuse a request in the words that the clients of another server's API know, with the setting that moves a limit.

    The setting stands in a line of its own, since some clients show the first line only.
    """

    text: str
    setting: str = ""

    def __str__(self) -> str:
        return f"{self.text}\nraise {self.setting} to allow more" if self.setting else self.text


@attrs.define(eq=False, slots=False)
class NoStreamsError(BodyFormatError):
    """Refuse a push that names no stream at all."""


@attrs.define(eq=False, slots=False)
class UnsupportedMediaError(LogPulseError):
    """Name the header of a body in a format that is not understood, and the formats that are."""

    header: str
    value: str
    supported: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.header}: {shorten(self.value)} is not supported; send one of {', '.join(self.supported)}"


@attrs.frozen
class Position:
    """Point into the text of a query: `offset` counts characters from 0, `line` and `column` from 1."""

    offset: int
    line: int
    column: int
    length: int


@attrs.define(eq=False, slots=False)
class QuerySyntaxError(LogPulseError):
    """Say where a query is malformed, what stands there and what could stand there instead."""

    reason: str
    position: Position
    expected: tuple[str, ...] = ()
    hint: str = ""

    @property
    def explanation(self) -> str:
        """What is wrong, without the place."""
        expected = f"; expected {' or '.join(self.expected)}" if self.expected else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.reason}{expected}{hint}"

    def __str__(self) -> str:
        return f"parse error at line {self.position.line}, column {self.position.column}: {self.explanation}"


@attrs.define(eq=False, slots=False)
class PipelineError(LogPulseError):
    """Say which error a stage left on a sample of a metric query, and the labels of that sample, in Loki's words."""

    error: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return (
            f"pipeline error: '{self.error}' for series: '{render_labels(self.labels)}'.\n"
            f'Use a label filter to intentionally skip this error. (e.g | __error__!="{self.error}").\n'
            'To skip all potential errors you can match empty errors.(e.g __error__="")\n'
            'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )'
        )


@attrs.define(eq=False, slots=False)
class SeriesConflictError(LogPulseError):
    """Name the labels that two series have in common where a query needs them to differ, say why, and the way out."""

    reason: str
    labels: tuple[tuple[str, str], ...]
    hint: str

    def __str__(self) -> str:
        return f"{self.reason}: {render_labels(self.labels)} ({self.hint})"


@attrs.define(eq=False, slots=False)
class UnauthorizedError(LogPulseError):
    """Refuse a request without a valid key. One text for every cause, so that an attacker learns nothing."""

    def __str__(self) -> str:
        return "a valid API key is required: send it as X-API-Key or as Authorization: Bearer"


# -- send less, or come back later ------------------------------------------------------------------------------------


@attrs.define(eq=False, slots=False)
class LimitExceededError(LogPulseError):
    """Name a limit, its value, what was sent, the setting that moves it (empty when fixed) and another way out."""

    limit: str
    value: int | float | str
    sent: int | float | str
    setting: str = ""
    advice: str = ""

    def __str__(self) -> str:
        ways = (self.advice, f"raise {self.setting} to allow more" if self.setting else "")
        way_out = ", or ".join(filter(None, ways))
        return f"{self.limit} is limited to {self.value}, got {self.sent}{f'; {way_out}' if way_out else ''}"


@attrs.define(eq=False, slots=False)
class BodyTooLargeError(LimitExceededError):
    """Refuse a request body, before or after decompression."""


@attrs.define(eq=False, slots=False)
class SeriesLimitError(LimitExceededError):
    """Refuse a metric query whose result has too many series."""


@attrs.define(eq=False, slots=False)
class ScanLimitError(LimitExceededError):
    """Refuse a query that may have to look at too much log text. Nothing was read."""


@attrs.define(eq=False, slots=False)
class OverloadedError(LimitExceededError):
    """Refuse work because too much is under way; nothing was stored. `retry_after` is in seconds."""

    retry_after: int = 1


@attrs.define(eq=False, slots=False)
class UnavailableError(LogPulseError):
    """Refuse work that cannot be done now; nothing was stored. `retry_after` is in seconds."""

    reason: str
    retry_after: int = 5

    def __str__(self) -> str:
        return self.reason


@attrs.define(eq=False, slots=False)
class StoppingError(UnavailableError):
    """Refuse work because the server was told to stop, which is no trouble of its own."""

    reason: str = "the server is stopping; send this again to its successor"
    retry_after: int = 1


@attrs.define(eq=False, slots=False)
class QueryTimeoutError(LogPulseError):
    """Stop a query that ran longer than `seconds`."""

    seconds: float

    def __str__(self) -> str:
        return (
            f"the query ran longer than query.timeout ({self.seconds:g}s); "
            "shorten its time range, add matchers, or raise query.timeout"
        )


@attrs.define(eq=False, slots=False)
class QueryCancelledError(LogPulseError):
    """End the work of a query whose client has left."""


# -- mend the configuration -------------------------------------------------------------------------------------------


@attrs.define(eq=False, slots=False)
class ConfigError(LogPulseError):
    """Name a setting by its path, say what is wrong with it and where it came from."""

    path: str
    reason: str
    source: str = ""

    def __str__(self) -> str:
        origin = f" (from {self.source})" if self.source else ""
        return f"{self.path}: {self.reason}{origin}"


# -- look at the disk -------------------------------------------------------------------------------------------------


@attrs.define(eq=False, slots=False)
class StorageError(LogPulseError):
    """Name a file of the data folder that cannot be used, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@attrs.define(eq=False, slots=False)
class DamagedFileError(StorageError):
    """Point at the byte where a data file stops making sense."""

    offset: int = 0

    def __str__(self) -> str:
        return f"{self.path}: damaged at byte {self.offset}: {self.reason}"


@attrs.define(eq=False, slots=False)
class StoreLockedError(StorageError):
    """Refuse a data folder that another process holds."""


@attrs.define(eq=False, slots=False)
class NewerFormatError(StorageError):
    """Refuse data written by a later version; nothing was changed."""


def shorten(value: object, longest: int = 120) -> str:
    """Render `value` for an error text: quoted, control characters escaped, at most `longest` characters."""
    text = repr(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def render_labels(labels: tuple[tuple[str, str], ...]) -> str:
    """Write label pairs as a selector would, values quoted and escaped."""
    return "{" + ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels) + "}"
