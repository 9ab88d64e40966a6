from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from agent.identity import Mark, open_regular
from logpulse.limits import AGENT_HEAD_BYTES, AGENT_TAIL_BYTES


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (lambda data: data, True),
        (lambda data: data + b"more", True),
        (lambda data: b"!" + data[1:], False),  # the end is the same
        (lambda data: data[: AGENT_HEAD_BYTES - 1] + b"!" + data[AGENT_HEAD_BYTES:], False),
        (lambda data: data[:-1] + b"!", False),  # the beginning is the same
        (lambda data: data[:-AGENT_TAIL_BYTES] + b"!" + data[-AGENT_TAIL_BYTES + 1 :], False),
        (lambda data: data[:-1], False),
        (lambda data: b"", False),
    ],
)
def test_a_mark_knows_the_beginning_and_the_end_of_what_was_read(tmp_path: Path, change: object, holds: bool) -> None:
    assert callable(change)
    data = bytes(number * 7 % 251 for number in range(3000))
    path = tmp_path / "a.log"
    path.write_bytes(data)
    descriptor = open_regular(str(path))
    mark = Mark.at(descriptor, len(data))
    path.write_bytes(change(data))
    assert mark.holds(descriptor) is holds
    os.close(descriptor)


def test_a_pipe_does_not_hold_up_the_agent(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    failures: list[int | None] = []

    def open_pipe() -> None:
        try:
            os.close(open_regular(str(pipe)))
        except OSError as error:
            failures.append(error.errno)

    opening = threading.Thread(target=open_pipe)
    opening.start()
    opening.join(5)
    held_up = opening.is_alive()
    if held_up:
        os.close(os.open(pipe, os.O_WRONLY))  # a writer lets it go
        opening.join()
    assert not held_up
    assert failures == [errno.EINVAL]
