"""What the head of a request may look like."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypercorn.typing import ConnectionState, HTTPScope
from hypothesis import given
from hypothesis import strategies as st

from logpulse.http.refusal import Refusal
from logpulse.http.request_bounds import inspect_head
from logpulse.limits import HEADER_BYTES, HEADER_COUNT, TARGET_BYTES

HOST = (b"host", b"test")


def scope_of(target: bytes = b"/", headers: list[tuple[bytes, bytes]] | None = None, method: str = "GET") -> HTTPScope:
    """Make the scope that Hypercorn makes of a request."""
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [HOST] if headers is None else headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": ConnectionState({}),
        "extensions": {},
    }


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ([HOST], None, ""),
        ([], None, ""),
        ([HOST, (b"content-length", b"0")], None, ""),
        ([HOST, (b"content-length", b"7"), (b"content-length", b"7")], None, ""),
        ([HOST, (b"transfer-encoding", b"chunked")], None, ""),
        ([HOST, HOST], 400, "Host: must be given once, got 'test, test'"),
        ([(b"host", b"a..b")], 400, "Host: must have no part"),
        ([(b"host", 64 * b"x" + b".test:80")], 400, "Host"),
        ([(b"host", b".")], 400, "Host"),
        ([(b"host", b"")], None, ""),
        ([(b"host", b"a.b.:80")], None, ""),
        ([(b"host", b"[::1]:80")], None, ""),
        ([(b"content-length", b"7"), (b"transfer-encoding", b"chunked")], 400, "Content-Length: must be left out"),
        ([(b"content-length", b"-1")], 400, "Content-Length: must be one number of bytes, got '-1'"),
        ([(b"content-length", b"+1")], 400, "Content-Length"),
        ([(b"content-length", b"")], 400, "Content-Length"),
        ([(b"content-length", b"1e3")], 400, "Content-Length"),
        ([(b"content-length", b"0x10")], 400, "Content-Length"),
        ([(b"content-length", b"1_0")], 400, "Content-Length"),
        ([(b"content-length", "٣".encode())], 400, "Content-Length"),
        ([(b"content-length", 20 * b"9")], 400, "Content-Length"),
        ([(b"content-length", b"7, 8")], 400, "Content-Length"),
        ([(b"content-length", b"7"), (b"content-length", b"8")], 400, "Content-Length"),
        (HEADER_COUNT * [(b"a", b"b")], None, ""),
        ((HEADER_COUNT + 1) * [(b"a", b"b")], 431, f"limited to {HEADER_COUNT}, got {HEADER_COUNT + 1}"),
        ([(b"a", (HEADER_BYTES - 5) * b"b")], None, ""),
        ([(b"a", (HEADER_BYTES - 4) * b"b")], 431, f"limited to {HEADER_BYTES}, got {HEADER_BYTES + 1}"),
    ],
)
def test_headers(headers: list[tuple[bytes, bytes]], status: int | None, reason: str) -> None:
    outcome = inspect_head(scope_of(headers=headers))
    if status is None:
        assert not isinstance(outcome, Refusal)
    else:
        assert isinstance(outcome, Refusal)
        assert outcome.status == status
        assert reason in outcome.reason


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"//",
        b"/query?q=%",
        b"/a%20b%C3%BC",
        b"/../../etc/passwd",
        b"/%2e%2e%2f",
        b"/%252e%252e%252f",
        b"/..%5c",
        b"/;v=1",
        b"/?" + (TARGET_BYTES - 1) * b"x",
    ],
)
def test_paths_are_passed_on_untouched(target: bytes) -> None:
    scope = scope_of(target)
    assert inspect_head(scope) is scope


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"", 400),
        (b"?", 400),
        (b"?q=1", 400),
        (b"*", 400),
        (b"x", 400),
        (b"http:", 400),
        (b"http://", 400),
        (b"http:///query", 400),
        (b"http://[::1", 400),
        (b"http://test:port/", 400),
        (b"http://test:99999/", 400),
        (b"ftp://test/", 400),
        (b"file:///etc/passwd", 400),
        (b"test:80", 400),
        (b"/%", 400),
        (b"/%zz", 400),
        (b"/%4", 400),
        (b"/%00", 400),
        (b"/a%0d%0ab", 400),
        (b"/%7f", 400),
        (b"/%ff", 400),
        (b"/%c0%ae%c0%ae/", 400),
        (b"http://test/%00", 400),
        (b"/" + TARGET_BYTES * b"x", 414),
        (b"/?" + TARGET_BYTES * b"x", 414),
    ],
)
def test_a_target_that_is_no_path_is_refused(target: bytes, status: int) -> None:
    outcome = inspect_head(scope_of(target))
    assert isinstance(outcome, Refusal)
    assert outcome.status == status
    assert "URL" in outcome.reason


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://test", "/", b""),
        (b"http://test/query?q=1", "/query", b"q=1"),
        (b"HTTPS://test:8080/a%20b", "/a b", b""),
        (b"http://[::1]:80/", "/", b""),
        (b"http://user@test//x", "//x", b""),
    ],
)
def test_a_url_is_taken_for_its_path(target: bytes, path: str, query: bytes) -> None:
    outcome = inspect_head(scope_of(target))
    assert not isinstance(outcome, Refusal)
    assert (outcome["path"], outcome["query_string"]) == (path, query)
    assert unquote(outcome["raw_path"].decode()) == path


def test_an_asterisk_is_a_target_of_options_only() -> None:
    assert not isinstance(inspect_head(scope_of(b"*", method="OPTIONS")), Refusal)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)).map(str.encode))
def test_a_target_is_refused_or_becomes_a_path(target: bytes) -> None:
    outcome = inspect_head(scope_of(target))
    assert isinstance(outcome, Refusal) or outcome["path"].startswith("/")
