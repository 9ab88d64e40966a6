"""How a WebSocket handler learns that its peer has left: one error class, where Quart has it."""

from __future__ import annotations

from typing import Final

from quart.wrappers import base


class _NeverRaisedError(Exception):
    """Stand in for the class that Quart before 0.23 does not have: it cancels the handler instead."""


PeerLeftError: Final[type[Exception]] = getattr(base, "ClientDisconnectedError", _NeverRaisedError)
