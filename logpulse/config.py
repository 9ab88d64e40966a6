"""The server's settings. The classes below are the one table of them: type, default and help of each stand together.

Sources, later ones winning: defaults, the YAML file, the environment, command-line flags. With no file all works.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

import attrs
import msgspec
import yaml

from logpulse import limits
from logpulse.errors import ConfigError, LogPulseError
from logpulse.units import format_byte_size, format_duration, parse_byte_size, parse_duration

_T = TypeVar("_T")


class Duration(int):
    """Hold nanoseconds; written as `30s` or `1h30m`."""

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self / limits.SECOND_NS

    def __str__(self) -> str:
        return format_duration(int(self))


class ByteSize(int):
    """Hold bytes; written as a number or as `64MiB`."""

    def __str__(self) -> str:
        return format_byte_size(int(self))


class Secret(str):
    """Hold text that is never shown."""

    __slots__ = ()


def _setting(default: _T, help_text: str) -> _T:
    field: _T = attrs.field(default=default, metadata={"help": help_text})
    return field


def _seconds(count: int) -> Duration:
    return Duration(count * limits.SECOND_NS)


@attrs.frozen
class ServerConfig:
    """The listening side."""

    host: str = _setting("127.0.0.1", "address to listen on; other than loopback needs a key or allow_anonymous")
    port: int = _setting(8080, "TCP port; 0 lets the system choose")
    allow_anonymous: bool = _setting(False, "listen on a non-loopback address without a key")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "least severity of LogPulse's own log lines"
    )


@attrs.frozen
class StorageConfig:
    """The data folder."""

    path: str = _setting("./data/logs", "data folder, for one server alone")
    chunk_size_bytes: ByteSize = _setting(ByteSize(limits.MIB), "log text in one chunk, which a query skips or reads")
    retention_days: int = _setting(7, "days kept, from an entry's time or arrival, the later; 0 keeps all")


@attrs.frozen
class IngestConfig:
    """What pushes may contain and when they reach the disk."""

    buffer_size: int = _setting(1000, "pushes in work at once; the next one is answered 429")
    flush_interval: Duration = _setting(_seconds(60), "longest time entries stay in memory and WAL before a segment")
    flush_bytes: ByteSize = _setting(ByteSize(64 * limits.MIB), "log text in memory that starts a flush")
    wal_sync: Literal["always", "interval", "none"] = _setting(
        "always", "fdatasync before each answer (always), every second (interval: power loss costs up to 1 s), or never"
    )
    detect_level: bool = _setting(True, "show a level found in the line for entries without a level label")
    max_body_bytes: ByteSize = _setting(ByteSize(limits.BODY_BYTES), "largest request body, as received")
    max_line_bytes: ByteSize = _setting(ByteSize(limits.LINE_BYTES), "longest line")
    long_lines: Literal["reject", "truncate"] = _setting("reject", "what happens to longer lines")
    max_labels: int = _setting(limits.LABELS_PER_STREAM, "labels of one stream")
    max_streams: int = _setting(limits.STREAMS, "streams in all; a push that would create more is answered 429")


@attrs.frozen
class QueryConfig:
    """What queries may cost."""

    timeout: Duration = _setting(_seconds(limits.QUERY_SECONDS), "a query is stopped after this time")
    max_concurrent: int = _setting(limits.QUERIES_AT_ONCE, "queries that run at once; the rest wait, then get 429")
    max_entries: int = _setting(limits.ENTRIES_PER_QUERY, "entries in one answer")
    memory: ByteSize = _setting(ByteSize(limits.QUERY_MEMORY_BYTES), "memory of the scan engine, all queries together")
    threads: int = _setting(0, "threads of the scan engine; 0 means one per core")


@attrs.frozen
class TailConfig:
    """Live tails."""

    max_subscribers: int = _setting(limits.SUBSCRIBERS, "live tails at once; the next one is refused with 429")


@attrs.frozen
class AuthConfig:
    """Who may come in."""

    enabled: bool = _setting(False, "require the key on every route but /health, /ready and /livez")
    api_key: Secret = _setting(Secret(""), "the key; setting it turns auth.enabled on")


@attrs.frozen
class Config:
    """All settings of a server."""

    server: ServerConfig = attrs.field(factory=ServerConfig)
    storage: StorageConfig = attrs.field(factory=StorageConfig)
    ingest: IngestConfig = attrs.field(factory=IngestConfig)
    query: QueryConfig = attrs.field(factory=QueryConfig)
    tail: TailConfig = attrs.field(factory=TailConfig)
    auth: AuthConfig = attrs.field(factory=AuthConfig)


@attrs.frozen
class Setting:
    """Describe one setting; `path` is dotted, `environment` names its variable."""

    path: str
    type: object
    default: object
    help: str

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return _SHORT_NAMES.get(self.path) or "LOGPULSE_" + self.path.replace(".", "_").upper()


_DEFAULTS: Final = "the defaults"
_SHORT_NAMES: Final = {"server.port": "LOGPULSE_PORT", "auth.api_key": "LOGPULSE_API_KEY"}


def settings() -> Iterator[Setting]:
    """List every setting in the order of the file."""
    for section, defaults in _sections(Config()).items():
        for field in attrs.fields(attrs.resolve_types(type(defaults))):
            yield Setting(f"{section}.{field.name}", field.type, field.default, field.metadata["help"])


def _sections(config: Config) -> dict[str, attrs.AttrsInstance]:
    return {field.name: getattr(config, field.name) for field in attrs.fields(Config)}


def load_config(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]) -> Config:
    """Read the settings from the file at `path` (None: no file), the environment and `overrides` by dotted path.

    Raises:
        ConfigError: a setting is unknown, of the wrong type or out of its range; names the setting and its source.
    """
    known = {setting.path: setting for setting in settings()}
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for name, value in _file_values(path).items():
        if name not in known:
            raise ConfigError(name, f"there is no such setting; known are {_near(name, known)}", str(path))
        values[name], sources[name] = _convert(known[name], value, str(path)), str(path)
    for setting in known.values():
        long_name = "LOGPULSE_" + setting.path.replace(".", "_").upper()
        for variable in (long_name, setting.environment):
            if variable in environment:
                values[setting.path] = _convert(setting, environment[variable], variable)
                sources[setting.path] = variable
    # Whoever sets a key wants it asked for: in the environment even over a file that says otherwise.
    key_source = sources.get("auth.api_key", "") if values.get("auth.api_key") else ""
    is_from_environment = key_source in environment and "LOGPULSE_AUTH_ENABLED" not in environment
    if is_from_environment or (key_source and "auth.enabled" not in values):
        values["auth.enabled"], sources["auth.enabled"] = True, key_source
    for name, text in overrides.items():
        if name not in known:
            raise ConfigError(name, f"there is no such setting; known are {_near(name, known)}", "command line")
        values[name], sources[name] = _convert(known[name], text, "command line"), "command line"
    config = _build(values)
    _check(config, sources)
    return config


def _file_values(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        document = yaml.load(path.read_text(), Loader=_StrictLoader)
    except OSError as error:
        raise ConfigError("--config", f"the file cannot be read: {error.strerror}", str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("--config", f"the file is not valid YAML: {error}", str(path)) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError("--config", "the file must hold sections such as 'server:'", str(path))
    values: dict[str, object] = {}
    for section, content in document.items():
        if content is None:
            continue
        if not isinstance(content, dict):
            raise ConfigError(str(section), "must be a section with settings below it", str(path))
        values.update({f"{section}.{name}": value for name, value in content.items()})
    return values


class _StrictLoader(yaml.SafeLoader):
    """Load plain YAML and refuse a key given twice, which YAML would silently overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _near(name: str, known: Mapping[str, Setting]) -> str:
    section = name.partition(".")[0]
    return ", ".join([each for each in known if each.startswith(f"{section}.")] or known)


