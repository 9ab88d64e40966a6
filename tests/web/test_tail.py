"""Following live: pausing, losing the server and finding it again, many lines a second."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ports import unused_port
from tests.processes.server_process import Servers

from .conftest import Complaints, NewPage, Shoot
from .log_list import LogList
from .page_server import Line, PageServer

_QUERY: Final = '{app="live"}'
_FLOOD: Final = 5_000  # lines a second
_SECONDS: Final = 4
_LONG_TASK: Final = 100  # milliseconds

_numbers = count()


def _lines(many: int) -> list[Line]:
    """Make lines of now, each of them unlike all others."""
    now = time.time_ns()
    return [
        Line(now + n, {"app": "live", "level": "info"}, f"live line {next(_numbers):06} " + "word " * 15, "info")
        for n in range(many)
    ]


def _follow(page: Page, **parameters: str) -> LogList:
    page.goto(f"/?{urlencode({'q': _QUERY, 'live': '1', **parameters})}")
    expect(_chip(page, "Live")).to_be_visible()
    return LogList(page)


def _chip(page: Page, text: str) -> object:
    return page.get_by_role("button", name=re.compile(rf"^{re.escape(text)} ·|^{re.escape(text)}"))
