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

from logpulse import limits
from logpulse.errors import ConfigError, LogPulseError
from logpulse.model.setting import ByteSize, Duration, Secret, declare, read_unit, seconds
from logpulse.model.yaml_document import read_document

_T = TypeVar("_T")


@attrs.frozen
class ServerConfig:
    """The listening side."""

    host: str = declare("127.0.0.1", "address to listen on; other than loopback needs a key or allow_anonymous")
    port: int = declare(8080, "TCP port; 0 lets the system choose")
    allow_anonymous: bool = declare(False, "listen on a non-loopback address without a key")
    log_level: Literal["debug", "info", "warning", "error"] = declare(
        "info", "least severity of LogPulse's own log lines"
    )


@attrs.frozen
class StorageConfig:
    """The data folder."""

    path: str = declare("./data/logs", "data folder, for one server alone")
    chunk_size_bytes: ByteSize = declare(ByteSize(limits.MIB), "entries in one chunk, which a query skips or reads")
    retention_days: int = declare(7, "days kept, from an entry's time or arrival, the later; 0 keeps all")


@attrs.frozen
class IngestConfig:
    """What pushes may contain and when they reach the disk."""

    buffer_size: int = declare(1000, "pushes in work at once; the next one is answered 429")
    flush_interval: Duration = declare(seconds(60), "longest time entries stay in memory and WAL before a segment")
    flush_bytes: ByteSize = declare(ByteSize(64 * limits.MIB), "entries in memory that start a flush")
    wal_sync: Literal["always", "interval", "none"] = declare(
        "always", "fdatasync before each answer (always), every second (interval: power loss costs up to 1 s), or never"
    )
    detect_level: bool = declare(True, "show a level found in the line for entries without a level label")
    discover_service_name: bool = declare(
        False, "Loki's push: add the label service_name, for Grafana's Drilldown; off, as it makes other streams"
    )
    max_body_bytes: ByteSize = declare(ByteSize(limits.BODY_BYTES), "largest request body, as received")
    max_line_bytes: ByteSize = declare(ByteSize(limits.LINE_BYTES), "longest line")
    long_lines: Literal["reject", "truncate"] = declare("reject", "what happens to longer lines")
    max_labels: int = declare(limits.LABELS_PER_STREAM, "labels of one stream")
    max_streams: int = declare(limits.STREAMS, "streams in all; a push that would create more is answered 429")


@attrs.frozen
class QueryConfig:
    """What queries may cost."""

    timeout: Duration = declare(seconds(limits.QUERY_SECONDS), "a query is stopped after this time")
    max_concurrent: int = declare(limits.QUERIES_AT_ONCE, "queries that run at once; the rest wait, then get 429")
    max_entries: int = declare(limits.ENTRIES_PER_QUERY, "entries in one answer")
    max_points: int = declare(limits.POINTS_PER_SERIES, "points of one series, of Loki's range queries")
    max_range: Duration = declare(Duration(limits.QUERY_RANGE_NS), "time between start and end of Loki's range queries")
    max_series: int = declare(limits.SERIES_PER_RESULT, "series in the result of a metric query")
    max_scan_bytes: ByteSize = declare(
        ByteSize(limits.SCAN_BYTES), "log text of its streams and time that a query may have to look at; 0: any amount"
    )
    allow_broad_selectors: bool = declare(
        True, "whether /query takes selectors that choose every stream, such as {} (Loki's routes never do)"
    )
    memory: ByteSize = declare(ByteSize(limits.QUERY_MEMORY_BYTES), "memory of the scan engine, all queries together")
    cache: ByteSize = declare(
        ByteSize(limits.PARTIALS_BYTES),
        "memory for what files contributed to metric queries, so that asking again is cheap; 0: none",
    )
    threads: int = declare(0, "threads of the scan engine; 0 means one per core")


@attrs.frozen
class TailConfig:
    """Live tails."""

    max_subscribers: int = declare(limits.SUBSCRIBERS, "live tails at once; the next one is refused with 429")


