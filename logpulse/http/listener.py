"""The listening socket, and Hypercorn's configuration around it."""

from __future__ import annotations

import errno
import logging
import socket

from hypercorn.config import Config

from logpulse.errors import ConfigError
from logpulse.limits import (
    CLIENT_FRAME_BYTES,
    GRACEFUL_SECONDS,
    HEADER_BYTES,
    HEARTBEAT_SECONDS,
    HTTP_BACKLOG,
    KEEP_ALIVE_SECONDS,
    RECEIVED_MESSAGES,
    SEND_SECONDS,
    TARGET_BYTES,
)


def open_listener(host: str, port: int) -> socket.socket:
    """Listen on `host`, an address or a name of this machine, and TCP `port`; 0 lets the system choose.

    `::` listens on IPv4 too. A name with both kinds of address is taken as IPv4. Connections are queued by the kernel
    from here on. Each inherits: no Nagle delay, keep-alive probes, and, where the system has TCP_USER_TIMEOUT, an end
    after twice SEND_SECONDS without acknowledgement or room at the peer: the guarded connection's own deadline, which
    is counted and tells the application, comes first wherever it can.

    Raises:
        ConfigError: of `server.host`, no address of this machine; of `server.port`, in use, forbidden or no port.
    """
    family, address = _resolve(host, port)
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _refused(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 2 * SEND_SECONDS * 1000)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(HTTP_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def hypercorn_config(listener: socket.socket) -> Config:
    """Describe to Hypercorn how to serve `listener`, which is its own from now on.

    Its errors go to the logger `logpulse.http`; it writes no access log. HTTP/1.1 only: over TLS nothing else is
    offered, without TLS `guarded_hypercorn` refuses the rest.
    """
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = HTTP_BACKLOG
    config.errorlog = logging.getLogger("logpulse.http")
    config.accesslog = None
    config.include_server_header = False
    config.alpn_protocols = ["http/1.1"]
    config.h11_max_incomplete_size = TARGET_BYTES + HEADER_BYTES
    config.max_app_queue_size = RECEIVED_MESSAGES
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = GRACEFUL_SECONDS
    config.websocket_ping_interval = HEARTBEAT_SECONDS
    config.websocket_max_message_size = CLIENT_FRAME_BYTES
    return config


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]:
    if not 0 <= port <= 65535:
        raise ConfigError("server.port", f"must be 0 to 65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError("server.host", f"{host!r} is neither an address nor a known name ({error})") from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


def _refused(host: str, port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            "server.port", f"{port} on {host} is in use by another program; stop it or choose another port"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return ConfigError("server.port", f"{port} on {host} needs more rights; choose one above 1023")
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return ConfigError("server.host", f"{host} is not an address of this machine; use 127.0.0.1, 0.0.0.0 or ::")
    return ConfigError("server.host", f"cannot listen on {host} port {port}: {error.strerror}")
