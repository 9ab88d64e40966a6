"""The container files say what they promise: no engine is needed to read them."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

import logpulse.config
from logpulse import cli, limits
from logpulse.errors import ConfigError

TOP: Final = Path(__file__).parent.parent
CONTAINERS: Final = TOP / "containers"
_PATIENCE_SECONDS: Final = 60
DOCKERFILES: Final = ("Dockerfile", "Dockerfile.agent")
# Of the Compose specification, what a service of ours may use; a mistyped key is refused by no parser.
_SERVICE_KEYS: Final = frozenset(
    (
        *("build", "image", "environment", "ports", "volumes", "depends_on", "restart", "stop_grace_period"),
        *("read_only", "tmpfs", "cap_drop", "security_opt", "group_add", "healthcheck"),
    )
)
_HEALTH_KEYS: Final = frozenset({"test", "interval", "timeout", "start_period", "retries"})
_INSTRUCTIONS: Final = frozenset(
    {"FROM", "WORKDIR", "RUN", "COPY", "LABEL", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
)


def instructions(name: str) -> list[tuple[str, str]]:
    """Give the (instruction, argument) pairs of a Dockerfile."""
    text = re.sub(r"^#.*\n", "", (CONTAINERS / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def final_stage(name: str) -> list[tuple[str, str]]:
    lines = instructions(name)
    return lines[max(number for number, (word, _) in enumerate(lines) if word == "FROM") :]


def variables(name: str) -> dict[str, str]:
    pairs = [shlex.split(argument) for word, argument in final_stage(name) if word == "ENV"]
    return dict(pair.split("=", 1) for words in pairs for pair in words)


@pytest.mark.parametrize("name", DOCKERFILES)
class TestDockerfile:
    def test_knows_its_instructions_and_pins_its_base(self, name: str) -> None:
        lines = instructions(name)
        assert {word for word, _ in lines} <= _INSTRUCTIONS
        bases = [argument.split()[0] for word, argument in lines if word == "FROM"]
        pythons = [base for base in bases if not base.startswith("node:")]
        assert len(pythons) == 2
        assert len(set(pythons)) == 1
        assert re.fullmatch(r"python:3\.\d+-slim", pythons[0])

    def test_runs_unprivileged_and_writes_only_to_data(self, name: str) -> None:
        last = dict(final_stage(name))
        user, _, group = last["USER"].partition(":")
        assert int(user) > 1000
        assert int(group) > 1000
        assert last["VOLUME"] == "/data"
        assert "--mode=0700 /data" in " ".join(argument for word, argument in final_stage(name) if word == "RUN")

    def test_hands_signals_to_the_program_and_keeps_its_files_private(self, name: str) -> None:
        last = dict(final_stage(name))
        entry = json.loads(last["ENTRYPOINT"])
        assert entry[:2] == ["/bin/sh", "-c"]
        assert entry[2] == 'umask 077 && exec "$@"'
        assert json.loads(last["CMD"])[0] in ("logpulse", "logpulse-agent")

    def test_copies_what_exists_and_the_ignore_file_lets_through(self, name: str) -> None:
        allowed = {line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        copied = [argument.split() for word, argument in instructions(name) if word == "COPY"]
        sources = [source for words in copied if not words[0].startswith("--") for source in words[:-1]]
        assert sources
        assert not [source for source in sources if not (TOP / source).exists()]
        assert {source.partition("/")[0] for source in sources} <= allowed


def test_server_image_has_the_page_built_in_a_stage_of_its_own() -> None:
    lines = instructions("Dockerfile")
    assert re.fullmatch(r"node:(22|24)-slim AS page", dict(lines[:1])["FROM"])
    stage = [argument for _, argument in lines[1 : [word for word, _ in lines].index("FROM", 1)]]
    assert [argument for argument in stage if argument.startswith("npm")] == [
        "npm ci --no-audit --no-fund",
        "npm run build",
    ]
    copy, install = "--from=page /src/logpulse/web/static logpulse/web/static", "/opt/logpulse/bin/pip install"
    arguments = [argument for _, argument in lines]
    (installing,) = [number for number, argument in enumerate(arguments) if argument.startswith(install)]
    assert arguments.index("logpulse logpulse") < arguments.index(copy) < installing
    ignored = (TOP / ".dockerignore").read_text().splitlines()
    assert {"**/node_modules", "logpulse/web/static"} <= set(ignored)  # what a checkout has built stays out


def test_server_variables_are_settings_and_let_no_one_in_without_a_key() -> None:
    ours = {name: value for name, value in variables("Dockerfile").items() if name.startswith("LOGPULSE_")}
    with pytest.raises(ConfigError, match="LOGPULSE_API_KEY"):
        logpulse.config.load_config(None, ours, {})
    config = logpulse.config.load_config(None, {**ours, "LOGPULSE_API_KEY": "k"}, {})
    assert set(ours) <= {each.environment for each in logpulse.config.settings()}
    assert config.server.host == "0.0.0.0"
    assert config.auth.enabled
    assert Path(config.storage.path).is_relative_to("/data")


def test_server_is_the_command_and_its_health_is_readiness() -> None:
    last = dict(final_stage("Dockerfile"))
    assert json.loads(last["CMD"])[1] in cli.root.commands
    script = json.loads(last["HEALTHCHECK"].partition("CMD")[2])[2]
    compile(script, "HEALTHCHECK", "exec")
    assert "/ready" in script


def health_checks() -> list[str]:
    compose = yaml.safe_load((CONTAINERS / "docker-compose.yml").read_text())
    return [
        json.loads(dict(final_stage("Dockerfile"))["HEALTHCHECK"].partition("CMD")[2])[2],
        compose["services"]["server"]["healthcheck"]["test"][3],
    ]


@pytest.mark.parametrize("script", health_checks())
def test_health_is_not_asked_of_a_proxy(script: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as proxy:
        port = server.getsockname()[1]
        checking = subprocess.Popen(
            [sys.executable, "-c", script.replace(":8080", f":{port}")],
            env={"LOGPULSE_PORT": str(port), "http_proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}"},
        )
        server.settimeout(_PATIENCE_SECONDS)
        with server.accept()[0] as connection:
            assert connection.recv(100).startswith(b"GET /ready ")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert checking.wait(_PATIENCE_SECONDS) == 0


def test_agent_image_has_no_server_in_it() -> None:
    installs = [
        argument for word, argument in instructions("Dockerfile.agent") if word == "RUN" and "install" in argument
    ]
    assert any(argument.endswith(" .") for argument in installs)
    assert not [argument for argument in installs if "[server]" in argument]
    assert all(argument.startswith("HATCH_BUILD_NO_HOOKS=true ") for argument in installs if "pip" in argument)
    assert not [argument for _, argument in instructions("Dockerfile.agent") if "node" in argument]


class TestCompose:
    document: Final = yaml.safe_load((CONTAINERS / "docker-compose.yml").read_text())

    def test_keys_are_known(self) -> None:
        assert set(self.document) <= {"name", "services", "volumes"}
        for service in self.document["services"].values():
            assert set(service) <= _SERVICE_KEYS
            assert set(service.get("healthcheck", {})) <= _HEALTH_KEYS
            assert set(service["build"]) == {"context", "dockerfile"}

    def test_builds_from_the_dockerfiles(self) -> None:
        for service in self.document["services"].values():
            context = (CONTAINERS / service["build"]["context"]).resolve()
            assert context == TOP.resolve()
            assert (context / service["build"]["dockerfile"]).is_file()

    def test_services_are_locked_down(self) -> None:
        for service in self.document["services"].values():
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service["tmpfs"] == ["/tmp"]

    def test_volumes_are_declared_and_hold_the_data(self) -> None:
        for service in self.document["services"].values():
            mounts = dict(mount.split(":")[:2] for mount in service["volumes"])
            data = next(name for name, target in mounts.items() if target == "/data")
            assert data in self.document["volumes"]
        assert "/var/log:/var/log:ro" in self.document["services"]["agent"]["volumes"]

    def test_a_missing_key_is_an_error_before_anything_starts(self) -> None:
        for service in self.document["services"].values():
            assert re.fullmatch(r"\$\{LOGPULSE_API_KEY:\?[^}]+\}", service["environment"]["LOGPULSE_API_KEY"])

    def test_agent_waits_for_a_healthy_server_and_pushes_to_it(self) -> None:
        agent = self.document["services"]["agent"]
        assert agent["depends_on"] == {"server": {"condition": "service_healthy"}}
        port = variables("Dockerfile")["LOGPULSE_PORT"]
        assert agent["environment"]["LOGPULSE_SERVER_URL"] == f"http://server:{port}"
        assert self.document["services"]["server"]["ports"] == [f"127.0.0.1:${{LOGPULSE_PORT:-8080}}:{port}"]
        compile(self.document["services"]["server"]["healthcheck"]["test"][3], "healthcheck", "exec")

    def test_server_may_take_as_long_to_stop_as_it_takes(self) -> None:
        assert int(self.document["services"]["server"]["stop_grace_period"].removesuffix("s")) > limits.SHUTDOWN_SECONDS