def _convert(setting: Setting, value: object, source: str) -> object:
    lenient = source.startswith("LOGPULSE_") or source == "command line"
    try:
        return msgspec.convert(value, type=setting.type, strict=not lenient, dec_hook=_read_unit)
    except (msgspec.ValidationError, LogPulseError, ValueError) as error:
        raise ConfigError(setting.path, str(error), source) from error


def _read_unit(kind: type, value: object) -> object:
    if isinstance(value, kind):
        return value
    if kind is Secret:
        if isinstance(value, str):
            return Secret(value)
        raise ValueError("expected text; put the secret in quotes")  # which must not be repeated here
    if kind is Duration and isinstance(value, str):
        return Duration(parse_duration(value))
    if kind is ByteSize and isinstance(value, str | int) and not isinstance(value, bool):
        return ByteSize(parse_byte_size(str(value)))
    raise ValueError(f"expected a {kind.__name__.lower()}, got {value!r}")


def _build(values: Mapping[str, object]) -> Config:
    document: dict[str, dict[str, object]] = {}
    for path, value in values.items():
        section, name = path.split(".")
        document.setdefault(section, {})[name] = value
    return msgspec.convert(document, Config, dec_hook=_read_unit)


_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "server.port": (0, 65_535),
    "storage.chunk_size_bytes": (64 * limits.KIB, 64 * limits.MIB),
    "storage.retention_days": (0, 36_500),
    "ingest.buffer_size": (1, 100_000),
    "ingest.flush_interval": (limits.SECOND_NS, 3600 * limits.SECOND_NS),
    "ingest.flush_bytes": (limits.MIB, 1024 * limits.MIB),
    "ingest.max_body_bytes": (limits.KIB, 256 * limits.MIB),
    "ingest.max_line_bytes": (limits.KIB, 16 * limits.MIB),
    "ingest.max_labels": (1, 100),
    "ingest.max_streams": (1, 10_000_000),
    "query.timeout": (limits.SECOND_NS // 10, 3600 * limits.SECOND_NS),
    "query.max_concurrent": (1, 64),
    "query.max_entries": (1, 1_000_000),
    "query.memory": (64 * limits.MIB, 1 << 40),
    "query.threads": (0, 256),
    "tail.max_subscribers": (0, 10_000),
}


