from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import AgentConfig, ServerConfig, describe, load_config, settings
from agent.http_client import HttpClient
from logpulse.errors import ConfigError
from logpulse.model.setting import ByteSize, Duration, Secret

SHIPPED = Path(__file__).parents[2] / "configs" / "agent-config.yaml"
TARGET = "targets: [{path: /var/log/a.log}]\n"


def _load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> AgentConfig:
    path = tmp_path / "agent.yaml"
    path.write_text(text)
    return load_config(path, environment or {}, {})


def test_the_shipped_file_names_every_setting_with_its_default() -> None:
    shipped = yaml.safe_load(SHIPPED.read_text())
    for setting in settings():
        value: Any = shipped
        for name in setting.path.split("."):
            assert name.removesuffix("[]") in value, setting.path
            value = value[name.removesuffix("[]")]
            value = value[0] if name.endswith("[]") else value
        if not setting.path.startswith("targets"):
            kind = type(setting.default)
            assert str(value).lower() == str(kind(setting.default)).lower(), setting.path  # type: ignore[call-arg]


def test_the_shipped_file_tails_var_log() -> None:
    config = load_config(SHIPPED, {}, {})
    assert config.targets[0].path == "/var/log/**/*.log"
    assert config.targets[0].labels == {"job": "varlogs"}
    assert "*.gz" in config.targets[0].exclude
    assert load_config(SHIPPED, {}, {}).server == AgentConfig().server


def test_values_with_units_and_variables(tmp_path: Path) -> None:
    text = TARGET + (
        "server: {url: 'http://${HOST:-localhost}:1', api_key: '${KEY}'}\n"
        "files: {poll_interval: 100ms, max_line_bytes: 64KiB, detect_level: '${LEVEL:-false}'}\n"
        "positions_file: /tmp/$$x\n"
    )
    config = _load(tmp_path, text, {"KEY": "a: {b"})
    assert config.server.url == "http://localhost:1"
    assert config.server.api_key == "a: {b"
    assert config.files.poll_interval == Duration(10**8)
    assert config.files.max_line_bytes == ByteSize(65_536)
    assert config.files.detect_level is False
    assert config.positions_file == "/tmp/$x"


def test_later_sources_win(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(TARGET + "server: {url: 'http://file:1', api_key: file}\npositions_file: /file\n")
    environment = {"LOGPULSE_SERVER_URL": "http://env:1", "LOGPULSE_API_KEY": "env"}
    config = load_config(path, environment, {})
    assert (config.server.url, config.server.api_key) == ("http://env:1", "env")
    config = load_config(path, environment, {"server.url": "http://flag:1", "positions_file": "/flag"})
    assert (config.server.url, config.positions_file) == ("http://flag:1", "/flag")


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("", "targets", "at least one"),
        (TARGET + "nothing: 1\n", "nothing", "no such setting"),
        (TARGET + "server: {uri: x}\n", "server.uri", "server.url"),
        ("targets: [{path: /a, label: {}}]\n", "targets[0].label", "targets[0].labels"),
        ("targets: {path: /a}\n", "targets", "must be a list"),
        (TARGET + "batch: 5\n", "batch", "must hold settings"),
        (TARGET + "batch: {max_bytes: lots}\n", "batch.max_bytes", "number of bytes"),
        (TARGET + "batch: {max_bytes: 1}\n", "batch.max_bytes", "between 1KiB and 8MiB"),
        (TARGET + "files: {poll_interval: 5}\n", "files.poll_interval", "duration"),
        (TARGET + "files: {start_position: middle}\n", "files.start_position", "middle"),
        (TARGET + "server: {url: 'ftp://x'}\n", "server.url", "http://host:8080"),
        (TARGET + "server: {url: 'http://'}\n", "server.url", "http://host:8080"),
        (TARGET + "server: {url: 'http://a:0'}\n", "server.url", "http://host:8080"),
        (TARGET + "server: {url: 'http://a:x'}\n", "server.url", "http://host:8080"),
        (TARGET + "server: {url: 'http://a/?b'}\n", "server.url", "http://host:8080"),
        (TARGET + 'server: {url: "http://a\\u0001b"}\n', "server.url", "http://host:8080"),
        (TARGET + 'server: {url: "http://a/\\x7f"}\n', "server.url", "http://host:8080"),
        (TARGET + f"server: {{url: 'http://{'a' * 64}.b'}}\n", "server.url", "http://host:8080"),
        (TARGET + "server: {api_key: schlüssel}\n", "server.api_key", "printable ASCII"),
        (TARGET + 'server: {api_key: "two\\nlines"}\n', "server.api_key", "printable ASCII"),
        (TARGET + "server: {api_key: '${NOT_SET}'}\n", "server.api_key", "NOT_SET is not set"),
        (TARGET + "server: {url: 'http://a'}\nserver: {url: 'http://b'}\n", "--config", "given twice"),
        (TARGET + "batch: &a {}\nfiles: *a\n", "--config", "aliases"),
        ("targets: [{path: logs/a.log}]\n", "targets[0].path", "absolute"),
        ("targets: [{path: '/a/{b'}]\n", "targets[0].path", "not closed"),
        ("targets: [{path: /a, exclude: ['']}]\n", "targets[0].exclude[0]", "must name files"),
        ("targets: [{path: /a, labels: {filename: x}}]\n", "targets[0].labels.filename", "cannot be set"),
        ("targets: [{path: /a, labels: {job: a, port: 80}}]\n", "targets[0].labels.port", "put it in quotes, got 80"),
        ("targets: [{path: /a, labels: {yes: x}}]\n", "targets[0].labels", "put True in quotes"),
        ("targets: [{path: /a, labels: {a-b: x}}]\n", "targets[0].labels", "a-b"),
        ("- a\n", "--config", "must hold names with values"),
        ("a: [\n", "--config", "not valid YAML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, path: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert caught.value.path == path
    assert reason in str(caught.value)


def test_secrets_are_masked(tmp_path: Path) -> None:
    config = _load(tmp_path, TARGET + "server: {api_key: hunter2}\n")
    assert "hunter2" not in describe(config) + repr(config)
    assert yaml.safe_load(describe(config))["targets"][0]["path"] == "/var/log/a.log"


@pytest.mark.parametrize("url", ["http://x:hunter2@host:8080", "http://hunter2@host", "http://x:hunter2@ho st"])
def test_a_password_in_the_url_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"server\.api_key") as caught:
        _load(tmp_path, TARGET, {"LOGPULSE_SERVER_URL": url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("key", "reason"), [("hunter2\udcff", "must be printable ASCII"), (" \n", "is blank")])
def test_a_refused_key_is_named_and_not_shown(tmp_path: Path, key: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"server\.api_key: {reason}.* \(from LOGPULSE_API_KEY\)") as caught:
        _load(tmp_path, TARGET, {"LOGPULSE_API_KEY": key})
    assert "hunter2" not in str(caught.value)


def test_blanks_around_url_and_key_are_dropped(tmp_path: Path) -> None:
    config = _load(tmp_path, TARGET, {"LOGPULSE_API_KEY": "key\n", "LOGPULSE_SERVER_URL": " http://host:1\n"})
    assert (config.server.api_key, config.server.url) == ("key", "http://host:1")
    assert type(config.server.api_key) is Secret


def test_a_host_that_the_http_client_refuses_is_a_mistake_in_the_url() -> None:
    with pytest.raises(ConfigError, match=r"server\.url"):
        HttpClient(ServerConfig(url="http://\u2603.net"))
