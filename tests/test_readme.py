"""The README's examples, run as a reader would paste them, against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from agent.config import AgentConfig, load_config

from .bench.server import BenchServer, running_server

TOP: Final = Path(__file__).parent.parent
README: Final = (TOP / "README.md").read_text()
_PATIENCE_SECONDS: Final = 60


def blocks(language: str, containing: str) -> list[str]:
    """Give the code blocks in a language that contain a text."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    chosen = [block for block in found if containing in block]
    assert chosen, f"the README has no {language} block with {containing!r}"
    return chosen


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchServer]:
    # The answers shown are those about entries in memory, so nothing may be flushed meanwhile.
    with running_server(tmp_path_factory.mktemp("data"), flush_interval="1h") as server:
        yield server


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a PATH on which `logpulse` is this source, installed or not."""
    script = tmp_path_factory.mktemp("bin") / "logpulse"
    script.write_text(f"#!{sys.executable}\nfrom logpulse.cli import main\nmain()\n")
    script.chmod(0o755)
    return f"{script.parent}:{os.environ['PATH']}"


def paste(text: str, server: BenchServer, tools: str) -> str:
    """Run shell commands as they stand, but for the port."""
    done = subprocess.run(
        ["bash", "-euc", on(server, text)],
        env={"PATH": tools, "PYTHONPATH": str(TOP), "LOGPULSE_SERVER_URL": f"http://localhost:{server.port}"},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def on(server: BenchServer, text: str) -> str:
    return text.replace("localhost:8080", f"localhost:{server.port}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl")
def test_what_curl_pushes_is_found_page_by_page_and_its_labels_are_listed(server: BenchServer, tools: str) -> None:
    (ingest,) = blocks("sh", "curl -s http://localhost:8080/ingest")
    assert json.loads(paste(ingest, server, tools)) == json.loads(blocks("json", '{"accepted":2}')[0])
    (query,) = blocks("sh", """query={service="api"} |= "timeout"' --data-urlencode limit=1""")
    found = json.loads(paste(query, server, tools))
    (shown,) = blocks("json", '"queriedChunks"')
    assert set(found) == set(json.loads(shown))
    example = json.loads(shown)
    assert found["stats"].keys() == example["stats"].keys()
    for answer in (found, example):  # what no two runs have in common, but for its form
        answer["stats"].pop("executionTime")
        assert answer["stats"].pop("phases").keys() == {"plan", "scan", "exact", "evaluate"}
        (entry,) = answer["logs"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z", entry.pop("timestamp"))
        entry.pop("id")
    assert found == example
    (pages,) = blocks("sh", "direction=forward")
    assert [each["message"] for each in json.loads(paste(pages, server, tools))["logs"]] == [
        "Connection timeout",
        "Connection restored",
    ]
    (labels,) = blocks("sh", "/labels/service/values")
    names, values = (json.loads(answer) for answer in re.findall(r"\[.*?\]", paste(labels, server, tools)))
    assert names == ["env", "level", "service"]
    assert values == ["api"]


def test_client_commands(server: BenchServer, tools: str) -> None:
    (commands,) = blocks("sh", "logpulse generate 1000")
    ending = [line for line in commands.splitlines() if "tail" not in line and "--rate" not in line]
    assert len(ending) == 3
    output = paste("\n".join(ending), server, tools)
    assert "accepted 1,000 entries" in output
    assert "timeout" in output
    assert "api" in output.splitlines()


def test_python_example_follows_live(server: BenchServer) -> None:
    (example,) = blocks("python", "open_websocket_url")
    labels = agent_of_make_run().targets[0].labels
    server.post("/ingest", json.dumps({"streams": [{"labels": labels, "entries": [{"line": "seen before"}]}]}))
    push = json.dumps({"streams": [{"labels": labels, "entries": [{"line": "seen live"}]}]})
    with subprocess.Popen([sys.executable, "-c", on(server, example)], stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        give_up = threading.Timer(_PATIENCE_SECONDS, follower.kill)
        give_up.start()
        try:
            while b"logpulse_subscribers 1.0" not in server.get("/metrics"):
                assert follower.poll() is None
            server.post("/ingest", push)
            assert "seen before" in next(follower.stdout)
            assert "seen live" in next(follower.stdout)
        finally:
            give_up.cancel()
            follower.kill()


def test_what_is_followed_is_what_make_run_reads() -> None:
    ((name, value),) = agent_of_make_run().targets[0].labels.items()
    assert f"""tail '{{{name}="{value}"}}' --lines 10""" in README
    assert f"/stream?{name}={value}&tail=10" in README


def agent_of_make_run() -> AgentConfig:
    return load_config(TOP / "configs/agent-config.yaml", {}, {})


def test_agent_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = blocks("yaml", "targets:")
    path = tmp_path / "agent.yaml"
    path.write_text(example)
    first, second = load_config(path, {}, {}).targets
    assert first.labels == {"job": "varlogs"}
    assert second.labels == {"job": "app", "env": "prod"}