def _check(config: Config, sources: Mapping[str, str]) -> None:
    for path, (least, most) in _RANGES.items():
        section, name = path.split(".")
        value = getattr(getattr(config, section), name)
        if not least <= value <= most:
            kind = type(value)
            reason = f"must be between {kind(least)} and {kind(most)}, got {value}"
            raise ConfigError(path, reason, sources.get(path, _DEFAULTS))
    if config.auth.enabled and not config.auth.api_key:
        raise ConfigError(
            "auth.api_key",
            "must be set when auth.enabled is true; or set LOGPULSE_API_KEY",
            sources.get("auth.api_key", _DEFAULTS),
        )
    if not config.auth.enabled and not config.server.allow_anonymous and not _is_loopback(config.server.host):
        raise ConfigError(
            "server.host",
            f"listening on {config.server.host} without a key lets anyone on the network in; "
            "set LOGPULSE_API_KEY, or server.allow_anonymous: true if that is what you want",
            sources.get("server.host", _DEFAULTS),
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def describe(config: Config) -> str:
    """Write the effective settings as YAML with their help as comments and secrets masked."""
    lines: list[str] = []
    section = ""
    for setting in settings():
        prefix, name = setting.path.split(".")
        if prefix != section:
            section = prefix
            lines.append(f"{section}:")
        value = getattr(getattr(config, prefix), name)
        shown = ("********" if value else '""') if isinstance(value, Secret) else _yaml_scalar(value)
        lines.append(f"  {name}: {shown}  # {setting.help}")
    return "\n".join(lines) + "\n"


def _yaml_scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
