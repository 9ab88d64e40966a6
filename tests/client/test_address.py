"""Where the server is."""

from __future__ import annotations

import ssl

import pytest

from logpulse.client.address import ServerAddress
from logpulse.errors import ConfigError, InvalidRequestError, LogPulseError


@pytest.mark.parametrize(
    ("typed", "url", "host", "port", "authority"),
    [
        ("http://localhost:8080", "http://localhost:8080", "localhost", 8080, "localhost:8080"),
        ("  http://localhost:8080/ ", "http://localhost:8080", "localhost", 8080, "localhost:8080"),
        ("localhost:8080", "http://localhost:8080", "localhost", 8080, "localhost:8080"),
        ("logs.example", "http://logs.example", "logs.example", 80, "logs.example"),
        ("https://logs.example/lp/", "https://logs.example/lp", "logs.example", 443, "logs.example"),
        ("http://[::1]:8080", "http://[::1]:8080", "::1", 8080, "[::1]:8080"),
    ],
)
def test_what_operators_type(typed: str, url: str, host: str, port: int, authority: str) -> None:
    address = ServerAddress.of(typed)
    assert (address.url, address.host, address.port, address.authority) == (url, host, port, authority)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "http://",
        "http://a b",
        "http://\udcff",
        "http://a..b",
        "http://" + "a" * 64,
        "ftp://x",
        "http://x:port",
        "http://x:99999",
        "http://x/?a=b",
        "http://x/#f",
        "http://[::1",
    ],
)
def test_what_is_no_url(typed: str) -> None:
    with pytest.raises(InvalidRequestError, match="LOGPULSE_SERVER_URL"):
        ServerAddress.of(typed)


@pytest.mark.parametrize(
    ("url", "key"), [("http://me:s3cret@x", ""), ("http://x", "s3cret\nX-Evil: 1"), ("http://x", "s3cret\u00e9")]
)
def test_refusing_a_key_never_shows_it(url: str, key: str) -> None:
    with pytest.raises(LogPulseError) as caught:
        ServerAddress.of(url, key)
    assert isinstance(caught.value, ConfigError)
    assert "s3cret" not in str(caught.value)


def test_the_key_goes_into_the_header_and_nowhere_else() -> None:
    address = ServerAddress.of("http://x", " s3cret\n")
    assert address.headers["X-API-Key"] == "s3cret"
    assert "s3cret" not in repr(address)
    assert "X-API-Key" not in ServerAddress.of("http://x").headers


def test_routes_keep_the_path_before_them_and_escape_their_parts() -> None:
    address = ServerAddress.of("https://logs.example/lp")
    assert address.route("labels", "a/b ?", "values") == "https://logs.example/lp/labels/a%2Fb%20%3F/values"
    assert address.resource("stream", {"query": '{a="b"} |= "&"'}) == (
        "/lp/stream?query=%7Ba%3D%22b%22%7D%20%7C%3D%20%22%26%22"
    )


def test_certificates_are_checked_whatever_the_scheme() -> None:
    for url in ("http://x", "https://x"):
        trust = ServerAddress.of(url).trust()
        assert trust.verify_mode is ssl.CERT_REQUIRED
        assert trust.check_hostname
