from __future__ import annotations

import pytest

from logpulse.model.server_url import split_server_url


@pytest.mark.parametrize(
    "url", ["http://a", "https://a.b:8080/c", "http://[::1]:1", "http://bücher.example", "http://a_b"]
)
def test_usable(url: str) -> None:
    parts = split_server_url(url)
    assert parts is not None
    assert parts.hostname


@pytest.mark.parametrize(
    "url",
    [
        *["", "a", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:x", "http://a:99999", "http://[::1"],
        *["http://a b", "http://a\n.b", "http://a\x01", f"http://{'a' * 64}", "http://a..b", "http://a/\x7f"],
    ],
)
def test_unusable(url: str) -> None:
    assert split_server_url(url) is None
