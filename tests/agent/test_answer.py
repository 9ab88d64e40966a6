from __future__ import annotations

import pytest

from agent.answer import Action, judge
from agent.pipeline.labelling import filename_label
from agent.siblings import is_rotated_name

REFUSED = b'{"error":"x","accepted":1,"rejected":[{"stream":0,"entry":1,"reason":"r"}],"rejectedCount":1}'


@pytest.mark.parametrize(
    ("statuses", "body", "action"),
    [
        ((200, 202, 204), b"", Action.DONE),
        ((408, 425, 429, 500, 502, 503, 504, 520), b"<html>", Action.RETRY),
        ((301, 302, 307, 308, 401, 403, 404, 405, 409, 410, 415, 451, 501), b"{}", Action.HOLD),
        ((400, 413, 422), b'{"error":"x"}', Action.SPLIT),
        ((413,), b"<html>", Action.SPLIT),
        ((400, 422), b"<html>400 The plain HTTP request was sent to HTTPS port", Action.HOLD),
        ((400, 422), b"{}", Action.HOLD),
        ((400, 422), b"", Action.HOLD),
        ((400, 422), b'{"error":"x","accepted":0,"rejected":[],"rejectedCount":5}', Action.SPLIT),
        ((400, 422), REFUSED, Action.REFUSED),
        ((413,), REFUSED, Action.SPLIT),
        ((400,), b'{"error":"x","rejected":"all"}', Action.HOLD),
    ],
)
def test_answers(statuses: tuple[int, ...], body: bytes, action: Action) -> None:
    assert [judge(status, {}, body, 0.0).action for status in statuses] == [action] * len(statuses)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_the_server_says_when_to_come_again(status: int) -> None:
    assert judge(status, {"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, b"", 60.0).retry_after == 40
    assert judge(status, {}, b"", 60.0).retry_after is None


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/var/log/a b.log", "/var/log/a b.log"),
        ("/ü/\n\x1b[31m\u202e\udcff", "/ü/\\n\\x1b[31m\\u202e\\xff"),
        ("/" + "é" * 2000, "…" + "é" * 1022),
    ],
)
def test_file_names_as_labels(path: str, label: str) -> None:
    assert filename_label(path) == label
    assert len(label.encode()) <= 2048


@pytest.mark.parametrize(
    ("name", "is_rotated"),
    [
        *[(name, True) for name in ("app.log.1", "app.log-20260115", "app.log.old", "app.log~", "app-2026-01-15.log")],
        *[(name, True) for name in ("app.1.log", "app.log_1")],
        *[(name, False) for name in ("app.log", "app.log.1.gz", "app2.log", "apple.log", "app-web.log", "x.log.1")],
    ],
)
def test_names_of_rotated_files(name: str, is_rotated: bool) -> None:
    assert is_rotated_name(name, "app.log") is is_rotated
