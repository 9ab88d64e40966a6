"""The commands about streams: `series` names them, `stats` says how much they hold."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from logpulse.client.window import TimeWindow

_EVERYTHING: Final = "{}"
_RECENT: Final = "1h"
STREAM_FORMATS: Final = click.Choice(("text", "jsonl"))


@click.command(cls=Command)
@click.argument("selector", callback=sendable, default="")
@window_options
@click.option(
    "--output", "-o", type=STREAM_FORMATS, default="text", show_default=True, help="jsonl: labels as objects."
)
@late_connection_options
@click.pass_context
def series(
    ctx: click.Context, selector: str, since: str | None, begin: str | None, end: str | None, output: str
) -> None:
    """List the streams of a selector, or all, by their labels, one a line as a selector.

    Those with entries in the last hour, unless --since or --from says otherwise.

    \b
    logpulse series
    logpulse series '{service="api"}' --since 1d
    """
    from logpulse.client.api import ApiClient
    from logpulse.client.metric import selector_text
    from logpulse.client.render import json_line

    window = _window(since, begin, end)
    with ApiClient(server_of(ctx), notify) as client:
        found = client.series(selector, window)
    lines = sorted((selector_text(labels), labels) for labels in found)
    surface = surface_behind(sys.stdout, ctx)
    shown = [text if output == "text" else json_line(labels, surface) for text, labels in lines]
    standard_output()("".join(f"{line}\n" for line in shown).encode("utf-8", "replace"))


@click.command(cls=Command)
@click.argument("selector", callback=sendable, default=_EVERYTHING)
@window_options
@late_connection_options
@click.pass_context
def stats(ctx: click.Context, selector: str, since: str | None, begin: str | None, end: str | None) -> None:
    """Count the streams, chunks, entries and bytes of a selector, or of all, and show what takes most of them.

    Of the last hour, unless --since or --from says otherwise. The largest are told apart by the labels that the
    selector names. In a pipe each line is a name, a tab and a number.

    \b
    logpulse stats '{service=~".+"}' --since 1d
    """
    from logpulse.client.api import ApiClient
    from logpulse.client.terminal import Surface, palette_of, terminal_columns
    from logpulse.client.volume import draw_volumes, list_volumes, volumes_of
    from logpulse.limits import VOLUME_ROWS

    window = _window(since, begin, end)
    with ApiClient(server_of(ctx), notify) as client:
        total = client.index_stats(selector, window)
        volumes = volumes_of(client.volumes(selector, window, VOLUME_ROWS))
    surface = surface_behind(sys.stdout, ctx)
    if surface is Surface.PIPE:
        lines = list_volumes(total, volumes)
    else:
        lines = draw_volumes(total, volumes, terminal_columns(), palette_of(surface))
    standard_output()("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))


def _window(since: str | None, begin: str | None, end: str | None) -> TimeWindow:
    """Read the options, with a beginning of our own: what these routes take without one is theirs to change."""
    from logpulse.client.window import TimeWindow

    recent = _RECENT if since is None and begin is None else since
    return TimeWindow.of(recent, begin, end, time.time_ns())