@attrs.frozen
class AuthConfig:
    """Who may come in."""

    enabled: bool = declare(False, "require the key on every route but the page and its sign-in, and the probes")
    api_key: Secret = declare(Secret(""), "the key; setting it turns auth.enabled on")


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
_OTHER_VARIABLES: Final = {"LOGPULSE_CONFIG", "LOGPULSE_SERVER_URL"}  # of `logpulse.asgi` and of the clients
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
    for name, value in _file_values(path, environment).items():
        if name not in known:
            raise ConfigError(name, f"there is no such setting; known are {_near(name, known)}", str(path))
        values[name], sources[name] = _convert(known[name], value, str(path)), str(path)
    for setting in known.values():
        long_name = "LOGPULSE_" + setting.path.replace(".", "_").upper()
        for variable in (long_name, setting.environment):
            if variable in environment:
                values[setting.path] = _convert(setting, environment[variable], variable)
                sources[setting.path] = variable
    if values.get("auth.api_key"):
        _enable_auth(values, sources)
    for name, text in overrides.items():
        if name not in known:
            raise ConfigError(name, f"there is no such setting; known are {_near(name, known)}", "command line")
        values[name], sources[name] = _convert(known[name], text, "command line"), "command line"
    config = _build(values)
    _check(config, sources)
    return config


def _enable_auth(values: dict[str, object], sources: dict[str, str]) -> None:
    """Turn authentication on for a key. Whoever sets one in the environment means it, whatever the file says."""
    key_source, enabled_source = sources["auth.api_key"], sources.get("auth.enabled", "")
    if not enabled_source or (_is_variable(key_source) and not _is_variable(enabled_source)):
        values["auth.enabled"], sources["auth.enabled"] = True, key_source
    elif not values["auth.enabled"] and not _is_variable(enabled_source):
        raise ConfigError(
            "auth.enabled",
            "is false beside a key, so that everyone would be let in without it; make it true, or remove one of them",
            enabled_source,
        )


def _is_variable(source: str) -> bool:
    return source.startswith("LOGPULSE_")


def _file_values(path: Path | None, environment: Mapping[str, str]) -> dict[str, object]:
    if path is None:
        return {}
    values: dict[str, object] = {}
    for section, content in read_document(path, environment).items():
        if content is None:
            continue
        if not isinstance(content, dict):
            raise ConfigError(section, "must be a section with settings below it", str(path))
        values.update({f"{section}.{name}": value for name, value in content.items()})
    return values


def _near(name: str, known: Mapping[str, Setting]) -> str:
    section = name.partition(".")[0]
    return ", ".join([each for each in known if each.startswith(f"{section}.")] or known)


def _convert(setting: Setting, value: object, source: str) -> object:
    lenient = _is_variable(source) or source == "command line"
    try:
        return msgspec.convert(value, type=setting.type, strict=not lenient, dec_hook=read_unit)
    except (msgspec.ValidationError, LogPulseError, ValueError) as error:
        raise ConfigError(setting.path, str(error), source) from error


def _build(values: Mapping[str, object]) -> Config:
    document: dict[str, dict[str, object]] = {}
    for path, value in values.items():
        section, name = path.split(".")
        document.setdefault(section, {})[name] = value
    return msgspec.convert(document, Config, dec_hook=read_unit)


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
    "query.max_points": (500, limits.POINTS_PER_SERIES),
    "query.max_range": (limits.SECOND_NS, 36_500 * limits.DAY_NS),
    "query.max_series": (1, limits.MATRIX_VALUES),
    "query.max_scan_bytes": (0, 1 << 60),
    "query.memory": (64 * limits.MIB, 1 << 40),
    "query.cache": (0, 1 << 40),
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
    if not config.storage.path.strip():
        raise ConfigError("storage.path", "must name a folder", sources.get("storage.path", _DEFAULTS))
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


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """List the variables in `environment` that look like settings, and are none of any part of LogPulse."""
    known = {setting.environment for setting in settings()}
    known |= {"LOGPULSE_" + setting.path.replace(".", "_").upper() for setting in settings()}
    return sorted(name for name in environment if name.startswith("LOGPULSE_") and name not in known | _OTHER_VARIABLES)


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
