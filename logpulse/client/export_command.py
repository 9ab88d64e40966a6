"""The `export` command."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from logpulse.client.command import (
    Command,
    late_connection_options,
    notify,
    sendable,
    server_of,
    standard_output,
    surface_behind,
    window_options,
)


@click.command(cls=Command)
@click.argument("query", callback=sendable)
@window_options
@click.option(
    "--output", "-o", "path", type=click.Path(path_type=Path), metavar="FILE", help="Instead of standard output."
)
@late_connection_options
@click.pass_context
def export(
    ctx: click.Context, query: str, since: str | None, begin: str | None, end: str | None, path: Path | None
) -> None:
    """Write all entries of a LogQL log query as JSON, one a line, oldest first.

    However many there are, each comes once: a busy server is asked again, and after a lost connection the export goes
    on behind the last entry it has. A line is the API's entry object: id, timestamp, level, message, labels, metadata.

    FILE is called FILE.part until it is complete, and is compressed if its name ends with .gz.

    \b
    logpulse export '{service="api"}' --since 1d --to 2026-01-16T00:00:00Z -o api.ndjson.gz
    logpulse export '{env="prod"} |= "timeout"' --since 7d | jq -r .message
    """
    from logpulse.client.api import ApiClient, Direction, LogQuery
    from logpulse.client.coverage import coverage_for
    from logpulse.client.escape import escape
    from logpulse.client.export import Exported
    from logpulse.client.export import export as export_entries
    from logpulse.client.output_file import OutputFile
    from logpulse.client.progress import NoProgress
    from logpulse.client.render import JsonLines, json_lines_for
    from logpulse.client.terminal import Surface
    from logpulse.client.window import TimeWindow

    now = time.time_ns()
    # With an end, for an export that runs after what is being stored meanwhile would never be done.
    window = TimeWindow.of(since, begin, end, now).ending(now)
    request = LogQuery(query, window, Direction.FORWARD)
    exported = Exported()
    reader, watcher = surface_behind(sys.stdout, ctx), surface_behind(sys.stderr, ctx)
    if path is None:
        # A bar would tear the entries apart where both are on one screen.
        coverage = coverage_for(watcher, window) if reader is Surface.PIPE else NoProgress()
        with ApiClient(server_of(ctx), notify) as client, coverage:
            export_entries(client, request, json_lines_for(reader), standard_output(), coverage, exported)
        return
    file = OutputFile(path)
    coverage = coverage_for(watcher, window)
    try:
        with ApiClient(server_of(ctx), notify) as client, file, coverage:
            export_entries(client, request, JsonLines(), file.write, coverage, exported)
    except BaseException:
        if file.remains is not None:
            notify(f"the first {exported.entries:,} entries are in {file.remains}")
        raise
    click.echo(f"{exported} to {escape(str(path))}")
