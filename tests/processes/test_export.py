"""An export through the death of a real server: no gap, no repeat."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from logpulse.client.address import ServerAddress
from logpulse.client.api import ApiClient, Direction, LogQuery
from logpulse.client.export import Exported, export
from logpulse.client.progress import NoProgress
from logpulse.client.render import JsonLines
from logpulse.client.window import TimeWindow
from logpulse.units import parse_rfc3339

from ..ports import unused_port
from .server_process import LOGPULSE, MIDNIGHT, PATIENCE, S, ServerProcess, Servers, connection, environment

ALL = '{service=~".+"}'
ENTRIES = 1000


def push(port: int) -> None:
    """Store entries of which four share each time, in two streams."""
    entries = [{"ts": str(MIDNIGHT + number // 4), "line": f"line {number}"} for number in range(ENTRIES)]
    streams = [{"labels": {"service": name}, "entries": entries[turn::2]} for turn, name in enumerate(("api", "web"))]
    with connection(port) as ask:
        assert ask("POST", "/ingest", {"streams": streams}).status == 200


def test_an_export_goes_on_behind_a_killed_server(servers: Servers) -> None:
    port = unused_port()
    first = servers.start({"server.port": str(port)})
    assert first.port == port
    push(port)
    running: list[ServerProcess] = [first]
    texts: list[bytes] = []

    def write(text: bytes) -> None:
        texts.append(text)
        if len(texts) in (3, 6):
            running[-1].kill()

    def restart(seconds: float) -> None:
        running.append(servers.start({"server.port": str(port)}))
        assert running[-1].port == port

    query = LogQuery(ALL, TimeWindow(None, MIDNIGHT + S), Direction.FORWARD)
    address = ServerAddress.of(f"http://127.0.0.1:{port}")
    with ApiClient(address, lambda text: None, page_entries=99, sleep=restart) as client:
        export(client, query, JsonLines(), write, NoProgress(), Exported())
    entries = [json.loads(line) for line in b"".join(texts).splitlines()]
    assert len(running) == 3
    assert sorted(entry["message"] for entry in entries) == sorted(f"line {number}" for number in range(ENTRIES))
    assert len({entry["id"] for entry in entries}) == ENTRIES
    assert {"id", "timestamp", "level", "message", "labels", "metadata"} <= entries[0].keys()


def test_the_command_exports_what_the_server_stores(servers: Servers, tmp_path: Path) -> None:
    port = servers.start().port
    push(port)
    done = subprocess.run(
        [*LOGPULSE, "export", ALL, "-o", "all.ndjson", "--url", f"http://127.0.0.1:{port}"],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("exported 1,000 entries, ")
    lines = [json.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()]
    times = [parse_rfc3339(line["timestamp"]) for line in lines]
    assert times == sorted(times)
    assert len(lines) == ENTRIES
