"""The `logpulse` command. Each command here reads its options and calls what does the work.

Everything but click is imported where it is used: `logpulse --help` and shell completion answer at once, and the
client commands never load the server, which may not be installed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logpulse import __version__
from logpulse.client.command import (
    Group,
    Rate,
    connection_options,
    label_name,
    late_connection_options,
    notify,
    sendable,
    server_of,
    standard_output,
    surface_behind,
    until_interrupted,
    window_options,
)
from logpulse.client.export_command import export
from logpulse.client.stream_commands import STREAM_FORMATS, series, stats
from logpulse.limits import GENERATE_RATE

if TYPE_CHECKING:
    import msgspec

    from logpulse.config import Config

_FORMATS = click.Choice(("text", "jsonl", "raw"))


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@connection_options
@click.version_option(__version__, prog_name="logpulse")
def root() -> None:
    """Store logs cheaply, find them fast, follow them live.

    \b
    logpulse serve                                      start a server
    logpulse generate 1000                              give it something to find
    logpulse query '{service="api"} |= "timeout"'       find
    logpulse tail '{level="error"}'                     follow
    logpulse export '{service="api"}' -o api.ndjson.gz  take away

    Exit codes: 0 done, also when the reader of a pipe leaves; 1 trouble with the server; 2 something to mend in what
    was typed, such as the query; 130 cut short by Ctrl+C. What runs until Ctrl+C ends with 0 by it.
    """


@root.command()
@click.argument("query", callback=sendable)
@window_options
@click.option(
    "--limit", "-n", type=click.IntRange(min=0), metavar="N", help="Entries at most; 0 = all.  [default: 100]"
)
@click.option("--all", "everything", is_flag=True, help="All entries, oldest first, as they arrive: same as --limit 0.")
@click.option("--forward", is_flag=True, help="The oldest entries of the window instead of the newest.")
@click.option("--step", callback=sendable, default="", metavar="DURATION", help="Between the points of a metric query.")
@click.option("--output", "-o", type=_FORMATS, default="text", show_default=True)
@click.option("--stats", is_flag=True, help="What the query cost, on standard error.")
@click.option("--explain", is_flag=True, help="Not the answer but the plan: what is read, and what decides each stage.")
@late_connection_options
@click.pass_context
def query(
    ctx: click.Context,
    query: str,
    since: str | None,
    begin: str | None,
    end: str | None,
    limit: int | None,
    everything: bool,
    forward: bool,
    step: str,
    output: str,
    stats: bool,
    explain: bool,
) -> None:
    """Find the entries of a LogQL query, or the series of a metric query.

    Shows the newest 100 entries, of any age unless --since or --from says otherwise. The answer always reads downwards
    in time: the newest entry stands last, next to the prompt, as in a log file.

    \b
    text    On a terminal local time, level, the labels in which the streams differ, and the message; further
            lines of a message are indented. In a pipe one line an entry that depends on no other: RFC 3339 time,
            {labels}, message with line breaks as \\n. Control characters are escaped in both.
            Series: on a terminal a chart and a table, in a pipe one line a point: time, {labels}, value, with tabs.
    jsonl   The API's entry objects, unchanged, one a line. Of series one object a point: labels, time, value.
    raw     The messages alone, nothing escaped: beware of showing these on a terminal.

    \b
    logpulse query '{service="api"} |= "timeout"' --since 1h
    logpulse query 'sum by (level) (count_over_time({service="api"}[1m]))' --since 1h --step 1m
    logpulse query '{env="prod"}' --from 2026-01-15T10:00:00Z --to 2026-01-15T11:00:00Z --all -o jsonl > out.jsonl
    """
    from logpulse.client.api import ApiClient, Direction, LogQuery
    from logpulse.client.plan import plan_renderer_for
    from logpulse.client.progress import NoProgress, progress_for
    from logpulse.client.render import Format, renderer_for
    from logpulse.client.search import search
    from logpulse.client.terminal import Surface
    from logpulse.client.window import TimeWindow

    if everything and limit:
        raise click.UsageError("--all and --limit exclude each other")
    if explain and (stats or output == "raw"):
        raise click.UsageError(f"--explain and {'--stats' if stats else '--output raw'} exclude each other")
    most = None if everything or limit == 0 else limit or 100
    direction = Direction.FORWARD if forward or most is None else Direction.BACKWARD
    window = TimeWindow.of(since, begin, end, time.time_ns())
    request = LogQuery(query, window, direction, step)
    reader, watcher = surface_behind(sys.stdout, ctx), surface_behind(sys.stderr, ctx)
    if explain:
        with ApiClient(server_of(ctx), notify) as client:
            standard_output()(plan_renderer_for(Format(output), reader)(client.plan(request, most)))
        return
    # A bar would tear the entries apart where both are on one screen.
    progress = progress_for(watcher, "entries", most) if reader is Surface.PIPE else NoProgress()
    with ApiClient(server_of(ctx), notify) as client, progress:
        totals = search(
            client, request, most, renderer_for(Format(output), reader), standard_output(), progress.advance
        )
    if not (totals.entries or totals.series) and watcher is not Surface.PIPE:
        notify("nothing matched")
    if stats:
        click.echo(str(totals), err=True)


@root.command()
@click.argument("query", callback=sendable)
@click.option("--since", metavar="DURATION", help="Begin with the entries of the last 30s, 10m, 1h …")
@click.option("--lines", "-n", type=click.IntRange(min=0), metavar="N", help="Begin with the newest N.  [default: 10]")
@click.option("--output", "-o", type=_FORMATS, default="text", show_default=True, help="As of `logpulse query`.")
@late_connection_options
@click.pass_context
def tail(ctx: click.Context, query: str, since: str | None, lines: int | None, output: str) -> None:
    """Follow a LogQL log query live, until Ctrl+C.

    A lost connection is opened again for as long as it takes; what was stored meanwhile is shown then, and nothing
    twice, unless its own time is more than 10 s older than what was shown last: `logpulse query` finds that. Entries
    the server had to drop because this end was too slow are counted on standard error.

    \b
    logpulse tail '{service="api"} |= "timeout"' --since 10m
    logpulse tail '{level="error"}' -n 20 -o jsonl | jq -r .message
    """
    import trio

    from logpulse.client.follow import EntriesSince, NewestEntries, Tail, TailRequest
    from logpulse.client.render import Format, renderer_for
    from logpulse.client.window import parse_past

    if since is not None and lines is not None:
        raise click.UsageError("--since and --lines exclude each other")
    newest = NewestEntries(10 if lines is None else lines)
    history = newest if since is None else EntriesSince(time.time_ns() - parse_past(since))
    renderer = renderer_for(Format(output), surface_behind(sys.stdout, ctx))
    write = standard_output()

    def show(entries: Sequence[msgspec.Raw]) -> None:
        write(renderer.entries(entries))

    with until_interrupted():
        trio.run(Tail(server_of(ctx), TailRequest(query, history), show, notify).run)


@root.command()
@click.argument("name", callback=label_name, required=False)
@window_options
@click.option(
    "--query", "selector", callback=sendable, default="", metavar="SELECTOR", help="Only of the streams it selects."
)
@click.option(
    "--output", "-o", type=STREAM_FORMATS, default="text", show_default=True, help="jsonl: each as a JSON text."
)
@late_connection_options
@click.pass_context
def labels(
    ctx: click.Context,
    name: str | None,
    since: str | None,
    begin: str | None,
    end: str | None,
    selector: str,
    output: str,
) -> None:
    """List the names of all labels, or the values of the label NAME, one a line.

    \b
    logpulse labels
    logpulse labels service --since 1h
    """
    from logpulse.client.api import ApiClient
    from logpulse.client.escape import escape
    from logpulse.client.render import json_line
    from logpulse.client.window import TimeWindow

    window = TimeWindow.of(since, begin, end, time.time_ns())
    with ApiClient(server_of(ctx), notify) as client:
        found = client.labels(window, selector) if name is None else client.label_values(name, window, selector)
    surface = surface_behind(sys.stdout, ctx)
    shown = [escape(text) if output == "text" else json_line(text, surface) for text in found]
    standard_output()("".join(f"{line}\n" for line in shown).encode())


@root.command()
@click.argument("count", metavar="[N]", type=click.IntRange(min=1), required=False)
@click.option("--rate", type=Rate(min=0.001, max=GENERATE_RATE), metavar="R", help="A steady flow, entries a second.")
@click.option("--seed", type=int, help="Invent the same lines again, at new times.")
@click.option(
    "--services", callback=sendable, metavar="A,B,…", help="Names of the services; the first are the busiest."
)
@late_connection_options
@click.pass_context
def generate(ctx: click.Context, count: int | None, rate: float | None, seed: int | None, services: str | None) -> None:
    """Push N invented but realistic entries to the server: 1000, or with --rate until Ctrl+C.

    They come from the services of a web shop, as access log, JSON, logfmt and Java lines with stack traces, labelled
    service, env, host and level. At once they cover the last minutes; at a rate each bears the time it was due.

    \b
    logpulse generate 1000
    logpulse generate --rate 50 --services api,auth
    """
    import trio

    from logpulse.client.generate import DEFAULT_SERVICES, LogGenerator
    from logpulse.client.progress import progress_for
    from logpulse.client.push import Flow, Tally, push_generated
    from logpulse.limits import GENERATE_ENTRIES

    names = DEFAULT_SERVICES if services is None else tuple(filter(None, map(str.strip, services.split(","))))
    if not names:
        raise click.BadParameter("name at least one service", param_hint="--services")
    total = GENERATE_ENTRIES if count is None and rate is None else count
    tally, generator = Tally(), LogGenerator(names, seed)
    try:
        with (
            until_interrupted() if total is None else nullcontext(),
            progress_for(surface_behind(sys.stderr, ctx), "entries", total) as progress,
        ):
            trio.run(push_generated, server_of(ctx), generator, Flow(total, rate), tally, progress.advance, notify)
    finally:
        if tally.accepted:
            click.echo(str(tally))
    tally.check()


root.add_command(series)
root.add_command(stats)
root.add_command(export)


@root.command("check-config")
@click.option("--config", "path", type=click.Path(path_type=Path), help="The configuration file.")
def check_config(path: Path | None) -> None:
    """Check the server's configuration and show what is in force, with what each setting means; keys are masked."""
    from logpulse.config import describe

    click.echo(describe(_config(path, {})))


