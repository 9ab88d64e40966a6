"""What all commands share: how they fail, the options that say where the server is, and where output goes.

Nothing but click is imported until a command runs.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from logpulse.client.address import ServerAddress
    from logpulse.client.terminal import Surface

_Function = TypeVar("_Function", bound=Callable[..., Any])
_DEFAULT_URL = "http://localhost:8080"
_COLORS = click.Choice(("auto", "always", "never"))


class Command(click.Command):
    """Run a command; here and nowhere else do its errors become a text on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> None:
        """Run the command, and end with the exit code that `logpulse.client.failure` gives its error."""
        from logpulse.client.failure import ExitCode, exit_code, explain, first_of, reason_of
        from logpulse.errors import LogPulseError

        code = ExitCode.DONE
        try:
            super().invoke(ctx)
        except* KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        except* BrokenPipeError:
            pass  # `| head` has seen enough, and what it has not seen was flushed into its closed pipe: no error
        except* OSError as group:  # what the server or a file has to do with is a LogPulseError
            _drop_output()
            code = ExitCode.SERVER_TROUBLE
            click.echo(f"logpulse: the output cannot be written: {reason_of(first_of(group))}", err=True)
        except* LogPulseError as group:
            error = first_of(group)
            code = exit_code(error)
            click.echo(f"logpulse: {explain(error)}", err=True)
        ctx.exit(code)


def _drop_output() -> None:
    """Let the interpreter's last flush succeed; it would fail once more, and say so in its own words."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):  # where standard output is no file
        os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


class Rate(click.FloatRange):
    """Take a number within bounds; `nan`, which no comparison excludes, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """Read what was typed."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


class Group(click.Group):
    """Hold commands that fail as `Command` says."""

    command_class = Command


def sendable(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Pass on text that can be sent, as an option's callback: an argument of a process may hold any bytes.

    Raises:
        click.BadParameter: the text is not UTF-8.
    """
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise click.BadParameter("it is not valid UTF-8", ctx, parameter) from None
    return value


def label_name(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Pass on the name of a label, as an argument's callback: anything else would lead to another route.

    Raises:
        click.BadParameter: no label can have this name, or it is not UTF-8.
    """
    from logpulse.model.labels import is_label_name

    sendable(ctx, parameter, value)
    if value is not None and not is_label_name(value):
        raise click.BadParameter("a label's name has letters, digits and _, no digit first", ctx, parameter)
    return value


def remembered(*names: str, **settings: Any) -> Callable[[_Function], _Function]:  # noqa: ANN401 - click's own
    """Declare an option that `server_of` and `surface_behind` read instead of the command itself."""
    return click.option(*names, expose_value=False, callback=_remember, **settings)


def _remember(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Keep an option's value; one given behind the command's name comes later and replaces one before it."""
    if value is not None and parameter.name is not None:
        ctx.ensure_object(dict)[parameter.name] = value


def connection_options(function: _Function) -> _Function:
    """Add the options that say how to reach the server and whether to colour what it says."""
    for option in (
        remembered(
            "--color",
            type=_COLORS,
            default="auto",
            show_default=True,
            help="auto: on a terminal, unless NO_COLOR is set. always: for `| less -R`.",
        ),
        remembered(
            "--api-key",
            envvar="LOGPULSE_API_KEY",
            default="",
            show_envvar=True,
            help="The key to it, if it wants one; the variable keeps it out of the process list.",
        ),
        remembered(
            "--url",
            envvar="LOGPULSE_SERVER_URL",
            default=_DEFAULT_URL,
            show_default=True,
            show_envvar=True,
            help="The server to talk to.",
        ),
    ):
        function = option(function)
    return function


def late_connection_options(function: _Function) -> _Function:
    """Let the same options stand behind the command's name, where people type them."""
    for option in (
        remembered("--color", type=_COLORS, help="As before the command."),
        remembered("--api-key", help="As before the command."),
        remembered("--url", help="As before the command."),
    ):
        function = option(function)
    return function


def window_options(function: _Function) -> _Function:
    """Add the options that bound a request in time."""
    for option in (
        click.option("--to", "end", metavar="TIME", help="Up to, not including, this time.  [default: now]"),
        click.option("--from", "begin", metavar="TIME", help="From this time on: RFC 3339 or unix seconds."),
        click.option("--since", metavar="DURATION", help="The last 30s, 10m, 1h, 7d … before --to."),
    ):
        function = option(function)
    return function


def server_of(ctx: click.Context) -> ServerAddress:
    """Give the server that the options name.

    Raises:
        InvalidRequestError, ConfigError: as `ServerAddress.of`.
    """
    from logpulse.client.address import ServerAddress

    remembered_options: Mapping[str, str] = ctx.obj
    return ServerAddress.of(remembered_options["url"], remembered_options["api_key"])


def surface_behind(stream: TextIO, ctx: click.Context) -> Surface:
    """Tell what reads `stream`, as far as the options leave it open."""
    from logpulse.client.terminal import ColorChoice, surface_of

    return surface_of(stream, ColorChoice(ctx.obj["color"]), os.environ)


def notify(text: str) -> None:
    """Tell the operator something beside the output, on standard error."""
    from logpulse.client.escape import escape

    click.echo(f"logpulse: {escape(text)}", err=True)


def standard_output() -> Callable[[bytes], None]:
    """Give what writes to standard output, through to the reader at once: whoever waits there waits for whole entries.

    Raises:
        BrokenPipeError: from the writing, when the reader is gone.
    """
    stream = sys.stdout.buffer

    def write(text: bytes) -> None:
        stream.write(text)
        stream.flush()

    return write


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Take Ctrl+C as the end that was meant, also where it comes out of a nursery."""
    try:
        yield
    except* KeyboardInterrupt:
        pass
