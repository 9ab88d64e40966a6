"""The agent's settings. The classes below are the one table of them: type, default and help of each stand together.

Sources, later ones winning: defaults, the YAML file, the environment, command-line flags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args, get_origin

import attrs
import msgspec

from agent.glob import GlobPattern
from agent.links import LinkRule
from logpulse import limits
from logpulse.errors import ConfigError, LogPulseError
from logpulse.model.labels import Labels
from logpulse.model.server_url import split_server_url
from logpulse.model.setting import ByteSize, Duration, Secret, Setting, declare, read_unit, seconds
from logpulse.model.yaml_document import read_document

_Section = TypeVar("_Section", bound=attrs.AttrsInstance)
OWN_LABELS: Final = 2  # filename and level


@attrs.frozen
class ServerConfig:
    """The server that gets the lines."""

    url: str = declare("http://localhost:8080", "the LogPulse server; LOGPULSE_SERVER_URL overrides it")
    api_key: Secret = declare(Secret(""), "the key to it, if it wants one; better set by LOGPULSE_API_KEY")
    connect_timeout: Duration = declare(seconds(10), "longest wait for a connection")
    answer_timeout: Duration = declare(seconds(60), "longest wait for an answer; then the batch is sent again")
    retry_longest: Duration = declare(
        seconds(limits.AGENT_RETRY_MOST_SECONDS), "longest wait before a failed batch is sent again"
    )
    hold_interval: Duration = declare(
        seconds(60), "wait before a batch is sent again that was refused for a wrong key, path or method"
    )


@attrs.frozen
class BatchConfig:
    """What is sent together."""

    max_bytes: ByteSize = declare(ByteSize(limits.AGENT_BATCH_BYTES), "a batch is sent when it has this size")
    max_wait: Duration = declare(seconds(1), "or when its first line has waited this long")


@attrs.frozen
class FilesConfig:
    """How files are found and followed."""

    discovery_interval: Duration = declare(seconds(5), "time between searches for new files")
    poll_interval: Duration = declare(seconds(0.25), "time between looks at each followed file")
    start_position: Literal["beginning", "end"] = declare(
        "beginning", "where files begin that exist at the very first start; later files begin at their beginning"
    )
    follow_symlinks: LinkRule = declare(
        "same_owner", "links that are followed: those of root, the agent's user or the file's owner; or always, never"
    )
    max_line_bytes: ByteSize = declare(ByteSize(limits.LINE_BYTES), "longer lines are split into numbered parts")
    detect_level: bool = declare(True, "give lines in which a level is found the label level")
    settle_time: Duration = declare(
        seconds(5), "a file that was renamed or deleted is left this long after its last write"
    )
    rotate_wait: Duration = declare(
        seconds(300), "or after this time, even if it is still written to, or deleted and not delivered yet"
    )


@attrs.frozen
class TargetConfig:
    """Files that share labels."""

    path: str = declare("", "pattern of absolute paths: * ? [0-9] {a,b}, and ** for any number of folders")
    exclude: tuple[str, ...] = declare((), "patterns of files to leave out; one without a slash is of names")
    labels: dict[str, str] = attrs.field(factory=dict, metadata={"help": "labels of all lines of these files"})


@attrs.frozen
class AgentConfig:
    """All settings of an agent."""

    server: ServerConfig = attrs.field(factory=ServerConfig)
    positions_file: str = declare(
        "./data/agent/positions.json", "how far each file was delivered; its folder is the agent's own"
    )
    log_level: Literal["debug", "info", "warning", "error"] = declare(
        "info", "least severity of the agent's own log lines, which go to standard error"
    )
    shutdown_timeout: Duration = declare(seconds(5), "when stopped, the longest time to deliver what was read")
    batch: BatchConfig = attrs.field(factory=BatchConfig)
    files: FilesConfig = attrs.field(factory=FilesConfig)
    targets: tuple[TargetConfig, ...] = attrs.field(factory=tuple)


def settings() -> Iterator[Setting]:
    """List every setting in the order of the file."""
    yield from _settings_of(AgentConfig, "")


def _settings_of(section: type[attrs.AttrsInstance], prefix: str) -> Iterator[Setting]:
    for field in attrs.fields(attrs.resolve_types(section)):
        if inner := _section_in(field.type):
            marker = "[]" if get_origin(field.type) is tuple else ""
            yield from _settings_of(inner, f"{prefix}{field.name}{marker}.")
        else:
            default = {} if field.default.__class__ is attrs.Factory else field.default
            yield Setting(f"{prefix}{field.name}", default, field.metadata["help"])


def _section_in(kind: object) -> type[attrs.AttrsInstance] | None:
    inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return inner if isinstance(inner, type) and attrs.has(inner) else None


def load_config(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, str]) -> AgentConfig:
    """Read the settings from the file at `path`, the environment and `overrides` by dotted path.

    Raises:
        ConfigError: a setting is unknown, of the wrong type or out of its range; names the setting and its source.
    """
    document = read_document(path, environment) if path is not None else {}
    try:
        config = _build(AgentConfig, document, "")
    except ConfigError as error:
        raise ConfigError(error.path, error.reason, str(path)) from error
    server = config.server
    if url := overrides.get("server.url") or environment.get("LOGPULSE_SERVER_URL"):
        server = attrs.evolve(server, url=url)
    if key := environment.get(_KEY_VARIABLE):
        server = attrs.evolve(server, api_key=_secret(key))
    server = attrs.evolve(server, url=server.url.strip())  # what is read from a file often ends with a newline
    config = attrs.evolve(
        config, server=server, positions_file=overrides.get("positions_file") or config.positions_file
    )
    _check(config)
    return config


def _secret(text: str) -> Secret:
    try:
        return Secret.of(text)
    except ValueError as error:
        raise ConfigError("server.api_key", str(error), _KEY_VARIABLE) from error


def _build(section: type[_Section], document: object, prefix: str) -> _Section:
    if document is None:
        return section()
    if not isinstance(document, dict):
        raise ConfigError(prefix.rstrip("."), f"must hold settings below it, got {document!r}")
    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(section))}
    values: dict[str, object] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if name not in fields:
            raise ConfigError(
                path, f"there is no such setting; known are {', '.join(prefix + each for each in fields)}"
            )
        kind = fields[name].type
        inner = _section_in(kind)
        if inner is None:
            values[name] = _convert(value, kind, path)
        elif get_origin(kind) is tuple:
            if not isinstance(value, list):
                raise ConfigError(path, "must be a list")
            values[name] = tuple(_build(inner, each, f"{path}[{number}].") for number, each in enumerate(value))
        else:
            values[name] = _build(inner, value, f"{path}.")
    return section(**values)


def _convert(value: object, kind: object, path: str) -> object:
    if get_origin(kind) is dict and isinstance(value, dict):
        _check_texts(value, path)
    # A text may come from a variable, where `true` and `5` have no other form.
    strict = not isinstance(value, str)
    try:
        return msgspec.convert(value, type=kind, strict=strict, dec_hook=read_unit)
    except (msgspec.ValidationError, LogPulseError, ValueError) as error:
        raise ConfigError(path, str(error)) from error


def _check_texts(pairs: Mapping[object, object], path: str) -> None:
    for name, value in pairs.items():
        if not isinstance(name, str):
            raise ConfigError(path, f"names must be text; put {name!r} in quotes")
        if not isinstance(value, str):
            raise ConfigError(f"{path}.{name}", f"must be text; put it in quotes, got {value!r}")


_KEY_VARIABLE: Final = "LOGPULSE_API_KEY"
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "server.connect_timeout": (seconds(0.01), seconds(600)),
    "server.answer_timeout": (seconds(0.01), seconds(3600)),
    "server.retry_longest": (seconds(0.01), seconds(3600)),
    "server.hold_interval": (seconds(0.01), seconds(3600)),
    "shutdown_timeout": (0, seconds(600)),
    "batch.max_bytes": (limits.KIB, 8 * limits.MIB),
    "batch.max_wait": (0, seconds(60)),
    "files.discovery_interval": (seconds(0.01), seconds(3600)),
    "files.poll_interval": (seconds(0.01), seconds(60)),
    "files.max_line_bytes": (limits.KIB, limits.LINE_BYTES),
    "files.settle_time": (0, seconds(3600)),
    "files.rotate_wait": (0, seconds(86_400)),
}


def _check(config: AgentConfig) -> None:
    for path, (least, most) in _RANGES.items():
        value: object = config
        for name in path.split("."):
            value = getattr(value, name)
        assert isinstance(value, Duration | ByteSize)
        if not least <= value <= most:
            kind = type(value)
            raise ConfigError(path, f"must be between {kind(least)} and {kind(most)}, got {value}")
    _check_server(config.server)
    if not config.positions_file:
        raise ConfigError("positions_file", "must name a file")
    if not config.targets:
        raise ConfigError("targets", "must name at least one path to follow")
    for number, target in enumerate(config.targets):
        _check_target(target, f"targets[{number}]")


def _check_server(server: ServerConfig) -> None:
    parts = split_server_url(server.url)
    if "@" in (server.url if parts is None else parts.netloc):
        # Not echoed: what stands before it is most likely a password, and every warning names the URL.
        raise ConfigError("server.url", "must not hold a user or password; give the key as server.api_key")
    if parts is None or parts.query or parts.fragment:
        raise ConfigError("server.url", f"must be like http://host:8080, got {server.url!r}")


def _check_target(target: TargetConfig, path: str) -> None:
    if not target.path.startswith("/"):
        raise ConfigError(f"{path}.path", f"must be an absolute path or pattern, got {target.path!r}")
    for name, text in (("path", target.path), *((f"exclude[{i}]", text) for i, text in enumerate(target.exclude))):
        try:
            GlobPattern.parse(text)
        except ValueError as error:
            raise ConfigError(f"{path}.{name}", f"{error}, got {text!r}") from error
    if "filename" in target.labels:
        raise ConfigError(f"{path}.labels.filename", "is the file's own path and cannot be set")
    try:
        if target.labels:
            Labels.of(target.labels, most=limits.LABELS_PER_STREAM - OWN_LABELS)
    except LogPulseError as error:
        raise ConfigError(f"{path}.labels", str(error)) from error


def describe(config: AgentConfig) -> str:
    """Write the effective settings as YAML with secrets masked."""
    return "".join(_describe(config, ""))


def _describe(section: attrs.AttrsInstance, indent: str) -> Iterator[str]:
    for field in attrs.fields(type(section)):
        value = getattr(section, field.name)
        match value:
            case tuple() if value and all(attrs.has(type(each)) for each in value):
                yield f"{indent}{field.name}:\n"
                for each in value:
                    text = "".join(_describe(each, indent + "    "))
                    yield f"{indent}  - {text[len(indent) + 4 :]}"
            case _ if attrs.has(type(value)):
                yield f"{indent}{field.name}:\n"
                yield from _describe(value, indent + "  ")
            case _:
                yield f"{indent}{field.name}: {_yaml_value(value)}\n"


def _yaml_value(value: object) -> str:
    match value:
        case Secret():
            return '"********"' if value else '""'
        case Duration() | ByteSize():
            return str(value)
        case _:
            return msgspec.json.encode(value).decode()
