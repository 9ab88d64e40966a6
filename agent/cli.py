"""The command `logpulse-agent`."""

from __future__ import annotations

import logging
import os
import resource
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import trio

from agent.agent import Agent, Outcome, run_agent
from agent.config import AgentConfig, describe, load_config
from agent.positions_file import LaterVersionError
from logpulse.errors import ConfigError, LogPulseError
from logpulse.model.setting import Secret

_log: Final = logging.getLogger("agent")
_WRONG_SETUP: Final = 2
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="The agent's YAML file.")
@click.option("--once", is_flag=True, help="Read what every file has now, deliver, and exit.")
@click.option("--check-config", is_flag=True, help="Show the settings in force, and exit.")
@click.option("--server-url", help="The server, instead of server.url and LOGPULSE_SERVER_URL.")
@click.option("--positions-file", help="Where the positions are kept, instead of positions_file.")
def main(config_path: Path, once: bool, check_config: bool, server_url: str | None, positions_file: str | None) -> None:
    """Follow log files and deliver every line to a LogPulse server.

    Exit codes: 0 done or stopped by a signal; 1 trouble, or with --once something that could not be read or was
    refused; 2 the configuration is wrong, or the positions are a later version's.
    """
    overrides = {"server.url": server_url, "positions_file": positions_file}
    try:
        config = load_config(config_path, os.environ, {name: value for name, value in overrides.items() if value})
        if check_config:
            click.echo(describe(config), nl=False)
            return
        _log_to_stderr(config.log_level)
        _warn(config_path, config)
        _allow_many_files()
        outcome = trio.run(run_agent, config, Agent.read_once if once else Agent.follow)
    except LogPulseError as error:
        click.echo(f"logpulse-agent: {error}", err=True)
        sys.exit(_WRONG_SETUP if isinstance(error, ConfigError | LaterVersionError) else 1)
    sys.exit(_code_of_once(outcome) if once else 0)


def _code_of_once(outcome: Outcome) -> int:
    return int(outcome.refused > 0 or outcome.unreadable > 0 or outcome.was_interrupted)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=level.upper(), format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    # They tell of every request.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _warn(config_path: Path, config: AgentConfig) -> None:
    """Tell of what makes the key easier to steal."""
    key, url = config.server.api_key, urlsplit(config.server.url)
    if not key:
        return
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        _log.warning("server.url is plain http: whoever is on the way to %s can read the key and the lines", url.netloc)
    if config.server.api_key == _key_in(config_path) and config_path.stat().st_mode & 0o004:
        _log.warning(
            "%s holds server.api_key and can be read by everybody: chmod o-r it, or use LOGPULSE_API_KEY", config_path
        )


def _key_in(config_path: Path) -> Secret:
    return load_config(config_path, {}, {}).server.api_key


def _allow_many_files() -> None:
    """Raise the soft limit of open files, often 1024, to the hard one: each followed file takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