@root.command()
@click.option("--config", "path", type=click.Path(path_type=Path), help="The configuration file; none is needed.")
@click.option("--host", help="The address to listen on: server.host.")
@click.option("--port", help="The port to listen on: server.port.")
@click.option("--storage-path", help="The folder that holds the logs: storage.path.")
@click.pass_context
def serve(ctx: click.Context, path: Path | None, host: str | None, port: str | None, storage_path: str | None) -> None:
    """Start a server; SIGTERM or Ctrl+C stops it, with everything stored that it acknowledged.

    Options win over LOGPULSE_* variables, these over the file, that over the defaults: `logpulse check-config`.
    """
    options = {"server.host": host, "server.port": port, "storage.path": storage_path}
    overrides = {setting: value for setting, value in options.items() if value is not None}
    try:
        from logpulse.server import serve as run_server
    except ModuleNotFoundError as error:
        from logpulse.client.failure import MissingExtraError

        if error.name is None or error.name.partition(".")[0] == "logpulse":
            raise
        raise MissingExtraError(error.name) from error
    ctx.exit(run_server(partial(_config, path, overrides)))


def _config(path: Path | None, overrides: dict[str, str]) -> Config:
    from logpulse.config import load_config, unknown_variables

    for name in unknown_variables(os.environ):
        notify(f"{name} is set, but there is no such setting; it is ignored")
    return load_config(path, os.environ, overrides)


def main() -> None:
    """Run the command line of this process."""
    if sys.__stdout__ is None:  # closed by the caller: what is written shall fail, and `serve` writes nothing
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    root(prog_name="logpulse")
