"""Read a YAML file strictly, and put the environment into its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from logpulse.errors import ConfigError

# What PyYAML raises for a value that is not what its form or tag says: the date 2026-99-99, `!!bool x`.
_CONSTRUCTOR_ERRORS: Final = (ValueError, TypeError, LookupError, AttributeError)
_VARIABLE: Final = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})")


class _StrictLoader(yaml.SafeLoader):
    """Load plain YAML. Refuse a key given twice, which YAML would silently overwrite, and one that is no single word.

    `{{ name }}`, left over from a template, is a mapping with a mapping as its key, which Python cannot hold.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a name must be plain text; put a value that begins with { in quotes", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_document(path: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """Read the mapping in the file at `path`, with `${NAME}` and `${NAME:-default}` replaced in its texts.

    Variables are put in after the YAML was parsed, so that their contents cannot change its structure. `$$` is a
    dollar sign.

    Raises:
        ConfigError: the file cannot be read, is no YAML mapping, or names a variable that is not set.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # A few nested aliases can stand for gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=_StrictLoader)):
            raise ConfigError("--config", "YAML aliases (*name) are not allowed", str(path))
        document = yaml.load(text, Loader=_StrictLoader)
    except OSError as error:
        raise ConfigError("--config", f"the file cannot be read: {error.strerror}", str(path)) from error
    except (yaml.YAMLError, RecursionError, *_CONSTRUCTOR_ERRORS) as error:
        raise ConfigError("--config", f"the file is not valid YAML: {_reason(error)}", str(path)) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError("--config", "the file must hold names with values, such as 'server:'", str(path))
    return {str(name): _expand(value, str(name), environment) for name, value in document.items()}


def _reason(error: Exception) -> str:
    """Say in one line what PyYAML says in several, with the place and without the excerpt."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    parts = ((error.context, error.context_mark), (error.problem, error.problem_mark))
    return ": ".join(f"{text}{_place(mark)}" for text, mark in parts if text)


def _place(mark: yaml.Mark | None) -> str:
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"


def _expand(value: object, path: str, environment: Mapping[str, str]) -> object:
    match value:
        case str():
            return _expand_text(value, path, environment)
        case list():
            return [_expand(each, f"{path}[{number}]", environment) for number, each in enumerate(value)]
        case dict():
            return {name: _expand(each, f"{path}.{name}", environment) for name, each in value.items()}
        case _:
            return value


def _expand_text(text: str, path: str, environment: Mapping[str, str]) -> str:
    def replacement(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        value = environment.get(found[2]) or found[3]
        if value is None:
            raise ConfigError(
                path, f"the environment variable {found[2]} is not set; or write ${{{found[2]}:-default}}"
            )
        return value

    return _VARIABLE.sub(replacement, text)
