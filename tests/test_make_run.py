"""`make run`: both ends start, feed each other, and stop together, whichever way the end comes."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import pytest

from .ports import unused_port

TOP: Final = Path(__file__).parent.parent
_PATIENCE_SECONDS: Final = 60

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@attrs.frozen
class Workplace:
    """Hold a copy of what `make run` reads, in which the installation is this source and the logs are our own."""

    folder: Path
    port: int

    @classmethod
    def at(cls, folder: Path) -> Workplace:
        """Lay it out."""
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(TOP / name, folder)
        shutil.copytree(TOP / "configs", folder / "configs")
        shipped = (TOP / "configs" / "agent-config.yaml").read_text()
        assert "path: /var/log/**/*.log" in shipped
        (folder / "log" / "deep").mkdir(parents=True)
        (folder / "configs" / "agent-config.yaml").write_text(shipped.replace("/var/log", str(folder / "log")))
        programs = folder / "venv" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(sys.executable)
        for name, module in (("logpulse", "logpulse.cli"), ("logpulse-agent", "agent.cli")):
            script = (
                f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(TOP)!r})\nfrom {module} import main\nmain()\n"
            )
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        (folder / "venv" / ".installed").touch()
        return cls(folder, unused_port())

    def write_log(self, line: str) -> None:
        with (self.folder / "log" / "deep" / "app.log").open("a") as file:
            file.write(f"{line}\n")

    def finds(self, text: str) -> bool:
        query = urllib.parse.urlencode({"query": f'{{job="varlogs"}} |= "{text}"'})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://127.0.0.1:{self.port}/query?{query}", timeout=_PATIENCE_SECONDS) as answer:
                return bool(json.loads(answer.read())["logs"])
        except urllib.error.URLError:
            return False  # not there yet

    def is_quiet(self) -> bool:
        """Tell whether neither a server nor an agent holds its lock any more."""
        return not any(
            map(_is_locked, (self.folder / "data/logs/lock", self.folder / "data/agent/positions.json.lock"))
        )


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@attrs.frozen
class Running:
    """Hold a `make run` that has said that it runs."""

    make: subprocess.Popen[str]

    def pid_of(self, program: str) -> int:
        """Find the child of make's shell that runs `program`."""
        (shell,) = _children(self.make.pid)
        return next(pid for pid in _children(shell) if f"/{program}\0" in Path(f"/proc/{pid}/cmdline").read_text())

    def ended(self) -> tuple[int, str]:
        """Wait for the end, and give the exit code and the rest of the output."""
        output, _ = self.make.communicate(timeout=_PATIENCE_SECONDS)
        return self.make.returncode, output


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace.at(tmp_path)


@contextmanager
def make_run(workplace: Workplace) -> Iterator[subprocess.Popen[str]]:
    """Run it in a process group of its own, as a shell would."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LOGPULSE_", "MAKE"))}
    with subprocess.Popen(
        ["make", "run", "VENV=venv"],
        cwd=workplace.folder,
        env={**clean, "LOGPULSE_PORT": str(workplace.port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as make:
        try:
            yield make
        finally:
            if make.poll() is None:
                os.killpg(make.pid, signal.SIGTERM)


@pytest.fixture
def running(workplace: Workplace) -> Iterator[Running]:
    with make_run(workplace) as make:
        assert make.stdout is not None
        workplace.write_log("2026-01-15 10:30:00 ERROR already there")
        shown = ""
        for line in make.stdout:
            shown += line
            if "more to find" in line:
                break
        assert re.search(rf"LogPulse runs on http://localhost:{workplace.port}\b", shown), shown
        yield Running(make)


def test_the_agent_feeds_the_server_and_ctrl_c_stops_both(workplace: Workplace, running: Running) -> None:
    until(lambda: workplace.finds("already there"))
    workplace.write_log("written meanwhile")
    until(lambda: workplace.finds("written meanwhile"))
    os.killpg(running.make.pid, signal.SIGINT)  # as a terminal sends it: to make and its shell
    code, output = running.ended()
    assert code == -signal.SIGINT or code == 130
    assert "Traceback" not in output
    assert "stopping at once" not in output
    assert workplace.is_quiet()


def test_a_proxy_for_the_world_is_not_asked_for_this_machine(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:  # takes connections and never answers
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("NO_PROXY", "example.com")
        workplace.write_log("past the proxy")
        with make_run(workplace):
            until(lambda: workplace.finds("past the proxy"))


def test_sigterm_stops_both(workplace: Workplace, running: Running) -> None:
    running.make.send_signal(signal.SIGTERM)
    code, output = running.ended()
    assert code in (-signal.SIGTERM, 143)
    assert "Traceback" not in output
    until(workplace.is_quiet)


@pytest.mark.parametrize(
    ("program", "reason"), [("logpulse", "the server ended"), ("logpulse-agent", "the agent ended")]
)
def test_the_death_of_one_stops_the_other_and_fails(
    workplace: Workplace, running: Running, program: str, reason: str
) -> None:
    until(lambda: workplace.finds("already there"))
    os.kill(running.pid_of(program), signal.SIGKILL)
    code, output = running.ended()
    assert code == 2
    assert f"make run: {reason}" in output
    assert workplace.is_quiet()


def test_a_port_in_use_is_named_with_the_way_out(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", workplace.port)), make_run(workplace) as make:
        output, _ = make.communicate(timeout=_PATIENCE_SECONDS)
    assert make.returncode == 2
    assert f"port {workplace.port} is in use; choose another one: LOGPULSE_PORT=" in output
