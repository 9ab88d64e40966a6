"""Ports for servers that have to come back to theirs."""

from __future__ import annotations

import random
import socket
from typing import Final

_NEVER_GIVEN_OUT: Final = range(20_000, 32_000)  # below what systems give to those who ask for any port


def unused_port() -> int:
    """Give a port of 127.0.0.1 that nobody else gets by chance, even while nobody listens on it."""
    while True:
        port = random.SystemRandom().choice(_NEVER_GIVEN_OUT)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
