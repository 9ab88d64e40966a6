"""Settings: one table, four sources in order, and errors that name the setting and where it came from."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from logpulse.cli import root
from logpulse.config import Config, Setting, describe, load_config, settings, unknown_variables
from logpulse.errors import ConfigError
from logpulse.limits import KIB, MIB, SECOND_NS
from logpulse.model.setting import ByteSize, Duration, Secret

ROOT = Path(__file__).parent.parent
SETTINGS = list(settings())


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def value_of(config: Config, path: str) -> object:
    """Look a setting up by its path."""
    section, name = path.split(".")
    return getattr(getattr(config, section), name)


# -- the table and what is written about it ---------------------------------------------------------------------------


def test_the_shipped_file_names_every_setting_with_its_default() -> None:
    shipped = ROOT / "configs" / "config.yaml"
    document = yaml.safe_load(shipped.read_text())
    assert [f"{section}.{name}" for section in document for name in document[section]] == [s.path for s in SETTINGS]
    assert load_config(shipped, {}, {}) == Config()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_the_readme_names_every_setting_and_its_variable(setting: Setting) -> None:
    readme = ROOT / "README.md"
    assert readme.exists(), "README.md is missing; it must list every setting"
    text = readme.read_text("utf-8")
    path, variable = setting.path, setting.environment
    assert path in text, f"README.md does not name the setting {path}: add it to the table of settings"
    assert variable in text, f"README.md does not name {variable}, which sets {path}: add it to the table of settings"


def test_the_short_variables_are_those_of_the_manual() -> None:
    variables = {setting.path: setting.environment for setting in SETTINGS}
    assert variables["server.port"] == "LOGPULSE_PORT"
    assert variables["storage.path"] == "LOGPULSE_STORAGE_PATH"
    assert variables["auth.api_key"] == "LOGPULSE_API_KEY"
    assert len(set(variables.values())) == len(variables)


def test_every_setting_has_a_help_text_and_a_default_of_its_type() -> None:
    for setting in SETTINGS:
        assert setting.help
        assert not setting.help.endswith(".")
        assert value_of(Config(), setting.path) == setting.default


def test_the_effective_settings_are_described_as_yaml(tmp_path: Path) -> None:
    text = describe(Config())
    assert load_config(write(tmp_path, text), {}, {}) == Config()
    assert all(setting.help in text for setting in SETTINGS)
    secret = load_config(None, {"LOGPULSE_API_KEY": "hunter2"}, {})
    assert "hunter2" not in describe(secret)
    assert "api_key: ********" in describe(secret)


# -- where values come from -------------------------------------------------------------------------------------------


def test_without_anything_the_defaults_hold() -> None:
    assert load_config(None, {}, {}) == Config()
    assert load_config(None, {"PATH": "/bin", "LOGPULSE_SERVER_URL": "http://x"}, {}) == Config()


def test_file_environment_and_flags_win_in_this_order(tmp_path: Path) -> None:
    path = write(tmp_path, "server:\n  port: 1\n")
    environment = {"LOGPULSE_PORT": "2"}
    flags = {"server.port": "3"}
    assert load_config(path, {}, {}).server.port == 1
    assert load_config(path, environment, {}).server.port == 2
    assert load_config(path, environment, flags).server.port == 3
    assert load_config(path, {}, flags).server.port == 3
    assert load_config(path, {"LOGPULSE_SERVER_PORT": "4"}, {}).server.port == 4
    assert load_config(path, {"LOGPULSE_SERVER_PORT": "4", **environment}, {}).server.port == 2, "the short name wins"


@pytest.mark.parametrize("text", ["", "# nothing\n", "server:\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text), {}, {}) == Config()


SAMPLES = {
    "storage.chunk_size_bytes": ("2MiB", ByteSize(2 * MIB)),
    "ingest.flush_interval": ("1m30s", Duration(90 * SECOND_NS)),
    "ingest.flush_bytes": ("1000000000", ByteSize(1_000_000_000)),
    "ingest.wal_sync": ("interval", "interval"),
    "ingest.detect_level": ("false", False),
    "ingest.max_body_bytes": ("64KiB", ByteSize(64 * KIB)),
    "ingest.long_lines": ("truncate", "truncate"),
    "server.log_level": ("debug", "debug"),
    "server.allow_anonymous": ("1", True),
    "storage.path": ("/somewhere/else", "/somewhere/else"),
    "storage.retention_days": ("0", 0),
    "query.timeout": ("500ms", Duration(SECOND_NS // 2)),
    "auth.api_key": ("a: #key", Secret("a: #key")),
}


@pytest.mark.parametrize("path", SAMPLES)
def test_each_kind_of_value_is_read_from_every_source(tmp_path: Path, path: str) -> None:
    text, wanted = SAMPLES[path]
    (setting,) = (setting for setting in SETTINGS if setting.path == path)
    section, name = path.split(".")
    plain = yaml.safe_dump({section: {name: wanted if isinstance(wanted, bool) or type(wanted) is int else text}})
    for config in (
        load_config(write(tmp_path, plain), {}, {}),
        load_config(None, {setting.environment: text}, {}),
        load_config(None, {}, {path: text}),
    ):
        assert value_of(config, path) == wanted
        assert type(value_of(config, path)) is type(wanted)


def test_a_key_in_the_environment_turns_authentication_on() -> None:
    config = load_config(None, {"LOGPULSE_API_KEY": "k", "LOGPULSE_SERVER_HOST": "0.0.0.0"}, {})
    assert (config.auth.enabled, config.auth.api_key) == (True, "k")
    off = load_config(None, {"LOGPULSE_API_KEY": "k", "LOGPULSE_AUTH_ENABLED": "false"}, {})
    assert not off.auth.enabled
    assert not load_config(None, {"LOGPULSE_API_KEY": ""}, {}).auth.enabled


# -- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("server:\n  prot: 1\n", "server.prot", "there is no such setting; known are server.host, server.port, "),
        ("sever:\n  port: 1\n", "sever.port", "there is no such setting; known are server.host, "),
        ("server:\n  port: 80a\n", "server.port", "Expected `int`, got `str`"),
        ("server:\n  port: '80'\n", "server.port", "Expected `int`, got `str`"),
        ("server:\n  port: 1.5\n", "server.port", "Expected `int`, got `float`"),
        ("server:\n  port: true\n", "server.port", "Expected `int`, got `bool`"),
        ("server:\n  port:\n", "server.port", "Expected `int`, got `null`"),
        ("server:\n  host: 5\n", "server.host", "Expected `str`, got `int`"),
        ("server:\n  port: -1\n", "server.port", "must be between 0 and 65535, got -1"),
        ("server:\n  port: 65536\n", "server.port", "must be between 0 and 65535, got 65536"),
        ("server:\n  log_level: loud\n", "server.log_level", "Invalid enum value 'loud'"),
        ("server: 5\n", "server", "must be a section with settings below it"),
        ("server: [port]\n", "server", "must be a section with settings below it"),
        ("5\n", "--config", "the file must hold names with values, such as 'server:'"),
        ("- server\n", "--config", "the file must hold names with values, such as 'server:'"),
        (
            "server: {port: 1\n",
            "--config",
            "the file is not valid YAML: while parsing a flow mapping (line 1, column 9): "
            "expected ',' or '}', but got '<stream end>' (line 2, column 1)",
        ),
        ("server:\n\tport: 1\n", "--config", "cannot start any token (line 2, column 1)"),
        ("server: \0\n", "--config", "special characters are not allowed in "),
        ('storage:\n  path: ""\n', "storage.path", "must name a folder"),
        ('storage:\n  path: " "\n', "storage.path", "must name a folder"),
        ("auth:\n  api_key: {{ key }}\n", "--config", "a name must be plain text; put a value that begins with {"),
        ("? [server]\n: 1\n", "--config", "a name must be plain text"),
        ("server:\n  port: 2026-99-99\n", "--config", "the file is not valid YAML: "),
        (f"server:\n  port: {'9' * 5000}\n", "--config", "the file is not valid YAML: "),
        ("server:\n  allow_anonymous: !!bool x\n", "--config", "the file is not valid YAML: "),
        ("server:\n  port: !!timestamp x\n", "--config", "the file is not valid YAML: "),
        ("server:\n  port: 1\n  port: 2\n", "--config", "the key 'port' is given twice"),
        ("server:\n  port: 1\nserver:\n  host: x\n", "--config", "the key 'server' is given twice"),
        ("server:\n  port: !!python/object/apply:os.system ['true']\n", "--config", "the file is not valid YAML: "),
        ("ingest:\n  flush_interval: 60\n", "ingest.flush_interval", "expected a duration, got 60"),
        ("ingest:\n  flush_interval: soon\n", "ingest.flush_interval", "duration: must be a duration such as 30s"),
        ("ingest:\n  flush_interval: 1ms\n", "ingest.flush_interval", "must be between 1s and 1h, got 1ms"),
        ("storage:\n  chunk_size_bytes: 1\n", "storage.chunk_size_bytes", "must be between 64KiB and 64MiB, got 1B"),
        (
            "storage:\n  chunk_size_bytes: 1 box\n",
            "storage.chunk_size_bytes",
            "size: must be a number of bytes such as",
        ),
        ("storage:\n  chunk_size_bytes: true\n", "storage.chunk_size_bytes", "expected a bytesize, got True"),
        ("auth:\n  enabled: true\n", "auth.api_key", "must be set when auth.enabled is true; or set LOGPULSE_API_KEY"),
        ("server:\n  host: 0.0.0.0\n", "server.host", "listening on 0.0.0.0 without a key lets anyone"),
        ("server:\n  host: example.org\n", "server.host", "listening on example.org without a key lets anyone"),
    ],
    ids=lambda value: value.replace("\n", " ")[:40],
)
def test_errors_name_the_setting_and_the_file(tmp_path: Path, text: str, path: str, reason: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {}, {})
    assert caught.value.path == path
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason
    source = "the defaults" if path == "auth.api_key" else str(file)
    assert caught.value.source == source
    assert str(caught.value) == f"{path}: {caught.value.reason} (from {source})"


@pytest.mark.parametrize(
    ("variable", "text", "path", "reason"),
    [
        ("LOGPULSE_PORT", "http", "server.port", "Expected `int`, got `str`"),
        ("LOGPULSE_PORT", "", "server.port", "Expected `int`, got `str`"),
        ("LOGPULSE_PORT", "70000", "server.port", "must be between 0 and 65535, got 70000"),
        ("LOGPULSE_INGEST_DETECT_LEVEL", "maybe", "ingest.detect_level", "Expected `bool`, got `str`"),
        ("LOGPULSE_INGEST_WAL_SYNC", "sometimes", "ingest.wal_sync", "Invalid enum value 'sometimes'"),
        ("LOGPULSE_STORAGE_PATH", "", "storage.path", "must name a folder"),
        ("LOGPULSE_QUERY_MEMORY", "much", "query.memory", "size: must be a number of bytes"),
    ],
)
def test_errors_name_the_variable(variable: str, text: str, path: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {variable: text}, {})
    assert (caught.value.path, caught.value.source) == (path, variable)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("server.prot", "1", "there is no such setting; known are server.host, server.port, "),
        ("port", "1", "there is no such setting"),
        ("server.port", "x", "Expected `int`, got `str`"),
        ("query.threads", "-1", "must be between 0 and 256, got -1"),
    ],
)
def test_errors_name_the_command_line(path: str, text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {}, {path: text})
    assert (caught.value.path, caught.value.source) == (path, "command line")
    assert reason in caught.value.reason


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(ConfigError, match="--config: the file cannot be read: ") as caught:
            load_config(path, {}, {})
        assert caught.value.source == str(path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"server:\n  host: \xff\n")
    with pytest.raises(ConfigError, match="--config: the file is not valid YAML: "):
        load_config(latin, {}, {})


def test_a_secret_is_not_shown_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, "auth:\n  api_key: 31337\n"), {}, {})
    assert "31337" not in str(caught.value)
    assert "quotes" in str(caught.value)


@pytest.mark.parametrize("text", ["key\n", " key", "key\r\n"])
def test_blanks_around_a_key_are_none_of_it(tmp_path: Path, text: str) -> None:
    assert load_config(None, {"LOGPULSE_API_KEY": text}, {}).auth.api_key == "key"
    assert load_config(write(tmp_path, f"auth: {{api_key: {json.dumps(text)}}}"), {}, {}).auth.api_key == "key"


@pytest.mark.parametrize("text", ["schlüssel", "a\nb", "a\x00b", "\x7fab", "\udcffab", "\n", "  "])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"LOGPULSE_API_KEY": text}, {})
    assert (caught.value.path, caught.value.source) == ("auth.api_key", "LOGPULSE_API_KEY")
    assert text.strip() == "" or text not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert load_config(None, {"LOGPULSE_SERVER_HOST": host}, {}).server.host == host


def test_other_addresses_need_a_key_or_a_decision() -> None:
    anywhere = {"LOGPULSE_SERVER_HOST": "::"}
    with pytest.raises(ConfigError, match=r"server\.allow_anonymous: true if that is what you want"):
        load_config(None, anywhere, {})
    assert load_config(None, {**anywhere, "LOGPULSE_SERVER_ALLOW_ANONYMOUS": "true"}, {}).server.allow_anonymous
    assert load_config(None, {**anywhere, "LOGPULSE_API_KEY": "k"}, {}).auth.enabled


@given(st.dictionaries(st.sampled_from([setting.environment for setting in SETTINGS]), st.text(max_size=8), max_size=4))
def test_no_environment_raises_anything_else(environment: dict[str, str]) -> None:
    with suppress(ConfigError):
        assert isinstance(load_config(None, environment, {}), Config)


@pytest.mark.parametrize(
    ("file", "environment", "expected"),
    [
        ("auth: {api_key: k}", {}, True),
        ("auth: {api_key: k, enabled: true}", {}, True),
        ("auth: {api_key: k, enabled: false}", {"LOGPULSE_API_KEY": "k"}, True),
        ("auth: {api_key: k, enabled: false}", {"LOGPULSE_AUTH_ENABLED": "false"}, False),
        ("auth: {enabled: false}", {"LOGPULSE_API_KEY": "k"}, True),
        ("auth: {enabled: false}", {"LOGPULSE_AUTH_API_KEY": "k"}, True),
        ("auth: {}", {"LOGPULSE_API_KEY": "k", "LOGPULSE_AUTH_ENABLED": "false"}, False),
        ("auth: {}", {"LOGPULSE_API_KEY": ""}, False),
    ],
)
def test_a_key_turns_authentication_on(tmp_path: Path, file: str, environment: dict[str, str], expected: bool) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(file)
    assert load_config(path, environment, {}).auth.enabled is expected


def test_a_key_written_into_the_shipped_file_leaves_no_server_open(tmp_path: Path) -> None:
    shipped = (ROOT / "configs" / "config.yaml").read_text()
    assert shipped.count('api_key: ""') == 1
    with_key = shipped.replace('api_key: ""', "api_key: k")
    with pytest.raises(ConfigError, match=r"auth\.enabled: is false beside a key"):
        load_config(write(tmp_path, with_key), {}, {})
    assert load_config(write(tmp_path, with_key.replace("enabled: false ", "enabled: true ")), {}, {}).auth.enabled


def test_variables_that_set_nothing_are_named() -> None:
    assert unknown_variables({setting.environment: "" for setting in SETTINGS}) == []
    known = ("LOGPULSE_SERVER_PORT", "LOGPULSE_AUTH_API_KEY", "LOGPULSE_SERVER_URL", "LOGPULSE_CONFIG", "PATH")
    assert unknown_variables(dict.fromkeys(known, "")) == []
    assert unknown_variables({"LOGPULSE_RETENTION_DAYS": "1", "LOGPULSE_HOST": "x"}) == [
        "LOGPULSE_HOST",
        "LOGPULSE_RETENTION_DAYS",
    ]


def test_the_command_line_warns_of_them() -> None:
    result = CliRunner().invoke(root, ["check-config"], env={"LOGPULSE_PROT": "1"})
    assert result.exit_code == 0
    assert "LOGPULSE_PROT is set, but there is no such setting" in result.stderr
