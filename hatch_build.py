"""Refuse to build a package without the web page: nobody would miss it before it is installed somewhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PAGE: Final = "logpulse/web/static/index.html"


class MissingPageError(Exception):
    """Say that the page is missing, and how to build it or do without."""

    def __str__(self) -> str:
        return (
            f"{_PAGE} is missing: run `make page` first, which needs npm and Node 20.19, 22.12 or newer. "
            "Where only the agent or the client commands are wanted, HATCH_BUILD_NO_HOOKS=true packs them without it."
        )


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Look for the page before a wheel or a source archive is packed. An editable install is served from its folder."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Look for it.

        Raises:
            MissingPageError: it has not been built.
        """
        if version != "editable" and not (Path(self.root) / _PAGE).is_file():
            raise MissingPageError
