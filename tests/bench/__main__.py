"""Run the benchmark and print a table: `make bench`, or `python -m tests.bench --lines 1000000`."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import attrs
import click

from .contention import PUSH_RATE, push_beside_queries
from .corpus import ABSENT, bodies, corpus
from .machine import Limits
from .queries import CLASSES, HEAVY, TEMPLATE, TEMPLATE_LINES, QueryClass, ask, count_lines, exactly
from .server import BenchServer, running_server
from .work import follow, median_milliseconds, push

_EVERYTHING = '{service=~".+"}'
_ONE_STREAM = '{service="gateway", env="prod", host="node-03", level="info"}'
_SAMPLE_LINES = 100_000
_TAIL_RATE = 2_000
_CACHE = "64MiB"  # as shipped


@attrs.frozen
class Figure:
    """Hold one row: what was measured, the machine's own limit where there is one, the ratio of the two, the goal.

    Behind them is what a class of queries took by the exact form alone, and from the cache.
    """

    name: str
    measured: str
    limit: str
    ratio: str
    goal: str
    exact: str = ""
    again: str = ""


@click.command()
@click.option("--lines", default=200_000, show_default=True, help="Size of the corpus.")
@click.option("--tail-seconds", default=5.0, show_default=True, help="Length of each flow of pushes.")
def main(lines: int, tail_seconds: float) -> None:
    """Start a server in a temporary folder, work it, and compare the cost with what this machine can do at best."""
    with tempfile.TemporaryDirectory(prefix="logpulse-bench-") as name:
        folder = Path(name)
        files, texts = _write_bodies(folder / "bodies", lines)
        text_mb = sum(texts.values())
        limits = Limits.of(b"\n".join(line.text.encode() for line in corpus(min(lines, _SAMPLE_LINES))))
        with running_server(folder / "data") as server:
            figures = [
                Figure("ready, empty folder", f"{server.ready_seconds:.2f} s", "", "", "2 s"),
                Figure("memory, idle", f"{server.use.memory_mb():.0f} MB", "", "", "170 MB"),
                *_pushing(server, files, lines, text_mb, limits),
                *_asking(server, text_mb, limits),
                *_following(server, tail_seconds),
            ]
            served = {each.name: ask(server, each) for each in CLASSES}
            rate = count_lines(server, TEMPLATE_LINES) / served[TEMPLATE.name] * 1000
            figures += [
                Figure(TEMPLATE.name, f"{rate:,.0f} lines/s and core", "", "", "250,000"),
                *_pushing_beside_queries(server, tail_seconds),
            ]
        with running_server(folder / "data", cache=_CACHE) as server:
            again = {each.name: ask(server, each) for each in CLASSES}
        exact = exactly(folder / "data", CLASSES)
    cores = os.cpu_count()
    click.echo(f"{lines:,} lines, {text_mb:.1f} MB of log text, {cores} cores; ratios settle from a million lines on\n")
    _print([Figure("figure", "measured", "this machine's limit", "ratio", "goal"), *figures])
    click.echo("\nqueries, after a flush; the limit is the time to decompress what is selected, on all cores\n")
    _print(
        [
            Figure("query", "measured", "limit", "ratio", "goal", "exact form alone", "asked again"),
            *(_query_figure(each, served, again, exact, texts, limits) for each in CLASSES),
        ]
    )


def _query_figure(
    asked: QueryClass,
    served: dict[str, float],
    again: dict[str, float],
    exact: dict[str, float],
    texts: dict[str, float],
    limits: Limits,
) -> Figure:
    milliseconds = served[asked.name]
    text_mb = sum(texts[service] for service in asked.services or texts)
    least = text_mb / (limits.decompress * (os.cpu_count() or 1)) * 1000
    return Figure(
        asked.name,
        f"{milliseconds:.0f} ms",
        f"{least:.0f} ms",
        f"{milliseconds / least:.2f}",
        f"{asked.goal:g}" if asked.goal else "",
        f"{exact[asked.name]:.0f} ms" if asked.name in exact else "",
        f"{again[asked.name]:.0f} ms" if asked.name in exact else "",
    )


def _write_bodies(folder: Path, lines: int) -> tuple[list[Path], dict[str, float]]:
    """Write the corpus down beforehand, so that making it costs nothing while the server is measured.

    Gives the files, and the MB of log text of each service.
    """
    folder.mkdir()
    files = []
    texts: Counter[str] = Counter()
    for number, body in enumerate(bodies(corpus(lines))):
        files.append(folder / f"{number:06d}.json")
        files[-1].write_bytes(body.content)
        texts.update(body.text_bytes)
    return files, {service: size / 1e6 for service, size in texts.items()}


def _pushing(server: BenchServer, files: list[Path], lines: int, text_mb: float, limits: Limits) -> list[Figure]:
    before = server.use.cpu_seconds()
    seconds = push(server, files)
    server.wait_until_flushed()
    cpu = (server.use.cpu_seconds() - before) * 1000 / text_mb
    least = 1000 / limits.compress
    disk = server.disk_bytes() / 1e6 / text_mb
    return [
        Figure("push", f"{lines / seconds:,.0f} lines/s", "", "", ""),
        Figure("CPU, push to disk", f"{cpu:.1f} ms/MB", f"{least:.1f} ms/MB zstd-3", f"{cpu / least:.2f}", "6"),
        Figure(
            "disk",
            f"{disk:.1%} of the text",
            f"{limits.compressed_share:.1%} zstd-3",
            f"{disk / limits.compressed_share:.2f}",
            "27% of the text",
        ),
        Figure("memory, peak of the push", f"{server.use.peak_memory_mb():.0f} MB", "", "", "500 MB"),
    ]


def _asking(server: BenchServer, text_mb: float, limits: Limits) -> list[Figure]:
    absent = median_milliseconds(server, f'{_EVERYTHING} |= "{ABSENT}"', 0)
    rate, most = text_mb / absent * 1000, limits.decompress * (os.cpu_count() or 1)
    return [
        Figure("absent text", f"{rate:,.0f} MB/s", f"{most:,.0f} MB/s zstd-3", f"{rate / most:.2f}", "0.4 or more"),
        Figure("absent text", f"{absent:.0f} ms", "", "", ""),
        Figure("newest 100", f"{median_milliseconds(server, _EVERYTHING, 100):.0f} ms", "", "", "60 ms"),
        Figure("newest 100, one stream", f"{median_milliseconds(server, _ONE_STREAM, 100):.0f} ms", "", "", "60 ms"),
    ]


def _following(server: BenchServer, seconds: float) -> list[Figure]:
    tail = follow(server, _TAIL_RATE, seconds)
    name = f"live tail, {_TAIL_RATE:,} lines/s"
    return [
        Figure(name, f"{tail.p50:.0f} ms p50", "", "", ""),
        Figure(name, f"{tail.p99:.0f} ms p99", "", "", "200 ms"),
        Figure(name, f"{tail.sent - tail.received:,} of {tail.sent:,} lost", "", "", "none"),
    ]


def _pushing_beside_queries(server: BenchServer, seconds: float) -> list[Figure]:
    found = push_beside_queries(server, seconds)
    name = f"push, {PUSH_RATE:,} lines/s beside {len(HEAVY)} heavy queries"
    return [
        Figure(name, f"{found.p50:.0f} ms p50", "", "", ""),
        Figure(name, f"{found.p99:.0f} ms p99", "", "", "250 ms"),
        Figure("queries answered meanwhile", f"{found.queries}", "", "", ""),
    ]


def _print(figures: list[Figure]) -> None:
    rows = [attrs.astuple(figure) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


main()
