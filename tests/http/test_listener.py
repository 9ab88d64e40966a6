"""The listening socket and Hypercorn's configuration."""

from __future__ import annotations

import logging
import os
import socket

import pytest

from logpulse.errors import ConfigError
from logpulse.http.listener import hypercorn_config, open_listener
from logpulse.limits import (
    CLIENT_FRAME_BYTES,
    GRACEFUL_SECONDS,
    HEADER_BYTES,
    MIB,
    RECEIVE_BYTES,
    SEND_SECONDS,
    TARGET_BYTES,
)

from .harness import GET, connected, greet, serving


def accept(listener: socket.socket, host: str = "127.0.0.1") -> socket.socket:
    with socket.create_connection((host, listener.getsockname()[1])):
        accepted, _ = listener.accept()
    return accepted


def test_connections_inherit_the_options_of_the_listener() -> None:
    with open_listener("127.0.0.1", 0) as listener, accept(listener) as accepted:
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        for option in (listener, accepted):
            assert option.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert option.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert option.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2 * SEND_SECONDS * 1000


def test_a_system_without_user_timeout_still_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT")
    with open_listener("127.0.0.1", 0) as listener, accept(listener):
        pass


def test_a_port_is_free_again_at_once() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        accept(listener).close()
    with open_listener("127.0.0.1", port) as listener:
        assert listener.getsockname()[1] == port


def test_a_port_in_use_is_refused() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError) as refused:
            open_listener("127.0.0.1", port)
    assert refused.value.path == "server.port"
    assert str(port) in refused.value.reason
    assert "in use" in refused.value.reason


@pytest.mark.parametrize(
    ("host", "port", "path"),
    [
        ("192.0.2.1", 0, "server.host"),
        ("2001:db8::1", 0, "server.host"),
        ("no.such.name.invalid", 0, "server.host"),
        ("a..b", 0, "server.host"),
        ("x" * 64 + ".test", 0, "server.host"),
        ("a b", 0, "server.host"),
        ("127.0.0.1", 65536, "server.port"),
        ("127.0.0.1", -1, "server.port"),
    ],
)
def test_an_address_that_cannot_be_had_names_its_setting(host: str, port: int, path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_listener(host, port)
    assert refused.value.path == path
    assert (host if path == "server.host" else str(port)) in refused.value.reason


def test_a_forbidden_port_names_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(self: socket.socket, address: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(socket.socket, "bind", forbid)
    with pytest.raises(ConfigError, match=r"^server\.port: 80 on 127\.0\.0\.1 needs more rights"):
        open_listener("127.0.0.1", 80)


def test_a_name_with_both_kinds_of_address_is_taken_as_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with open_listener("both.test", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_the_unspecified_ipv6_address_takes_ipv4_too() -> None:
    try:
        listener = open_listener("::", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener, accept(listener, "127.0.0.1"):
        assert listener.family == socket.AF_INET6


def test_hypercorn_is_configured_for_the_listener() -> None:
    listener = open_listener("127.0.0.1", 0)
    address = listener.getsockname()
    config = hypercorn_config(listener)
    assert listener.fileno() == -1
    (adopted,) = config.create_sockets().insecure_sockets
    with adopted:
        assert adopted.getsockname() == address
    assert config.graceful_timeout == GRACEFUL_SECONDS
    assert config.websocket_max_message_size == CLIENT_FRAME_BYTES
    assert config.h11_max_incomplete_size == TARGET_BYTES + HEADER_BYTES
    assert config.alpn_protocols == ["http/1.1"]
    assert config.log.error_logger is logging.getLogger("logpulse.http")
    assert config.log.access_logger is None


async def test_answers_do_not_name_the_server_software() -> None:
    async with serving(greet) as server, connected(server) as client:
        await client.send(GET)
        answer = await client.answer()
    assert "server" not in answer.headers
    assert "date" in answer.headers


def test_what_waits_for_an_application_is_small_and_leaves_room_for_the_news_of_a_departure() -> None:
    config = hypercorn_config(open_listener("127.0.0.1", 0))
    os.close(int(config.bind[0].removeprefix("fd://")))
    waiting = config.max_app_queue_size
    assert waiting >= 2  # or an application that reads no body is told too late that its client has left
    assert waiting * RECEIVE_BYTES <= MIB
