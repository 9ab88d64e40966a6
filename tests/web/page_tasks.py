"""The tasks of a page's main thread, each of which holds up whatever comes behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

_MAIN_THREAD: Final = "CrRendererMain"
_TASKS: Final = ("RunTask", "ThreadControllerImpl::RunTask")


@contextmanager
def tasks_of(page: Page) -> Iterator[list[float]]:
    """Note the tasks of a page: once left, the list holds milliseconds of each.

    They are of the processor, not of the clock, which runs on while a busy machine does something else.
    """
    browser = page.context.browser
    assert browser is not None
    tasks: list[float] = []
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    try:
        yield tasks
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == _MAIN_THREAD
    }
    tasks += [
        event["tdur"] / 1000
        for event in events
        if event["name"] in _TASKS and (event["pid"], event["tid"]) in main and "tdur" in event
    ]
    assert tasks, "the trace holds no tasks"
