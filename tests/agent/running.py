"""Run the agent in this process or in one of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
import yaml

from agent.agent import Agent, Outcome, run_agent
from agent.config import AgentConfig, load_config

from .fake_server import FakeServer

PATIENCE = 60.0
"""Seconds after which a test gives up on an agent, however busy the machine."""

# What an agent does regularly it does at once; what it does when patience ends, never; the sizes are the real ones.
_FAST: dict[str, object] = {
    "discovery_interval": "20ms",
    "poll_interval": "10ms",
    "settle_time": "50ms",
    "rotate_wait": "10m",
}


@attrs.define
class Workplace:
    """Hold the folders of a test. Settings may be changed in `settings` between two runs."""

    root: Path
    server: FakeServer
    settings: dict[str, object] = attrs.field(factory=dict)
    targets: list[dict[str, object]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.logs.mkdir()
        self.targets = [{"path": f"{self.logs}/**/*.log", "labels": {"job": "test"}}]
        self.settings = {
            "server": {"retry_longest": "20ms", "hold_interval": "20ms", "answer_timeout": "1m"},
            "batch": {"max_wait": "10ms"},
            "files": dict(_FAST),
            "shutdown_timeout": "200ms",
        }

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def positions(self) -> Path:
        return self.root / "state" / "positions.json"

    @property
    def dead_letters(self) -> Path:
        return self.positions.with_name("positions.json.dead-letters.jsonl")

    def set(self, section: str, name: str, value: object) -> None:
        """Change a setting."""
        group = self.settings.setdefault(section, {})
        assert isinstance(group, dict)
        group[name] = value

    def write_config(self) -> Path:
        """Write the settings for an agent."""
        path = self.root / "agent.yaml"
        server = {**_mapping(self.settings["server"]), "url": self.server.url}
        own = {"server": server, "positions_file": str(self.positions), "targets": self.targets}
        path.write_text(yaml.safe_dump({**self.settings, **own}))
        return path

    def config(self) -> AgentConfig:
        """Give the settings."""
        return load_config(self.write_config(), {}, {})

    async def once(self) -> Outcome:
        """Read every file to its end and deliver."""
        with trio.fail_after(PATIENCE):
            return await run_agent(self.config(), Agent.read_once)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the files while the block lasts; the agent dies at its end, as by `kill -9`, and saves nothing."""
        with trio.fail_after(2 * PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_agent, self.config(), Agent.follow)
                yield
                nursery.cancel_scope.cancel()

    async def start_process(self, *flags: str) -> trio.Process:
        """Start an agent as a process."""
        command = [sys.executable, "-m", "agent", "--config", str(self.write_config()), *flags]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOGPULSE_")}
        return await trio.lowlevel.open_process(command, stderr=subprocess.PIPE, env=environment)


def _mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def append(path: Path, text: str) -> None:
    """Write to the end of a file in one go."""
    with path.open("ab") as file:
        file.write(text.encode())


def open_files() -> set[str]:
    """Give the paths of the files that this process has open; deleted ones end with `(deleted)`."""
    found = set[str]()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(descriptor.readlink()))
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so that nobody tells of."""
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - there is no event in another process or in the kernel
            await trio.sleep(0.002)


async def opened(path: Path) -> None:
    """Wait until the agent in this process has a file open."""
    await until(lambda: str(path) in open_files())


async def end(process: trio.Process, number: signal.Signals) -> int:
    """Send a signal and give the exit code."""
    process.send_signal(number)
    return await process.wait()
