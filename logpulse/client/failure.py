"""What can go wrong for a client command, how it is told, and the exit code it gives."""

from __future__ import annotations

import enum
import os
import ssl
import unicodedata
from pathlib import Path
from typing import TypeVar

import attrs

from logpulse.client.escape import escape
from logpulse.client.wire import Place
from logpulse.errors import ConfigError, InvalidRequestError, LimitExceededError, LogPulseError

_Error = TypeVar("_Error", bound=BaseException)


class ExitCode(enum.IntEnum):
    """How a command ended: 130 is what shells expect of a program cut short by Ctrl+C."""

    DONE = 0
    SERVER_TROUBLE = 1
    BAD_REQUEST = 2
    INTERRUPTED = 130


@attrs.define(eq=False, slots=False)
class ServerUnreachableError(LogPulseError):
    """Say which server did not answer, and what the attempt met."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"cannot reach {self.url}: {self.reason}"


@attrs.define(eq=False, slots=False)
class StreamEndedError(ServerUnreachableError):
    """Say how a stream that stood came to its end; `code` is the one of the close frame (RFC 6455, 7.4), if any."""

    code: int | None = None

    def __str__(self) -> str:
        return f"the stream from {self.url} ended: {self.reason}"


@attrs.define(eq=False, slots=False)
class ServerRefusedError(LogPulseError):
    """Carry the server's own reason for a status that is no success. `retry_after` is in seconds, if it named any."""

    url: str
    status: int
    reason: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.url} answered {self.status}: {self.reason}"


@attrs.define(eq=False, slots=False)
class UnexpectedAnswerError(LogPulseError):
    """Say that what answered does not speak LogPulse's API."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url} {self.reason}"


@attrs.define(eq=False, slots=False)
class BadQueryError(LogPulseError):
    """Carry the server's refusal of a query: where it is wrong, if that is one place, and what could stand there."""

    query: str
    reason: str
    place: Place | None = None
    expected: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        return self.reason


@attrs.define(eq=False, slots=False)
class RejectedEntriesError(LogPulseError):
    """Count the pushed entries that the server refused one by one, with the first of its reasons."""

    count: int
    reason: str

    def __str__(self) -> str:
        return f"the server refused {self.count} entries, the first because: {self.reason}"


@attrs.define(eq=False, slots=False)
class MissingExtraError(LogPulseError):
    """Name the module without which a command of the server cannot run."""

    module: str

    def __str__(self) -> str:
        return f"the server is not installed here ({self.module} is missing): pip install 'logpulse[server]'"


@attrs.define(eq=False, slots=False)
class OutputFileError(LogPulseError):
    """Name a file that cannot be written, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"cannot write {self.path}: {_as_clause(self.reason)}"


def exit_code(error: LogPulseError) -> ExitCode:
    """Tell what the caller can do: mend what was typed (2) or look at the server (1)."""
    match error:
        case BadQueryError() | InvalidRequestError() | LimitExceededError() | ConfigError() | OutputFileError():
            return ExitCode.BAD_REQUEST
        case _:
            return ExitCode.SERVER_TROUBLE


def explain(error: LogPulseError) -> str:
    """Tell an operator what went wrong and the way out, harmless to a terminal, without a line break at the end."""
    match error:
        case BadQueryError():
            return "\n".join(_explain_query(error))
        case ServerUnreachableError() if not isinstance(error, StreamEndedError):
            return (
                f"{escape(str(error))}\n"
                "start a server with `logpulse serve`, or name another one with --url or LOGPULSE_SERVER_URL"
            )
        case ServerRefusedError(status=401 | 403):
            return f"{escape(str(error))}\ngive a key with --api-key or LOGPULSE_API_KEY"
        case ServerRefusedError(status=404):
            return f"{escape(str(error))}\nis this the URL of a LogPulse server? --url or LOGPULSE_SERVER_URL moves it"
        case ServerRefusedError(retry_after=float() as seconds):
            return f"{escape(str(error))}\nthe server asks to wait {seconds:g} s"
        case UnexpectedAnswerError():
            return f"{escape(str(error))}\nis this the URL of a LogPulse server? --url or LOGPULSE_SERVER_URL moves it"
        case _:
            return escape(str(error))


def _explain_query(error: BadQueryError) -> list[str]:
    expected = " or ".join(error.expected)
    # The server's sentence holds everything; what gets a line of its own is taken out of it.
    reason = error.reason.removesuffix(f" ({error.hint})").removesuffix(f"; expected {expected}")
    lines = [escape(reason)]
    if error.place is not None:
        lines += _pointed_at(error.query, error.place)
    if expected:
        lines.append(f"expected: {escape(expected)}")
    if error.hint:
        lines.append(f"hint: {escape(error.hint)}")
    return lines


def _pointed_at(query: str, place: Place) -> list[str]:
    """Give the line of the query that holds the place, and carets under it."""
    offset = min(max(place.offset, 0), len(query))
    begin = query.rfind("\n", 0, offset) + 1
    end = query.find("\n", offset)
    line = query[begin : end if end >= 0 else len(query)].replace("\t", " ")
    column = offset - begin
    before, marked = escape(line[:column]), escape(line[column : column + max(place.length, 1)])
    return [f"  {escape(line)}", f"  {' ' * _width(before)}{'^' * max(_width(marked), 1)}"]


def _width(text: str) -> int:
    """Count the columns a terminal gives to `text`: none for combining characters, two for East Asian wide ones."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def first_of(group: BaseExceptionGroup[_Error]) -> _Error:
    """Give the first error of a group, however deep; nurseries wrap even a single one."""
    error = group.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error


def reason_of(error: BaseException) -> str:
    """Name the cause of a failed connection as the operating system calls it, without its number.

    Trio hides the causes of each address it tried in a group below the error; the last of them is the telling one.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[-1]
        elif isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message}); SSL_CERT_FILE may name its authority"
        elif isinstance(cause, ssl.SSLError):
            return f"no TLS ({cause.reason})"  # its errno is not the system's
        elif isinstance(cause, OSError) and cause.strerror:
            # Trio puts the address into the text; a resolver's own numbers are negative and unknown to the system.
            number = cause.errno or 0
            return _as_clause(os.strerror(number) if number > 0 else cause.strerror)
        else:
            cause = cause.__cause__ or cause.__context__
    return _as_clause(str(error)) or type(error).__name__


def _as_clause(sentence: str) -> str:
    """Make a sentence fit behind a colon."""
    text = sentence.rstrip(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
